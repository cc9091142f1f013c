/**
 * The layer that quantizes activations: observes their range while training and rounds them to its grid.
 *
 * Its state is in weights that are not trained: the range found (`min`, `max`, and `count` of batches observed), whatever
 * else an observer in the graph remembers, `scale` and `zero_point`. A step that observes writes them and reads the new
 * ones back, all in TF.js ops: no value comes to JavaScript, so a recording backend sees one static graph, and reading the
 * variables cuts the gradient. An observer on the host runs while calibrating only, and its range is set at the end.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { fakeQuantize } from "../fake_quantize.ts";
import { makeObserver, type ObserverName } from "../observers/mod.ts";
import {
  type Channels,
  type GraphObserver,
  type Observer,
  rangeState,
  type StateArrays,
} from "../observers/observer.ts";
import { balancedRange, type Range, rangeOfGrid } from "../../numbers/qparams.ts";
import { computeTensorQParams } from "../qparams_tensor.ts";
import { type Grid, type QParams, type QuantScheme, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { checkArgs, flag, within } from "./_check_args.ts";
import { checkQParams, checkScheme, readFixed, readMomentum, readObserver, readScheme } from "./_read_config.ts";
import { CHANNEL_BITS, channelsIn, checkRanges, paramsIn, rangesIn, type State } from "./_activation_state.ts";
import { Watch } from "./_watch.ts";
import { type CallArgs, type LayerArgs, oneShape, oneTensor, type Shapes } from "./layer.ts";
import { type NamedGrid, type QatPhase, QUANTIZED, type QuantizedLayer } from "./quantized_layer.ts";

/** Arguments of a FakeQuantize layer. */
export interface FakeQuantizeArgs extends LayerArgs {
  /** How ranges become grids; per channel is for simulation. Default: `UINT8_AFFINE`. */
  readonly scheme?: QuantScheme;
  /** How the range is found. Default: "moving-average". */
  readonly observer?: ObserverName;
  /** Weight of a new batch in the moving average. Default: 0.01. */
  readonly momentum?: number;
  /** Share of all values that a percentile keeps, in percent. Default: 99.999. */
  readonly percentile?: number;
  /** A grid that is known, as of a softmax (`gridOfInterval`): nothing is observed. */
  readonly fixed?: QParams | null;
  /** Whether the range starts at 0 (after ReLU), so that the zero point is qmin. Default: false. */
  readonly nonNegative?: boolean;
  /** Whether training leaves the range, which calibration alone sets. Default: false; true for observers on the host. */
  readonly onlyCalibrated?: boolean;
}

/**
 * A layer that rounds its input to a grid, with a straight-through gradient, and learns the grid from what it sees.
 *
 * Shapes: any → the same.
 * Gradient: as of `fakeQuantize`; nothing flows to the range.
 *
 * Before anything was observed the grid is scale 1, zero point 0, as in PyTorch; `isCalibrated` tells, and `readGrid`
 * refuses. `registerQuantKernels()` and, to load a model, `registerQuantLayers()` come first.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { registerQuantKernels } from "../kernels.ts";
 * import { FakeQuantize } from "./fake_quantize_layer.ts";
 *
 * registerQuantKernels();
 * await tf.setBackend("cpu");
 * const layer = new FakeQuantize({ name: "relu1/quant", nonNegative: true });
 * layer.calibrating = true;
 * layer.apply(tf.tensor2d([[0, 510]]));
 * const { scale, zeroPoint } = layer.readGrid();
 * assert.deepEqual({ scale, zeroPoint }, { scale: 2, zeroPoint: 0 });
 * ```
 */
