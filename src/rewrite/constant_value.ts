/**
 * The layer that gives a constant.
 *
 * TF.js's functional models begin at inputs: a layer that reads nothing cannot be part of one. So this layer reads a value,
 * any that there is, for the size of the batch and nothing else; in a `LayerGraph` it reads none. What it gives has the
 * batch's size like every other value, so that layers which join values need not know. The elements are a weight that is
 * not trained: they are saved with the other weights and not in model.json.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerOwn } from "../custom.ts";
import { showValue } from "../text/plain.ts";
import { type LayerNode, ownCall } from "./layer_graph.ts";

type LayerArgs = NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>;

/** Arguments of a ConstantValue layer. */
export interface ConstantValueArgs extends LayerArgs {
  /** Shape of the constant, without the batch. */
  readonly shape: readonly number[];
}

/**
 * Gives its weight, once for every sample of what it reads.
 *
 * Shapes: [n, ...] → [n, ...shape].
 * Gradient: none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import { ConstantValue } from "./constant_value.ts";
 *
 * await tf.setBackend("cpu");
 * const layer = new ConstantValue({ shape: [2] });
 * layer.build();
 * layer.setWeights([tf.tensor1d([3, 4])]);
 * const y = layer.apply(tf.zeros([2, 5])) as tf.Tensor;
 * assert.deepEqual(y.arraySync(), [[3, 4], [3, 4]]);
 * ```
 */
export class ConstantValue extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "ConstantValue";

  /** Shape of the constant, without the batch. */
  readonly shape: readonly number[];

  #value: tfl.LayerVariable | undefined;

  /**
   * Makes the layer, not yet built.
   *
   * @throws {RangeError} If the shape is no list of whole numbers above 0.
   */
  constructor({ shape, ...args }: ConstantValueArgs) {
    const name: unknown = args.name ?? ConstantValue.className;
    if (typeof name !== "string") {
      throw new RangeError(
        `Cannot make "${ConstantValue.className}": its name is ${showValue(name)}, a text is needed`,
      );
    }
    super({ ...args, trainable: false });
    const isShape = Array.isArray(shape) && shape.every((dim) => Number.isInteger(dim) && dim > 0);
    if (!isShape || shape.reduce((product, dim) => product * dim, 1) >= 2 ** 31) {
      throw new RangeError(
        `Cannot make "${name}": its shape is ${showValue(shape)}, a list of whole numbers above 0 and of less than ` +
          `2^31 elements is needed`,
      );
    }
    this.shape = [...shape];
  }

  /** Makes the weight. */
  override build(): void {
    this.#value = this.addWeight("value", [...this.shape], "float32", tfl.initializers.zeros(), undefined, false);
    this.built = true;
  }

  /** Repeats the constant for every sample of the input. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    return tf.tidy(() => {
      if (this.#value === undefined) throw new Error(`Cannot use "${this.name}": the layer is not built yet`);
      return tf.broadcastTo(tf.expandDims(this.#value.read()), [x.shape[0], ...this.shape]);
    });
  }

  /** Returns the constant's shape, behind the batch. */
  override computeOutputShape(inputShape: tfl.Shape | tfl.Shape[]): tfl.Shape {
    // One input, so one shape.
    const [batch] = inputShape as tfl.Shape;
    return [batch, ...this.shape];
  }

  /** Returns the arguments to make the layer again, without its weight. */
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), shape: [...this.shape] };
  }
}

/** Registers ConstantValue, so that models with constants load. Again is harmless. */
export function registerConstantValue(): void {
  registerOwn(ConstantValue);
}

/** Makes the node of a constant: `data` in row-major order, of `shape` without the batch. */
export function constantNode(
  name: string,
  { shape, data }: { readonly shape: readonly number[]; readonly data: Float32Array },
): LayerNode {
  return ownCall({
    name,
    className: ConstantValue.className,
    config: { shape: [...shape], trainable: false },
    inbound: [],
    weights: [{ name: "value", dtype: "float32", shape, data }],
  });
}

/** Whether `node` is a constant. */
export function isConstant({ layer }: LayerNode): boolean {
  return layer.className === ConstantValue.className;
}
