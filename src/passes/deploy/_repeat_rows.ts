/** Repeats a sample's rows for every sample of a batch whose size is known when the model runs. */
import type { Dim, Graph, Node, Tensor, ValueType } from "../../onnx/graph.ts";

/** What computes the rows. */
export interface RepeatedRows {
  readonly nodes: readonly Node[];
  readonly initializers: readonly (readonly [string, Tensor])[];
  readonly types: readonly (readonly [string, ValueType])[];
}

/**
 * Makes the nodes that give `name`: `row` [1, ...], once for every sample of the graph's first input.
 *
 *   Expand(row, Concat(Gather(Shape(input), 0), 1, 1, …))
 *
 * Of several rows [k, ...] that is done with [1, k, ...], and reshaped to [-1, ...].
 *
 * @param symbol The dimension of the batch.
 * @param axis The axis of `row`, of one element, that becomes it. Default: 0.
 */
export function repeatRows(graph: Graph, { name, row, symbol, axis = 0 }: {
  readonly name: string;
  readonly row: Tensor;
  readonly symbol: string;
  readonly axis?: 0 | 1;
}): RepeatedRows {
  const [input] = graph.inputs;
  const rank = graph.types.get(input)!.shape.length;
  const ints = (values: readonly number[]): Tensor => ({
    dtype: "int64",
    shape: [values.length],
    data: BigInt64Array.from(values, BigInt),
  });
  const [count, ...rest] = row.shape;
  const isOne = count === 1;
  const sample = isOne ? row : { ...row, shape: [1, ...row.shape] };
  const ones = sample.shape.slice(1 + axis).map(() => 1);
  const node = (op: string, part: string, inputs: readonly string[], attrs: Node["attrs"] = {}): Node => ({
    op,
    name: `${name}_${part}_node`,
    inputs,
    outputs: [part === "rows" ? name : `${name}_${part}`],
    attrs,
  });
  return {
    nodes: [
      node("Shape", "input_shape", [input]),
      node("Gather", "batch", [`${name}_input_shape`, `${name}_first`], { axis: 0 }),
      node("Concat", "shape", [...(axis === 0 ? [] : [`${name}_before`]), `${name}_batch`, `${name}_ones`], {
        axis: 0,
      }),
      node("Expand", isOne ? "rows" : "samples", [`${name}_row`, `${name}_shape`]),
      ...(isOne ? [] : [node("Reshape", "rows", [`${name}_samples`, `${name}_flat`])]),
    ],
    initializers: [
      [`${name}_first`, ints([0])],
      ...(axis === 0 ? [] : [[`${name}_before`, ints([1])] as const]),
      [`${name}_ones`, ints(ones)],
      [`${name}_row`, sample],
      ...(isOne ? [] : [[`${name}_flat`, ints([-1, ...rest])] as const]),
    ],
    types: [
      [`${name}_input_shape`, { dtype: "int64", shape: [rank] }],
      [`${name}_batch`, { dtype: "int64", shape: [1] }],
      [`${name}_shape`, { dtype: "int64", shape: [sample.shape.length] }],
      ...(isOne ? [] : [[`${name}_samples`, { dtype: row.dtype, shape: [symbol, ...row.shape] }] as const]),
      [name, {
        dtype: row.dtype,
        shape: (row.shape as readonly Dim[]).with(axis, isOne ? symbol : `${symbol}_x${count}`),
      }],
    ],
  };
}
