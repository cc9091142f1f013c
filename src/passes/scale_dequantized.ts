/**
 * Takes a factor behind DequantizeLinear into its scale: c · ((q − z)·s) = (q − z)·(c·s).
 *
 * So the factor of attention, 1/√d on the queries, costs nothing, and what follows reads codes. The QuantizeLinear before
 * keeps its scale: the same codes stand for other numbers.
 */
import type { Graph, Node } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../onnx/index.ts";
import { GraphWriter } from "../onnx/writer.ts";
import { definePass, type Pass } from "./pass.ts";

/** Replaces DequantizeLinear → Mul(constant) by DequantizeLinear, where that has one scale and the constant is above 0. */
export const scaleDequantized: Pass = definePass({ name: "scaleDequantized", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const found = factorOf(node, { index, out });
    if (found === undefined) {
      out.push(node);
      continue;
    }
    const [codes, scale, zeroPoint] = found.dequantize.inputs;
    const product = out.emit("Mul", [scale, found.factor], { like: node });
    out.push({ ...found.dequantize, name: node.name, inputs: [codes, product, zeroPoint], outputs: node.outputs });
  }
  return removeDeadNodes(out.finish());
}

/** Returns the factor that `node` multiplies dequantized codes by, and what dequantizes them; undefined if it does not. */
function factorOf(node: Node, { index, out }: { readonly index: Index; readonly out: GraphWriter }) {
  if (node.op !== "Mul") return undefined;
  const [a, b] = node.inputs;
  for (const [value, name] of [[a, b], [b, a]]) {
    const dequantize = index.producer(value);
    const constant = index.constant(name);
    const isFactor = constant?.dtype === "float32" && constant.shape.length === 0 && Number(constant.data[0]) > 0 &&
      Number.isFinite(constant.data[0]);
    const isActivation = dequantize?.op === "DequantizeLinear" && dequantize.inputs.length === 3 &&
      index.constant(dequantize.inputs[0]) === undefined && sizeOf(out.typeOf(dequantize.inputs[1]).shape) === 1;
    if (isFactor && isActivation) return { dequantize, factor: name };
  }
  return undefined;
}
