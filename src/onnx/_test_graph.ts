/** The legal graph that the checker's tests break. */
import type { Graph, Node, Tensor, ValueType } from "./graph.ts";

/** Makes a float32 type. */
export const f = (...shape: ValueType["shape"]): ValueType => ({ dtype: "float32", shape });
/** Makes a float32 tensor. */
export const tensor = (shape: readonly number[], ...data: number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});
/** Makes a node. */
export const node = (
  op: string,
  name: string,
  [inputs, outputs]: readonly (readonly string[])[],
  rest: Partial<Node> = {},
): Node => ({
  op,
  name,
  inputs,
  outputs,
  attrs: {},
  ...rest,
});

/** A legal graph: x → Gemm → Relu → Q → DQ → y, symbolic batch. */
export const legal: Graph = {
  name: "net",
  inputs: ["x"],
  outputs: ["y"],
  initializers: new Map<string, Tensor>([
    ["w", tensor([2, 3], 1, 2, 3, 4, 5, 6)],
    ["scale", tensor([], 0.5)],
    ["zero", { dtype: "uint8", shape: [], data: Uint8Array.of(3) }],
  ]),
  nodes: [
    node("Gemm", "dense", [["x", "w"], ["h"]], { attrs: { alpha: 1, transB: 0 } }),
    node("Relu", "act", [["h"], ["a"]]),
    node("QuantizeLinear", "quantize", [["a", "scale", "zero"], ["q"]]),
    node("DequantizeLinear", "dequantize", [["q", "scale", "zero"], ["y"]]),
  ],
  types: new Map<string, ValueType>([
    ["x", f("batch", 2)],
    ["h", f("batch", 3)],
    ["a", f("batch", 3)],
    ["q", { dtype: "uint8", shape: ["batch", 3] }],
    ["y", f("batch", 3)],
  ]),
};
/** Its nodes. */
export const [dense, act, quantize, dequantize] = legal.nodes;
