/**
 * Batch normalization whose statistics can be frozen while the rest of the model goes on training.
 *
 * It holds TF.js's own layer, which makes the weights and runs inference; training goes through one fused kernel in
 * place of TF.js's composite. Moving averages are updated as TF.js does: m ← m - (m - batch) * (1 - momentum), with the
 * biased variance and no correction for the start.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { adoptWeights } from "../../custom.ts";
import { LEAST_SCALE } from "../../numbers/qparams.ts";
import { batchNormFrozen } from "../batch_norm_frozen.ts";
import { batchNormTraining } from "../batch_norm_training.ts";
import { layerBefore, quantizerBefore, roundBias, straightThrough } from "./_accumulator_grid.ts";
import { axis, checkArgs, flag, type Rule, within } from "./_check_args.ts";
import { type CallArgs, findWeight, type Layer, oneShape, oneTensor, type Shapes } from "./layer.ts";
import {
  type BiasFolding,
  type NamedGrid,
  type QatPhase,
  QUANTIZED,
  type QuantizedLayer,
  quantizedLayer,
  QuantizedLayerError,
} from "./quantized_layer.ts";
import { ALONE, type Alone, CALL_AT, type Callable, largestCode, SharedCall } from "./shared_call.ts";

/** Arguments: those of TF.js's BatchNormalization. The axis must be the last. */
export type FreezableBatchNormalizationArgs =
  & Omit<NonNullable<Parameters<typeof tfl.layers.batchNormalization>[0]>, "weights">
  & {
    /** That the exported file holds the layer as a convolution: see `src/passes/deploy/normalize_by_conv.ts`. */
    readonly alone?: Alone;
  };

const RULES: Readonly<Record<string, Rule>> = {
  alone: ALONE,
  axis,
  momentum: within(0, 1),
  epsilon: within(0, 1e30),
  center: flag,
  scale: flag,
};

/**
 * A batch normalization layer: TF.js's, with `frozen`.
 *
 * Shapes: [n, h, w, c] or [n, c] → the same. Weights as TF.js's: gamma, beta, moving_mean, moving_variance, [c].
 * Gradient: to x, gamma and beta; through the batch's statistics unless `frozen`.
 *
 * Behind a QuantizedWeights layer and on moving statistics, the offset is changed so that the bias that the exported file
 * folds both layers into is on the grid of that file, as of its `biasFolding`:
 *
 *   b' = beta + k * (b - mean)   k = gamma / sqrt(variance + epsilon)   offset = beta + (round(b') - b')
 *
 * So it is for a layer that is `alone`, with b = 0 and weights of scale |k| / 127 if 127 is their largest code.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { registerQuantKernels } from "../kernels.ts";
 * import { FreezableBatchNormalization } from "./freezable_batch_normalization.ts";
 *
 * registerQuantKernels();
 * await tf.setBackend("cpu");
 * const layer = new FreezableBatchNormalization({ momentum: 0.5 });
 * const step = () => layer.apply(tf.tensor2d([[2], [4]]), { training: true });
 * const movingMean = () => layer.getWeights()[2].dataSync()[0];
 * step();
 * assert.equal(movingMean(), 1.5); // halfway from 0 to the batch's mean, 3
 * layer.frozen = true;
 * step();
 * assert.equal(movingMean(), 1.5);
 * ```
 */
