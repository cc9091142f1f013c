/**
 * Further calls of a quantized layer that a model calls several times.
 *
 * What a quantized layer does depends on where it is called: its bias is rounded to the grid of what this call reads, and
 * not at all where batch normalization follows this call. TF.js does not tell a layer which of its calls is running, so
 * every call but the first is a layer of its own. It has no weights: it reads, besides its input, what the first call
 * gives, and knows the layer by that, in a model that was saved and loaded too.
 */
import type * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { INT8_SYMMETRIC } from "../../numbers/scheme.ts";
import { checkArgs, flag, type Rule } from "./_check_args.ts";
import type { CallArgs, Layer, LayerArgs, Shapes } from "./layer.ts";
import { type BiasFolding, type NamedGrid, type QatPhase, QUANTIZED, type QuantizedLayer } from "./quantized_layer.ts";

/** The key of the method by which a layer runs on behalf of a call of it. */
export const CALL_AT: unique symbol = Symbol("callAt");

/** A layer whose work depends on where it is called. */
export interface Callable extends Layer, QuantizedLayer {
  /** Runs the layer as it is called at `site`: a `SharedCall`, or the layer itself. */
  [CALL_AT](site: Layer, inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor | tf.Tensor[];
}

/**
 * That the exported file holds a call of batch normalization as a convolution of its own: the largest code of its weights.
 * Files of the first version say true, of int8.
 */
export type Alone = number | boolean;

/** What `alone` may be. */
export const ALONE: Rule = {
  needed: "true, false or a largest code, up to 255,",
  holds: (value) => flag.holds(value) || (typeof value === "number" && value > 0 && value <= 255),
};

/** Returns the largest code of the weights of a call that is alone, undefined of one that is not. */
export function largestCode(alone: Alone = false): number | undefined {
  return typeof alone === "number" ? alone : alone ? INT8_SYMMETRIC.qmax : undefined;
}

/** Arguments of a SharedCall layer. */
export interface SharedCallArgs extends LayerArgs {
  /** What `FreezableBatchNormalization` says of its first call, of this one. */
  readonly alone?: Alone;
}

/**
 * A call of another layer: QuantizedWeights or FreezableBatchNormalization.
 *
 * Shapes: x, and what the first call gives, of which nothing is used → as the layer that is called makes of x.
 * Gradient: as of that layer, to x and to its weights.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { registerQuantKernels } from "../kernels.ts";
 * import { QuantizedWeights } from "./quantized_weights.ts";
 * import { SharedCall } from "./shared_call.ts";
 *
 * registerQuantKernels();
 * await tf.setBackend("cpu");
 * const [a, b] = ["a", "b"].map((name) => tfl.input({ shape: [3], name }));
 * const dense = tfl.layers.dense({ units: 2, name: "dense" });
 * const first = new QuantizedWeights({ layer: dense, weights: [{ name: "kernel", axis: 1 }] }).apply(a);
 * const second = new SharedCall({ name: "dense_1" }).apply([b, first as tfl.SymbolicTensor]);
 * const model = tfl.model({ inputs: [a, b], outputs: [first, second] as tfl.SymbolicTensor[] });
 * const [x, y] = model.predict([tf.ones([1, 3]), tf.ones([1, 3])]) as tf.Tensor[];
 * assert.deepEqual(x.dataSync(), y.dataSync());
 * assert.equal(model.trainableWeights.length, 2);
 * ```
 */
export class SharedCall extends tfl.layers.Layer implements QuantizedLayer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "SharedCall";

  /** The largest code of the weights, if the exported file holds this call of batch normalization as a convolution. */
  readonly alone: number | undefined;

  #called: Callable | undefined;

  /** Makes the layer, which calls nothing yet. */
  constructor({ alone, ...args }: SharedCallArgs = {}) {
    checkArgs({ alone, ...args }, { className: SharedCall.className, rules: { alone: ALONE } });
    super(args);
    this.alone = largestCode(alone);
  }

  /**
   * The layer that is called.
   *
   * @throws {Error} If this one was not applied yet.
   */
  get called(): Callable {
    if (this.#called === undefined) throw new Error(`Cannot use "${this.name}": it calls no layer yet`);
    return this.#called;
  }

  /**
   * Applies the layer to [x, a value of the layer that is called].
   *
   * @throws {TypeError} If the second value is of a layer that cannot be called so.
   */
  override apply(...[inputs, kwargs]: Parameters<Layer["apply"]>): ReturnType<Layer["apply"]> {
    const [, first, ...more] = Array.isArray(inputs) ? inputs : [inputs];
    if (first instanceof tfl.SymbolicTensor) {
      const { sourceLayer } = first;
      if (!isCallable(sourceLayer) || more.length > 0) {
        throw new TypeError(`Cannot call "${sourceLayer.name}" from "${this.name}": it is no quantized layer`);
      }
      this.#called = sourceLayer;
      this.supportsMasking = sourceLayer.supportsMasking;
    }
    return super.apply(inputs, kwargs);
  }

  /** Runs the layer that is called. */
  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs = {}): tf.Tensor | tf.Tensor[] {
    return this.called[CALL_AT](this, firstOf(inputs), kwargs);
  }

  /** As what the rest of the program sees it. */
  get [QUANTIZED](): QuantizedLayer {
    return this;
  }

  /** What the layer that is called does. */
  get role(): QuantizedLayer["role"] {
    return this.called.role;
  }

  /** As of the layer that is called. */
  get onlyTensors(): boolean {
    return this.called.onlyTensors;
  }

  /** The float layer that the one that is called stands for. */
  get original(): QuantizedLayer["original"] {
    return this.called.original;
  }

  /** It has none of its own. */
  get state(): Readonly<Record<string, never>> {
    return {};
  }

  /** It has no switches of its own. */
  get phase(): QatPhase {
    return {};
  }

  /** Does nothing: the layer that is called has the switches. */
  setPhase(): void {}

  /** Whether the layer that is called is. */
  isCalibrated(): boolean {
    return this.called.isCalibrated();
  }

  /** It has no grids of its own. */
  readGrids(): readonly NamedGrid[] {
    return [];
  }

  /** Returns how the exported file rounds the bias of this call. */
  biasFolding(): BiasFolding | undefined {
    return this.called.biasFolding?.(this);
  }

  /** Returns the output shape of the layer that is called. */
  override computeOutputShape(inputShape: Shapes): Shapes {
    // Two inputs have a list of shapes.
    const [shape] = inputShape as tfl.Shape[];
    return this.called.computeOutputShape(shape);
  }

  /** Returns the mask of the layer that is called. */
  override computeMask(inputs: tf.Tensor | tf.Tensor[], mask?: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    return this.called.computeMask(firstOf(inputs), mask === undefined ? mask : firstOf(mask));
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...(this.alone === undefined ? {} : { alone: this.alone }) };
  }
}

function firstOf<T>(values: T | T[]): T {
  return Array.isArray(values) ? values[0] : values;
}

function isCallable(layer: Layer): layer is Callable {
  return CALL_AT in layer;
}