export class FakeQuantize extends tfl.layers.Layer implements QuantizedLayer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "FakeQuantize";

  /** Whether training steps update the range. Set by the training schedule, not saved. */
  observing = true;
  /** Whether values are rounded; if not, they pass unchanged. Set by the training schedule, not saved. */
  enabled = true;
  /** How ranges become grids. */
  readonly scheme: QuantScheme;
  /** The known grid, or null if the grid is observed. */
  readonly fixed: QParams | null;
  /** Whether the range starts at 0. */
  readonly nonNegative: boolean;
  /** Whether training leaves the range. */
  readonly onlyCalibrated: boolean;

  /** Name of the observer that finds the range. */
  readonly observer: ObserverName;

  readonly #momentum: number;
  readonly #percentile: number | undefined;
  #observer: Observer;
  #channels: Channels | undefined;
  #state: State | undefined;
  #calibration: GraphObserver | Watch | undefined;

  /**
   * Makes the layer, not yet built.
   *
   * @throws {RangeError} If the observer is unknown, the momentum is not in (0, 1], or the scheme or the fixed grid is impossible.
   */
  constructor(args: FakeQuantizeArgs = {}) {
    checkArgs(args, {
      className: FakeQuantize.className,
      rules: { nonNegative: flag, onlyCalibrated: flag, momentum: within(0, 1), percentile: within(0, 100) },
    });
    super(args);
    this.scheme = args.scheme ?? UINT8_AFFINE;
    this.fixed = args.fixed ?? null;
    this.nonNegative = args.nonNegative ?? false;
    this.supportsMasking = true;
    this.observer = args.observer ?? "moving-average";
    this.#momentum = args.momentum ?? 0.01;
    this.#percentile = args.percentile;
    checkScheme(this.scheme, this.name);
    this.#observer = this.#makeObserver(this.observer);
    // Training steps are recorded: they read no values.
    this.onlyCalibrated = args.onlyCalibrated === true || this.#observer.where === "host";
    if (this.fixed !== null) checkQParams(this.fixed, this.scheme, this.name);
  }

  /**
   * Makes the layer from what `getConfig` returned, in this version or the first.
   *
   * @throws {QuantizedLayerError} If its scheme, its fixed grid or its observer is damaged.
   * @nocollapse
   */
  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const name = String(config.name);
    const scheme = config.scheme === undefined ? {} : { scheme: readScheme(config.scheme, name) };
    const observed = { observer: readObserver(config.observer, name), momentum: readMomentum(config.momentum, name) };
    return new cls({ ...config, ...scheme, ...observed, fixed: readFixed(config.fixed, name) });
  }

  /**
   * Makes the weights of the state.
   *
   * @throws {QuantizedLayerError} If there is to be a scale for each channel, and their number is open.
   */
  override build(inputShape: Shapes): void {
    this.#channels = channelsIn(oneShape(inputShape, this), this);
    this.#observer = this.#makeObserver(this.observer);
    const shape = this.#channels === undefined ? [] : [this.#channels.count];
    const arrays: StateArrays = {
      ...rangeState(this.#channels),
      ...(this.#observer.where === "graph" ? this.#observer.state : {}),
      scale: { shape, initial: this.fixed?.scale ?? 1 },
      zero_point: { shape, initial: this.fixed?.zeroPoint ?? 0 },
    };
    this.#state = Object.fromEntries(
      Object.entries(arrays).map(([name, { shape, initial: value }]) => {
        const initializer = tfl.initializers.constant({ value });
        return [name, this.addWeight(name, [...shape], "float32", initializer, undefined, false)];
      }),
    );
    this.built = true;
  }

  /** Observes where it is to, then rounds where it is to. */
  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs = {}): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs, this);
      const observer = this.#observerNow(kwargs);
      if (observer instanceof Watch) observer.keep(x);
      else if (observer !== undefined) this.#observe(x, observer);
      if (!this.enabled) return x;
      const { scale, zero_point } = this.#weights();
      const { qmin, qmax, granularity } = this.scheme;
      return fakeQuantize(x, { scale: scale.read(), zeroPoint: zero_point.read(), qmin, qmax, granularity });
    });
  }

  /** As what the rest of the program sees it. */
  get [QUANTIZED](): QuantizedLayer {
    return this;
  }

  /** Puts values on a grid. */
  get role(): "activations" {
    return "activations";
  }

  /** What it does follows from its tensors and phase alone. */
  get onlyTensors(): boolean {
    return true;
  }

  /** The weights, by name. */
  get state(): Readonly<Record<string, tfl.LayerVariable>> {
    return this.#weights();
  }

  /** What is active. */
  get phase(): Required<Omit<QatPhase, "trainingBatchNorm">> {
    return { observing: this.observing, fakeQuantizing: this.enabled, calibrating: this.calibrating };
  }

  /** Changes what is active. */
  setPhase(phase: QatPhase): void {
    this.observing = phase.observing ?? this.observing;
    this.enabled = phase.fakeQuantizing ?? this.enabled;
    if (phase.calibrating !== undefined) this.calibrating = phase.calibrating;
  }

  /** Whether calls that do not train update the range too. Not saved. */
  get calibrating(): boolean {
    return this.#calibration !== undefined;
  }

  /**
   * Starts or ends it: by the layer's own observer, or by another one. What an observer on the host found is set at the end.
   *
   * @throws {RangeError} If an observer in the graph is to be used that the layer has no weights for.
   */
  set calibrating(by: boolean | ObserverName) {
    const ended = this.#calibration;
    this.#calibration = by === false ? undefined : this.#calibratorOf(by);
    const ranges = ended instanceof Watch ? ended.end() : [];
    if (ranges.length > 0) this.#setRanges(ranges);
  }

  /**
   * Shows what it was given since the last time to an observer on the host, if it calibrates by one.
   *
   * @throws {NonFiniteError} If a value is NaN or infinite.
   */
  catchUp(): void {
    if (this.#calibration instanceof Watch) this.#calibration.catchUp();
  }

  /** The scale that calls round with, a tensor of this layer's own; undefined while values pass unchanged. */
  get activeScale(): tf.Tensor | undefined {
    return this.enabled && this.scheme.granularity.kind === "per-tensor" ? this.#state?.scale.read() : undefined;
  }

  /** Whether the grid means something: a batch was observed, a range was set, or the grid is fixed. Reads a weight. */
  isCalibrated(): boolean {
    return this.fixed !== null || (this.built && this.#read("count") !== 0);
  }

  /**
   * Returns the grid as numbers.
   *
   * @throws {Error} If nothing was ever observed, or each channel has a grid of its own.
   */
  readGrid(): Grid {
    this.#refuseUncalibrated();
    const { qmin, qmax, granularity } = this.scheme;
    if (granularity.kind !== "per-tensor") {
      throw new Error(`Cannot read the grid of "${this.name}": it has one for each channel`);
    }
    return { scale: this.#read("scale"), zeroPoint: this.#read("zero_point"), qmin, qmax, granularity };
  }

  /**
   * Returns the grid of the output, named "output".
   *
   * @throws {Error} If nothing was ever observed.
   * @throws {RangeError} If a scale, zero point or range is impossible, as in a damaged file.
   */
  readGrids(): readonly NamedGrid[] {
    this.#refuseUncalibrated();
    const { qmin, qmax, granularity } = this.scheme;
    const params = paramsIn(this.#weights(), this);
    if (this.fixed === null) checkRanges(this.#weights(), this);
    return [{ name: "output", grid: { ...params, qmin, qmax, granularity } }];
  }

  /**
   * Returns the range observed, or the one that the fixed grid covers; of channels all of theirs together.
   *
   * @throws {Error} If nothing was ever observed.
   */
  readRange(): Range {
    this.#refuseUncalibrated();
    if (this.fixed !== null) return rangeOfGrid({ ...this.scheme, ...this.fixed });
    const ranges = rangesIn(this.#weights());
    return { min: Math.min(...ranges.map(({ min }) => min)), max: Math.max(...ranges.map(({ max }) => max)) };
  }

  /**
   * Sets the range, of every channel if they have one each; later batches go on from there.
   *
   * @throws {Error} If the grid is fixed or the layer is not built.
   */
  setRange(range: Range): void {
    if (this.fixed !== null) throw new Error(`Cannot set the range of "${this.name}": its grid is fixed`);
    this.#setRanges(Array.from({ length: this.#channels?.count ?? 1 }, () => range));
  }

  /** Widens the range that was found so that the middle code stands for 0; one that starts at 0 or is known stays. */
  balanceRange(): void {
    if (this.fixed !== null || this.nonNegative || this.scheme.symmetric || !this.isCalibrated()) return;
    this.#setRanges(rangesIn(this.#weights()).map((range) => balancedRange(range, this.scheme)));
  }

  /** Returns the arguments to make the layer again, without its weights. */
  override getConfig(): tf.serialization.ConfigDict {
    const fixed = this.fixed === null ? null : { ...this.fixed };
    const { nonNegative, observer, onlyCalibrated } = this;
    return {
      ...super.getConfig(),
      scheme: { ...this.scheme },
      fixed,
      nonNegative,
      ...(onlyCalibrated ? { onlyCalibrated } : {}),
      observer,
      momentum: this.#momentum,
      ...this.#percentileGiven(),
    };
  }

  #makeObserver(name: ObserverName): Observer {
    const { nonNegative, scheme } = this;
    const known = { momentum: this.#momentum, ...this.#percentileGiven(), nonNegative, scheme };
    return makeObserver(
      name,
      this.#channels === undefined ? known : { ...known, channels: this.#channels, mantissaBits: CHANNEL_BITS },
    );
  }

  #setRanges(ranges: readonly Range[]): void {
    tf.tidy(() => {
      const { count, min } = this.#weights();
      const end = (which: "min" | "max") => tf.tensor(ranges.map((range) => range[which]), min.read().shape);
      this.#write({ min: end("min"), max: end("max") });
      count.write(tf.maximum(count.read(), 1));
    });
  }

  #refuseUncalibrated(): void {
    if (this.isCalibrated()) return;
    throw new Error(
      `Cannot export "${this.name}": it was never observed, a training step or calibration is needed first`,
    );
  }

  #percentileGiven(): { readonly percentile?: number } {
    return this.#percentile === undefined ? {} : { percentile: this.#percentile };
  }

  #calibratorOf(by: true | ObserverName): GraphObserver | Watch {
    const observer = by === true ? this.#observer : this.#makeObserver(by);
    if (observer.where === "host") return new Watch(this.name, { observer, granularity: this.scheme.granularity });
    // It is made with weights for its own.
    const missing = by === true ? undefined : Object.keys(observer.state).find((name) => !(name in this.#weights()));
    if (missing === undefined) return observer;
    throw new RangeError(
      `Cannot calibrate "${this.name}" by ${by}: it has no weight "${missing}", it must be made with that observer`,
    );
  }

  #observerNow({ training = false }: CallArgs): GraphObserver | Watch | undefined {
    if (this.fixed !== null) return undefined;
    if (this.#calibration !== undefined) return this.#calibration;
    const observes = training && this.observing && !this.onlyCalibrated;
    return observes && this.#observer.where === "graph" ? this.#observer : undefined;
  }

  #observe(x: tf.Tensor, observer: GraphObserver): void {
    const weights = this.#weights();
    const state = Object.fromEntries(Object.keys(observer.state).map((name) => [name, weights[name].read()]));
    const next = { count: tf.add(weights.count.read(), 1), ...observer.update(state, x) };
    this.#write(observer.rangeOf({ ...state, ...next }));
    for (const [name, value] of Object.entries(next)) if (name !== "min" && name !== "max") weights[name].write(value);
  }

  #write({ min, max }: Range<tf.Tensor>): void {
    const state = this.#weights();
    const { scale, zeroPoint } = computeTensorQParams(this.nonNegative ? { max } : { min, max }, this.scheme);
    state.min.write(min);
    state.max.write(max);
    state.scale.write(scale);
    state.zero_point.write(zeroPoint);
  }

  #weights(): State {
    if (this.#state === undefined) throw new Error(`Cannot use "${this.name}": the layer is not built yet`);
    return this.#state;
  }

  #read(name: "count" | "scale" | "zero_point"): number {
    return this.#weights()[name].read().dataSync()[0];
  }
}