export class FreezableBatchNormalization extends tfl.layers.Layer implements Callable, QuantizedLayer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "FreezableBatchNormalization";

  /** Whether training uses and keeps the moving statistics; gamma and beta go on training. Not saved. */
  frozen = false;

  readonly #inner: Layer;
  readonly #alone: number | undefined;
  readonly #axis: number;
  readonly #momentum: number;
  readonly #epsilon: number;

  /** Makes the layer, not yet built; arguments and defaults are those of TF.js's layer. */
  constructor({ alone, ...args }: FreezableBatchNormalizationArgs = {}) {
    checkArgs({ alone, ...args }, { className: FreezableBatchNormalization.className, rules: RULES });
    super(args);
    this.#inner = tfl.layers.batchNormalization({ ...args, name: this.name });
    this.#alone = largestCode(alone);
    // Defaults of TF.js's layer.
    this.#axis = args.axis ?? -1;
    this.#momentum = args.momentum ?? 0.99;
    this.#epsilon = args.epsilon ?? 1e-3;
    this.supportsMasking = true;
  }

  /**
   * Makes the weights.
   *
   * @throws {RangeError} If the axis is not the last.
   */
  override build(inputShape: Shapes): void {
    const shape = oneShape(inputShape, this);
    if (this.#axis !== -1 && this.#axis !== shape.length - 1) {
      throw new RangeError(
        `Cannot build "${this.name}": its axis is ${this.#axis} of ${shape.length}, the last one is needed`,
      );
    }
    this.#inner.build(shape);
    adoptWeights(this, this.#inner);
    this.inputSpec = this.#inner.inputSpec;
    this.built = true;
  }

  /** Normalizes: by the batch's statistics in training, unless frozen or not trainable; else by the moving ones. */
  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs = {}): tf.Tensor | tf.Tensor[] {
    return this[CALL_AT](this, inputs, kwargs);
  }

  /** Normalizes as it is called at `site`, which says what bias the file holds for it. */
  [CALL_AT](site: Layer, inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      if (!kwargs.training || this.frozen || !this.trainable) {
        return this.#normalize(inputs, kwargs, this.#folding(site));
      }
      const x = oneTensor(inputs, this);
      const { gamma, beta } = this.#parameters();
      const { y, mean, variance } = batchNormTraining(x, { gamma, beta, epsilon: this.#epsilon });
      this.#follow("moving_mean", mean);
      this.#follow("moving_variance", variance);
      return y;
    });
  }

  /** As what the rest of the program sees it. */
  get [QUANTIZED](): QuantizedLayer {
    return this;
  }

  /** Normalizes batches. */
  get role(): "batch-norm" {
    return "batch-norm";
  }

  /** What it does follows from its tensors and phase alone. */
  get onlyTensors(): boolean {
    return true;
  }

  /** TF.js's layer, which this stands for. */
  get original(): NonNullable<QuantizedLayer["original"]> {
    return { className: this.#inner.getClassName(), config: this.getConfig() };
  }

  /** The moving statistics. */
  get state(): Readonly<Record<string, tfl.LayerVariable>> {
    return { moving_mean: this.#moving("moving_mean"), moving_variance: this.#moving("moving_variance") };
  }

  /** Whether statistics are the batch's. */
  get phase(): Required<Pick<QatPhase, "trainingBatchNorm">> {
    return { trainingBatchNorm: !this.frozen };
  }

  /** Freezes or thaws the statistics. */
  setPhase({ trainingBatchNorm = !this.frozen }: QatPhase): void {
    this.frozen = !trainingBatchNorm;
  }

  /** It has no grids to calibrate. */
  isCalibrated(): boolean {
    return true;
  }

  /**
   * It has no grids of its own: its weights stand on those of the layer that it is folded into.
   *
   * @throws {QuantizedLayerError} If its moving statistics are none, as in a damaged file.
   */
  readGrids(): readonly NamedGrid[] {
    const [means, variances] = Object.values(this.state).map((variable) => Array.from(variable.read().dataSync()));
    const mean = means.find((value) => !Number.isFinite(value));
    const variance = variances.find((value) => !(value + this.#epsilon >= 0 && Number.isFinite(value)));
    if (mean === undefined && variance === undefined) return [];
    const [what, value, needed] = mean !== undefined
      ? ["mean", mean, "a finite number"]
      : ["variance", variance, "a finite number of 0 or more"];
    throw new QuantizedLayerError(this.name, `its moving ${what} is ${value}, ${needed} is needed`);
  }

  /** The regularization losses of gamma and beta. */
  override get losses(): Layer["losses"] {
    return this.#inner.losses;
  }

  /** Passes on whether the weights are about to be loaded. */
  override setFastWeightInitDuringBuild(value: boolean): void {
    super.setFastWeightInitDuringBuild(value);
    this.#inner.setFastWeightInitDuringBuild(value);
  }

  /** Returns the arguments to make the layer again, without its weights. */
  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...this.#inner.getConfig(),
      ...super.getConfig(),
      ...(this.#alone === undefined ? {} : { alone: this.#alone }),
    };
  }

  /** Normalizes by the moving statistics; the offset makes up for the rounding of the bias that this is folded into. */
  #normalize(
    inputs: tf.Tensor | tf.Tensor[],
    { training = false }: CallArgs,
    folding: BiasFolding | undefined,
  ): tf.Tensor | tf.Tensor[] {
    if (folding === undefined && !training) return this.#inner.call(inputs, { training });
    const parameters = this.#parameters();
    const beta = folding === undefined ? parameters.beta : this.#roundedOffset(folding);
    return batchNormFrozen(oneTensor(inputs, this), { ...parameters, beta, epsilon: this.#epsilon });
  }

  /** Beta, and what rounding the folded bias adds to it. */
  #roundedOffset(folding: BiasFolding): tf.Tensor1D {
    const { gamma, beta, mean, variance } = this.#parameters();
    return straightThrough(beta, () => {
      const factor = tf.div(gamma, tf.sqrt(tf.add(variance, this.#epsilon)));
      const folded = tf.add(beta, tf.mul(factor, tf.sub(folding.bias, mean)));
      const rounded = folding.round(folded, factor);
      return tf.add(beta, tf.sub(rounded, folded));
    });
  }

  /** Returns how the file rounds the bias that it holds for a call, and what is in it already; undefined if it does not. */
  #folding(site: Layer): BiasFolding | undefined {
    const before = layerBefore(site);
    const quantized = before && quantizedLayer(before);
    if (quantized?.role === "weights") return quantized.biasFolding?.();
    const most = site instanceof SharedCall ? site.alone : this.#alone;
    const input = quantizerBefore(site)?.activeScale;
    if (most === undefined || input === undefined) return undefined;
    return {
      bias: 0,
      round: (bias, factors = tf.scalar(1)) => {
        // As normalize_by_conv.ts has it.
        const weights = tf.maximum(tf.div(tf.abs(factors), most), LEAST_SCALE);
        return roundBias(bias, { input, weights });
      },
    };
  }

  #parameters(): Readonly<Record<"gamma" | "beta" | "mean" | "variance", tf.Tensor1D>> {
    const mean = this.#moving("moving_mean").read();
    const read = (name: string) => findWeight(this.#inner, name)?.read();
    const parameters = {
      gamma: read("gamma") ?? tf.onesLike(mean),
      beta: read("beta") ?? tf.zerosLike(mean),
      mean,
      variance: this.#moving("moving_variance").read(),
    };
    // Weights of batch normalization over one axis are vectors.
    return parameters as Readonly<Record<keyof typeof parameters, tf.Tensor1D>>;
  }

  #moving(name: "moving_mean" | "moving_variance"): tfl.LayerVariable {
    const variable = findWeight(this.#inner, name);
    if (variable === undefined) throw new Error(`Cannot use "${this.name}": the layer is not built yet`);
    return variable;
  }

  #follow(name: "moving_mean" | "moving_variance", batch: tf.Tensor): void {
    const variable = this.#moving(name);
    const moving = variable.read();
    variable.write(tf.sub(moving, tf.mul(tf.sub(moving, batch), 1 - this.#momentum)));
  }
}

/** A layer as TF.js serializes it. */
export interface SerializedLayer {
  /** Its registered name. */
  readonly className: string;
  /** What its `getConfig` returned. */
  readonly config: tf.serialization.ConfigDict;
}

/**
 * Turns a serialized BatchNormalization layer into a serialized FreezableBatchNormalization: same config, same weights.
 *
 * @throws {TypeError} If the layer is of another class.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { fromBatchNormalization } from "./freezable_batch_normalization.ts";
 *
 * const config = { name: "bn1", momentum: 0.9 };
 * assert.deepEqual(fromBatchNormalization({ className: "BatchNormalization", config }), {
 *   className: "FreezableBatchNormalization",
 *   config,
 * });
 * ```
 */
export function fromBatchNormalization({ className, config }: SerializedLayer): SerializedLayer {
  if (className !== "BatchNormalization") {
    throw new TypeError(`Cannot freeze "${config.name}": it is a ${className}, a BatchNormalization is needed`);
  }
  return { className: FreezableBatchNormalization.className, config };
}
