/**
 * Puts a ReLU right behind the product that it belongs to, before the Reshape that restores a sequence's shape.
 *
 * A dense layer of sequences is Reshape → Gemm → Reshape. Gemm → Reshape → Relu → QuantizeLinear leaves the Gemm giving
 * float; behind the Gemm the ReLU is absorbed, and the Reshape moves codes. Element by element it is the same.
 */
import { type Graph, type Node, typeOf } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { definePass, type Pass } from "../pass.ts";

/** Swaps Reshape → Relu and Reshape → Clip that follow a Gemm, where nothing else reads what is between. */
export const reluBeforeReshape: Pass = definePass({ name: "reluBeforeReshape", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const moved = new Set<Node>();
  for (const node of graph.nodes) {
    const relu = reluBehind(node, index);
    if (relu === undefined) {
      if (!moved.has(node)) out.push(node);
      continue;
    }
    moved.add(relu);
    const [source, target] = node.inputs;
    const active = out.fresh(`${source}_active`);
    out.types.set(active, typeOf(graph, source));
    out.push({ ...relu, inputs: [source, ...relu.inputs.slice(1)], outputs: [active] });
    out.push({ ...node, inputs: [active, target], outputs: relu.outputs });
  }
  return removeDeadNodes(out.finish());
}

/** The ReLU or Clip that alone reads the Reshape `node` of a Gemm that it alone reads. */
function reluBehind(node: Node, index: Index): Node | undefined {
  if (node.op !== "Reshape" || index.producer(node.inputs[0])?.op !== "Gemm") return undefined;
  if (index.soleUse(node.inputs[0]) !== node || index.constant(node.inputs[1]) === undefined) return undefined;
  const reader = index.soleUse(node.outputs[0]);
  const isRelu = reader?.op === "Relu" || (reader?.op === "Clip" && reader.inputs[0] === node.outputs[0]);
  return isRelu ? reader : undefined;
}
