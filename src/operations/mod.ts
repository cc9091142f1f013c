/**
 * The layer that is one operation of TF.js.
 *
 * Models from elsewhere compute what none of TF.js's layers does: a slice, a square root, a product of two values. This
 * layer makes a call of TF.js of it, which has its gradient, its place in exported files and, by `src/layers`, its rule
 * of quantization.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { checkName, type LayerArgs, listOf, registerOwn, type Shapes, shapesOf } from "../custom.ts";
import { checkChoice } from "../text/nearest.ts";
import { broadcastShape } from "./_shapes.ts";
import { checkOptions, type OptionRule, type Options, type OptionValue } from "./_options.ts";
import { type OperationName, type OperationRow, OPERATIONS } from "./rows.ts";

export { type OperationName, type OperationRow, OPERATIONS } from "./rows.ts";
export type { OptionRule, Options, OptionValue };

/** Names of the operations. */
export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];

/** Arguments of an Operation layer. */
export interface OperationArgs extends LayerArgs {
  /** Which one: see `OPERATION_NAMES`. */
  readonly operation: string;
  /** Its options. Default: none. */
  readonly options?: Options;
}

/**
 * Computes one operation of TF.js on one value, or on several.
 *
 * Shapes: [n, …] each → [n, …], by the operation. Gradient: the operation's own.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import { Operation } from "./mod.ts";
 *
 * await tf.setBackend("cpu");
 * const half = new Operation({ operation: "slice", options: { begin: [1], end: [3], strides: [1] } });
 * assert.deepEqual((half.apply(tf.tensor2d([[1, 2, 3, 4]])) as tf.Tensor).arraySync(), [[2, 3]]);
 * ```
 */
export class Operation extends tfl.layers.Layer {
  /**
   * The class's name in saved models.
   * @nocollapse
   */
  static readonly className = "Operation";

  /** Which operation it is. */
  readonly operation: OperationName;
  /** The operation's options. */
  readonly options: Options;
  readonly #row: OperationRow;

  /**
   * Makes the layer.
   *
   * @throws {RangeError} If there is no such operation, or an option is not what it must be.
   */
  constructor({ operation, options, ...args }: OperationArgs) {
    super(checkName(args, Operation.className));
    this.operation = checkChoice(operation, { of: OPERATION_NAMES, cannot: `Cannot make "${this.name}": operation` });
    this.#row = OPERATIONS[this.operation];
    this.options = checkOptions(options, { rules: this.#row.options ?? {}, name: this.name });
  }

  /**
   * Checks that the inputs fit.
   *
   * @throws {TypeError} If they do not.
   */
  override build(inputShape: Shapes): void {
    this.computeOutputShape(inputShape);
    this.built = true;
  }

  /** Computes it. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.#row.call(listOf(inputs, this.#reads()), this.options));
  }

  /** Returns the shape of what it gives. */
  override computeOutputShape(inputShape: Shapes): tfl.Shape {
    const shapes = shapesOf(inputShape, this.#reads());
    try {
      return this.#row.shape?.(shapes, this.options) ?? broadcastShape(shapes);
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new TypeError(`Cannot build "${this.name}" (${this.operation}): ${cause.message}`, { cause });
    }
  }

  /** Returns the arguments to make the layer again. */
  override getConfig(): tf.serialization.ConfigDict {
    const options = structuredClone(this.options) as tf.serialization.ConfigDict;
    return { ...super.getConfig(), operation: this.operation, options };
  }

  #reads() {
    const { inputs = 1 } = this.#row;
    return { layer: this, what: `what ${this.operation} reads`, least: inputs, most: inputs };
  }
}

/** Registers Operation, so that models with it load. Again is harmless. */
export function registerOperations(): void {
  registerOwn(Operation);
}
