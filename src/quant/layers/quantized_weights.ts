/**
 * The wrapper that trains a layer with fake-quantized weights and bias.
 *
 * While the inner layer's `call` runs, the variables of its quantized weights answer `read()` with the rounded value.
 * The layer's own code is untouched, and so are its variables: the optimizer updates the real weights, to which the
 * gradient comes straight through.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { adoptWeights } from "../../custom.ts";
import { showValue } from "../../text/plain.ts";
import { shadow } from "../../shadow.ts";
import { symmetricZeroPoint } from "../../numbers/qparams.ts";
import { type Grid, INT8_SYMMETRIC_PER_CHANNEL, type PerSlice, type QuantScheme } from "../../numbers/scheme.ts";
import type { WeightObserverName } from "../observers/weights.ts";
import { isBatchNormalized, quantizerBefore, roundBias, straightThrough } from "./_accumulator_grid.ts";
import { checkArgs } from "./_check_args.ts";
import { checkQParams, checkScheme, checkSpecs, readLayer, readScheme, readWeightObserver } from "./_read_config.ts";
import { type Entry, findShare, followWeight, granularityOf, roundedWeight } from "./_weight_entry.ts";
import {
  type BiasFolding,
  type NamedGrid,
  type QatPhase,
  QUANTIZED,
  type QuantizedLayer,
  QuantizedLayerError,
} from "./quantized_layer.ts";
import { type CallArgs, findWeight, type Layer, type LayerArgs, type Shapes } from "./layer.ts";
import { CALL_AT, type Callable } from "./shared_call.ts";
import { channelsOf, channelView, type QuantizedWeight } from "./weight_channels.ts";

/** Arguments of a QuantizedWeights layer. */
export interface QuantizedWeightsArgs extends LayerArgs {
  /** The layer whose weights are quantized. */
  readonly layer: Layer;
  /** Which of its weights. */
  readonly weights: readonly QuantizedWeight[];
  /** Along which axis its channels are, `weights` say. Default: `INT8_SYMMETRIC_PER_CHANNEL`. */
  readonly scheme?: QuantScheme;
  /** How grids are found: from all of the range ("min-max", default), or its share of the least squared error ("mse"). */
  readonly observer?: WeightObserverName;
}

/**
 * A layer that runs another one with its weights rounded to a grid.
 *
 * Name and weights are the inner layer's; each quantized weight adds `NAME_scale`, not trained, [channels] or []:
 * max|w| / 127 of a channel, the least scale that there is where that is 0. An affine scheme has (max w − min w) / 255 and
 * adds `NAME_zero_point`, as many. Grids follow the weights at every training step while `observing`; afterwards they stay,
 * and codes that would leave them are clamped. By "mse" a channel's grid is made of the share `NAME_share` of its range,
 * found whenever weights are set from outside: training keeps the share, and grids still follow.
 *
 * The bias is rounded to the grid that the exported file holds it on, input scale times weight scale, where a
 * FakeQuantize is found before this layer. With batch normalization right behind, that layer rounds the folded bias.
 *
 * Shapes: the inner layer's.
 * Gradient: as of `fakeQuantize`, to the real weights; to the bias unchanged.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { registerQuantKernels } from "../kernels.ts";
 * import { QuantizedWeights } from "./quantized_weights.ts";
 *
 * registerQuantKernels();
 * await tf.setBackend("cpu");
 * const dense = tfl.layers.dense({ units: 1, useBias: false });
 * const layer = new QuantizedWeights({ layer: dense, weights: [{ name: "kernel", axis: 1 }] });
 * layer.build([null, 2]);
 * dense.setWeights([tf.tensor2d([[1.27], [0.004]])]);
 * layer.observeWeights();
 * const y = layer.apply(tf.tensor2d([[0, 1]])) as tf.Tensor;
 * assert.equal(y.dataSync()[0], 0); // 0.004 is less than half a step of 0.01
 * ```
 */
