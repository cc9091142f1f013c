/**
 * Writes GELU in the order of operators in which ONNX Runtime knows it, and runs it as one.
 *
 *     TF.js        x · (½ · (1 + erf(x / √2)))
 *     recognized   (x · (1 + erf(x / √2))) · ½
 *
 * To halve a number rounds nothing, so that both are the same number. Source: ONNX Runtime 1.30, gelu_fusion.cc.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { definePass, type Pass } from "../pass.ts";

/** Halves the product where TF.js halves a factor of it. */
export const fusableGelu: Pass = definePass({ name: "fusableGelu", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const found = geluAt(node, index);
    if (found === undefined) {
      out.push(node);
      continue;
    }
    const product = out.emit("Mul", [found.x, found.sum], { like: node });
    out.push({ ...node, inputs: [product, found.half] });
  }
  return removeDeadNodes(out.finish());
}

/** Returns x, 1 + erf(x / √2) and ½ where `node` is GELU as TF.js computes it. */
function geluAt(node: Node, index: Index) {
  if (node.op !== "Mul") return undefined;
  const [a, b] = node.inputs;
  for (const [x, name] of [[a, b], [b, a]]) {
    const halved = index.soleUse(name) === node ? index.producer(name) : undefined;
    const half = halved?.op === "Mul" ? halved.inputs.find((input) => isNumber(input, 0.5, index)) : undefined;
    const sum = halved?.inputs.find((input) => input !== half);
    if (half !== undefined && sum !== undefined && isSum(sum, x, index)) return { x, sum, half };
  }
  return undefined;
}

/** Whether `name` is 1 + erf(x / √2), which nothing reads but one factor. */
function isSum(name: string, x: string, index: Index): boolean {
  const sum = index.soleUse(name) === undefined ? undefined : index.producer(name);
  const erf = sum?.op === "Add" && sum.inputs.some((input) => isNumber(input, 1, index))
    ? sum.inputs.map(index.producer).find((producer) => producer?.op === "Erf")
    : undefined;
  const div = erf === undefined ? undefined : index.producer(erf.inputs[0]);
  return div?.op === "Div" && div.inputs[0] === x && isNumber(div.inputs[1], Math.fround(Math.SQRT2), index);
}

function isNumber(name: string, value: number, { constant }: Index): boolean {
  const tensor = constant(name);
  return tensor?.shape.length === 0 && Number(tensor.data[0]) === value;
}
