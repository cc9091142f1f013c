/** What an operator's schema says: arity, attributes and the types of its outputs. */
import type { Attrs, Tensor, ValueType } from "../graph.ts";

/** How an attribute is written in the file. */
export type AttrKind = "int" | "float" | "string" | "ints" | "floats" | "strings" | "tensor";

/** A static type: every dimension known. */
export interface StaticType {
  readonly dtype: ValueType["dtype"];
  readonly shape: readonly number[];
}

/** An input as shape inference sees it: its type and, where it is a constant, its elements. */
export interface InferInput extends StaticType {
  readonly constant?: Tensor;
}

/**
 * The schema of one operator.
 *
 * Source of the rows: the ONNX operator pages (onnx.ai/onnx/operators) at opset 17, and
 * microsoft/onnxruntime docs/ContribOperators.md for domain "com.microsoft".
 */
export interface OpSchema {
  readonly domain?: "com.microsoft";
  /** First opset whose definition of the operator this row describes. */
  readonly since: number;
  /** Attributes that are younger than `since`, with the opset that brought each. */
  readonly laterAttrs?: Readonly<Record<string, number>>;
  /** Least and greatest number of inputs. */
  readonly inputs: readonly [min: number, max: number];
  /** Least and greatest number of outputs; [1, 1] when absent. */
  readonly outputs?: readonly [min: number, max: number];
  readonly attrs?: Readonly<Record<string, AttrKind>>;
  /**
   * Returns the types of the outputs (at least the first; as many as `outputs` allows).
   *
   * Absent optional inputs are null.
   * @throws {TypeError} If the inputs' shapes or dtypes do not fit the operator.
   */
  infer(inputs: readonly (InferInput | null)[], attrs: Attrs, outputs: number): readonly StaticType[];
}