export class QuantizedWeights extends tfl.layers.Layer implements Callable, QuantizedLayer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "QuantizedWeights";

  /** Whether training steps update the scales. Set by the training schedule, not saved. */
  observing = true;
  /** Whether weights are rounded; if not, the inner layer runs as it is. Set by the training schedule, not saved. */
  enabled = true;

  /** The layer whose weights are quantized. */
  readonly layer: Layer;
  /** How weights become codes. */
  readonly scheme: QuantScheme;
  /** How scales are found. */
  readonly weightObserver: WeightObserverName;

  readonly #specs: readonly QuantizedWeight[];
  #entries: readonly Entry[] = [];

  /**
   * Wraps a layer, built or not.
   *
   * @throws {RangeError} If the scheme is impossible.
   */
  constructor({ layer, weights, scheme = INT8_SYMMETRIC_PER_CHANNEL, observer, ...args }: QuantizedWeightsArgs) {
    checkArgs(args, { className: QuantizedWeights.className });
    const { name, trainable, batchInputShape, dtype } = layer;
    super({ trainable, ...given({ batchInputShape, dtype }), ...args, name });
    checkScheme(scheme, name);
    checkSpecs(weights, name);
    this.layer = layer;
    this.scheme = scheme;
    this.weightObserver = readWeightObserver(observer, name);
    this.#specs = weights;
    this.supportsMasking = layer.supportsMasking;
    this.inputSpec = layer.inputSpec;
  }

  /**
   * Builds the inner layer where it is not, adds the scales, and sets them from the weights.
   *
   * @throws {RangeError} If the inner layer has no weight of a name to quantize.
   */
  override build(inputShape: Shapes): void {
    if (!this.layer.built) {
      this.layer.build(inputShape);
      this.layer.built = true;
    }
    this.#entries = this.#specs.map((spec) => this.#addEntry(spec));
    adoptWeights(this, this.layer);
    this.inputSpec = this.layer.inputSpec;
    this.built = true;
    this.observeWeights();
  }

  /** Runs the inner layer with rounded weights; updates the scales first where it is to. */
  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs = {}): tf.Tensor | tf.Tensor[] {
    return this[CALL_AT](this, inputs, kwargs);
  }

  /** Runs the inner layer as it is called at `site`, which says to which grid the bias is rounded. */
  [CALL_AT](site: Layer, inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      const areObserved = kwargs.training === true && this.observing;
      // Once a step: the first call comes first.
      if (areObserved && site === this) this.#followWeights();
      if (!this.enabled) return this.layer.call(inputs, kwargs);
      const grid = { scheme: this.scheme, isExact: areObserved && this.weightObserver === "min-max" };
      const rounded = new Map(this.#entries.map((entry) => [entry.variable, roundedWeight(entry, grid)]));
      const bias = findWeight(this.layer, "bias");
      const folding = bias === undefined || isBatchNormalized(site) ? undefined : this.biasFolding(site);
      if (bias !== undefined && folding !== undefined) {
        rounded.set(bias, straightThrough(bias.read(), (real) => folding.round(real)));
      }
      return withReads(rounded, () => this.layer.call(inputs, kwargs));
    });
  }

  /** As what the rest of the program sees it. */
  get [QUANTIZED](): QuantizedLayer {
    return this;
  }

  /** Computes with weights on a grid. */
  get role(): "weights" {
    return "weights";
  }

  /** What it adds to the inner layer's code follows from tensors and phase alone. */
  get onlyTensors(): boolean {
    return true;
  }

  /** The layer inside. */
  get inner(): Layer {
    return this.layer;
  }

  /** The float layer that it stands for. */
  get original(): NonNullable<QuantizedLayer["original"]> {
    return { className: this.layer.getClassName(), config: this.layer.getConfig() };
  }

  /** The grids, `NAME_scale` and `NAME_zero_point`, and what they are of the weights' ranges, `NAME_share`. */
  get state(): Readonly<Record<string, tfl.LayerVariable>> {
    return Object.fromEntries(
      this.#entries.flatMap(({ name, scale, zeroPoint, share }) => [
        [`${name}_scale`, scale],
        ...(zeroPoint === undefined ? [] : [[`${name}_zero_point`, zeroPoint]]),
        ...(share === undefined ? [] : [[`${name}_share`, share]]),
      ]),
    );
  }

  /** What is active. */
  get phase(): Required<Pick<QatPhase, "observing" | "fakeQuantizing">> {
    return { observing: this.observing, fakeQuantizing: this.enabled };
  }

  /** Changes what is active. */
  setPhase(phase: QatPhase): void {
    this.observing = phase.observing ?? this.observing;
    this.enabled = phase.fakeQuantizing ?? this.enabled;
  }

  /** Whether there are scales: from when it is built. */
  isCalibrated(): boolean {
    return this.built;
  }

  /** Sets the scales from the weights. */
  weightsChanged(): void {
    this.observeWeights();
  }

  /**
   * Returns how the exported file rounds this layer's bias.
   *
   * Undefined where nothing is rounded: weights or input are not quantized, or the input's grid is not known, for which
   * see `quantizerBefore`.
   *
   * @param site Where the layer is called: a `SharedCall`, or the layer itself (default).
   */
  biasFolding(site: Layer = this): BiasFolding | undefined {
    const input = this.enabled ? quantizerBefore(site)?.activeScale : undefined;
    if (input === undefined || this.#entries.length !== 1) return undefined;
    const weights = this.#entries[0].scale.read();
    return {
      bias: findWeight(this.layer, "bias")?.read() ?? 0,
      round: (bias, factors) => roundBias(bias, { input, weights, factors }),
    };
  }

  /** Sets every grid from the weights as they are now: after loading or changing weights, before freezing. Reads values. */
  observeWeights(): void {
    for (const entry of this.#entries) findShare(entry, this.scheme);
    this.#followWeights();
  }

  /**
   * Returns the grid of weight `name` as numbers; an axis is the weight's own, or 2 of [kh, kw, in * multiplier].
   *
   * @throws {RangeError} If no weight of that name is quantized.
   */
  readGrid(name: string): Grid<PerSlice> {
    const entry = this.#entries.find((candidate) => candidate.name === name);
    if (entry === undefined) {
      throw new RangeError(`Cannot read the grid of "${this.name}/${name}": it is not quantized`);
    }
    const scale = Float32Array.from(entry.scale.read().dataSync());
    const zeroPoint = entry.zeroPoint === undefined
      ? symmetricZeroPoint(this.scheme)
      : Float32Array.from(entry.zeroPoint.read().dataSync());
    const { qmin, qmax } = this.scheme;
    return { scale, zeroPoint, qmin, qmax, granularity: granularityOf(entry) };
  }

  /**
   * Returns the grid of every quantized weight, under its name.
   *
   * @throws {RangeError} If a scale or zero point is impossible, as in a damaged file.
   */
  readGrids(): readonly NamedGrid[] {
    return this.#entries.map((entry) => {
      const { name, variable } = entry;
      const grid = this.readGrid(name);
      const shape = tf.tidy(() => channelView(variable.read(), entry).shape);
      const zeroPointOf = (slice: number) =>
        typeof grid.zeroPoint === "number" ? grid.zeroPoint : grid.zeroPoint[slice];
      Array.from(entry.scale.read().dataSync()).forEach((scale, slice) =>
        checkQParams({ scale, zeroPoint: zeroPointOf(slice) }, grid, `${this.name}/${name}`)
      );
      return { name, grid, weight: { shape, read: () => variable.read().dataSync<"float32">() } };
    });
  }

  /** Returns the inner layer's output shape. */
  override computeOutputShape(inputShape: Shapes): Shapes {
    return this.layer.computeOutputShape(inputShape);
  }

  /** Returns the inner layer's mask. */
  override computeMask(inputs: tf.Tensor | tf.Tensor[], mask?: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    return this.layer.computeMask(inputs, mask);
  }

  /** The inner layer's regularization losses; they read the real weights. */
  override get losses(): Layer["losses"] {
    return this.layer.losses;
  }

  /** Tells the inner layer too whether its weights are about to be loaded. */
  override setFastWeightInitDuringBuild(value: boolean): void {
    super.setFastWeightInitDuringBuild(value);
    this.layer.setFastWeightInitDuringBuild(value);
  }

  /** Returns the arguments to make the layer again, without its weights. */
  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      layer: { className: this.layer.getClassName(), config: this.layer.getConfig() },
      weights: this.#specs.map((spec) => ({ ...spec })),
      scheme: { ...this.scheme },
      ...(this.weightObserver === "min-max" ? {} : { observer: this.weightObserver }),
    };
  }

  /**
   * Makes the layer, and the one inside, from what `getConfig` returned.
   *
   * @throws {TypeError} If the inner layer's class is not registered.
   * @nocollapse
   */
  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    checkArgs(config, { className: QuantizedWeights.className });
    const name = String(config.name ?? QuantizedWeights.className);
    const scheme = config.scheme === undefined ? {} : { scheme: readScheme(config.scheme, name) };
    return new cls({ ...config, ...scheme, layer: readLayer(config.layer, name) });
  }

  /** Sets every grid from the weights, without reading values. */
  #followWeights(): void {
    for (const entry of this.#entries) followWeight(entry, this.scheme);
  }

  #addEntry(spec: QuantizedWeight): Entry {
    const variable = findWeight(this.layer, spec.name);
    if (variable === undefined) {
      const known = this.layer.weights.map(({ originalName }) => originalName).join(", ");
      throw new QuantizedLayerError(this.name, `it has no weight ${showValue(spec.name)}, its weights are ${known}`);
    }
    const { rank } = variable.read();
    if (!spec.depthwise && (spec.axis >= rank || spec.axis < -rank)) {
      throw new QuantizedLayerError(this.name, `its axis of ${spec.name} is ${spec.axis}, one of ${rank} is needed`);
    }
    if (spec.depthwise && rank !== 4) {
      throw new QuantizedLayerError(
        this.name,
        `its weight ${spec.name} is depthwise and has ${rank} axes, 4 are needed`,
      );
    }
    const shape = this.scheme.granularity.kind === "per-channel" ? [channelsOf(variable.shape, spec)] : [];
    const add = (what: string) =>
      this.addWeight(`${spec.name}_${what}`, shape, "float32", tfl.initializers.ones(), undefined, false);
    return {
      ...spec,
      variable,
      scale: add("scale"),
      ...(this.scheme.symmetric ? {} : { zeroPoint: add("zero_point") }),
      ...(this.weightObserver === "mse" ? { share: add("share") } : {}),
    };
  }
}

/** Runs `run` while each variable answers `read()` with its value in `values`. */
function withReads<T>(values: ReadonlyMap<tfl.LayerVariable, tf.Tensor>, run: () => T): T {
  using shadows = new DisposableStack();
  for (const [variable, value] of values) shadows.defer(shadow(variable, "read", () => value));
  return run();
}

/** Leaves out what is null or undefined: TF.js takes a key that is there for a value. */
function given<T extends object>(values: T): Partial<T> {
  // Entries of T's own keys; leaving some out makes a Partial.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null)) as Partial<T>;
}
