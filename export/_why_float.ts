/** Reasons why ONNX Runtime's CPU provider leaves an operator in float. Source: QUANTIZATION.md B.2, measured on 1.30. */
import type { Graph, Node } from "../src/onnx/graph.ts";

/** Operators with an integer kernel, which some condition has kept from it. */
const HAS_KERNEL = new Set([
  "Conv",
  "FusedConv",
  "Gemm",
  "FusedGemm",
  "MatMul",
  "FusedMatMul",
  "Add",
  "Mul",
  "Concat",
  "AveragePool",
  "GlobalAveragePool",
  "LeakyRelu",
  "Sigmoid",
  "Softmax",
  "MaxPool",
  "Where",
]);

/** Returns one sentence on why `node` of the optimized graph runs in float. */
export function whyFloat(node: Node, exported: Graph): string {
  if (node.op === "Pad") return "Pad has no int8 kernel, and it could not be merged into the operator after it";
  if (node.op === "Resize") return "only nearest-neighbour Resize keeps codes";
  if (!HAS_KERNEL.has(node.op)) return `ONNX Runtime has no int8 kernel for ${node.op}`;
  const source = exported.nodes.find(({ name }) => node.name.startsWith(name) && name !== "");
  const output = source?.outputs[0];
  const isQuantized = exported.nodes.some(({ op, inputs }) => op === "QuantizeLinear" && inputs[0] === output);
  if (source !== undefined && !isQuantized) return "its output is not quantized, or not right behind it";
  return "ONNX Runtime did not fuse its Q/DQ pairs";
}
