/**
 * The contract of an op: one function that says which ONNX nodes compute a TF.js kernel.
 *
 * The engine (`src/backend`) calls it to run TF.js on ONNX Runtime, the exporter to write the file.
 */
import type { Emit, Value } from "../onnx/writer.ts";

export type { Emit, Value };

/** A kernel's inputs by TF.js's names; absent optional ones are undefined. */
export type Inputs = Readonly<Record<string, Value>>;

/**
 * One TF.js kernel as ONNX nodes.
 *
 * Attributes arrive as TF.js passes them (`NamedAttrMap`). `defineOp` gives both their types.
 */
export interface Op {
  /** TF.js's name of the kernel. */
  readonly kernel: string;
  /**
   * Emits the nodes that compute the kernel and returns its outputs.
   *
   * An input passed through unchanged (Identity, Reshape to the same shape) may be returned as it is.
   * @throws {Unsupported} If these attributes, shapes or dtypes cannot be expressed in ONNX.
   */
  lower(emit: Emit, inputs: Inputs, attrs: Readonly<Record<string, unknown>>): Value | readonly Value[];
  /**
   * Emits what the engine computes instead, where that is faster than what files hold. It may return more than `lower`
   * does, for gradients.
   */
  lowerStep?(emit: Emit, inputs: Inputs, attrs: Readonly<Record<string, unknown>>): Value | readonly Value[];
}

/** Says that an op cannot express what it was asked for; the engine then runs the cpu backend's kernel. */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

/** TF.js's kernel inputs with each tensor replaced by a value; optional inputs stay optional. */
export type ValuesOf<I> = { readonly [K in keyof I]: Value };

/**
 * Defines an op with the types that TF.js gives its kernel's inputs and attributes.
 *
 * @example
 * ```ts
 * import type { ReluInputs } from "@tensorflow/tfjs-core";
 * import { defineOp } from "./op.ts";
 *
 * export const relu = defineOp<ReluInputs>({
 *   kernel: "Relu",
 *   lower: (emit, { x }) => emit.node("Relu", [x]),
 * });
 * ```
 */
export function defineOp<I, A = unknown>(op: {
  readonly kernel: string;
  readonly lower: (emit: Emit, inputs: ValuesOf<I>, attrs: A) => Value | readonly Value[];
  readonly lowerStep?: (emit: Emit, inputs: ValuesOf<I>, attrs: A) => Value | readonly Value[];
}): Op {
  // TF.js calls a kernel with exactly the inputs and attributes that its interfaces declare.
  return op as Op;
}
