/** What nodes are written with: the interface between whoever knows an op and whoever builds a graph. */
import type { DType, TypedArray } from "../numbers/dtype.ts";
import type { Attrs } from "./graph.ts";

/** A value of a graph under construction, with its static type. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Elements, where they are known while the graph is written: to check, never to write another graph by. */
  readonly elements?: TypedArray;
}

/** What a `lower` function writes nodes with. */
export interface Emit {
  /** Appends a node with one output; its type is inferred by the operator's schema. `null` leaves an input out. */
  node(op: string, inputs: readonly (Value | null)[], attrs?: Attrs): Value;
  /** Appends a node with `outputs` outputs. */
  nodes(op: string, inputs: readonly (Value | null)[], attrs: Attrs, outputs: number): readonly Value[];
  /** Adds a constant. Equal small constants are shared. */
  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[]): Value;
}
