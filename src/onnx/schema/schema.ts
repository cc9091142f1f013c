/** What an operator's schema says: arity, attributes and the types of its outputs. */
import type { AttrKind, Attrs, Tensor, ValueType } from "../graph.ts";

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
 * What is true of an operator's results whatever its inputs are. What is absent is not claimed.
 *
 * Held against ONNX Runtime for every operator (traits_test.ts); inputs are float32 or integers.
 */
export interface Traits {
  /** An output's element follows from the elements at its place alone, of operands repeated to the output's shape. */
  readonly elementwise?: boolean;
  /** Every operand is repeated to the shape that all of them make together (multidirectional broadcasting). */
  readonly broadcasting?: boolean;
  /** Elements of outputs, places of maxima excepted, are elements of the first input: they stay on its grid. */
  readonly movement?: boolean;
  /** Which inputs must be 0 for the output to be: all of them, any of them, or those of these places. Others are finite. */
  readonly mapsZeroToZero?: "all" | "any" | readonly number[];
  /** Finite inputs, of any magnitude, give finite outputs. */
  readonly keepsFinite?: boolean;
}

/**
 * The schema of one operator.
 *
 * Source of the rows: the ONNX operator pages (onnx.ai/onnx/operators) at opset 17, and
 * microsoft/onnxruntime/docs/ContribOperators.md for domain "com.microsoft".
 */
export interface OpSchema {
  readonly domain?: "com.microsoft";
  /** First opset whose definition of the operator this row describes. */
  readonly since: number;
  /** Last opset whose definition it describes, where a later one has another form. */
  readonly until?: number;
  /** Attributes that are younger than `since`, with the opset that brought each. */
  readonly laterAttrs?: Readonly<Record<string, number>>;
  /** Least and greatest number of inputs. */
  readonly inputs: readonly [min: number, max: number];
  /** Least and greatest number of outputs; [1, 1] when absent. */
  readonly outputs?: readonly [min: number, max: number];
  readonly attrs?: Readonly<Record<string, AttrKind>>;
  /** What is true of its results, where attributes matter by these. */
  readonly traits?: Traits | ((attrs: Attrs) => Traits);
  /**
   * Returns the types of the outputs (at least the first; as many as `outputs` allows).
   *
   * Absent optional inputs are null.
   * @throws {TypeError} If the inputs' shapes or dtypes do not fit the operator.
   */
  infer(inputs: readonly (InferInput | null)[], attrs: Attrs, outputs: number): readonly StaticType[];
}
