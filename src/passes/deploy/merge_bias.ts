/** Turns additions of constants after a convolution or matrix product into its bias. */
import { type Graph, type Node, sizeOf } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces Conv → Add(constant a channel) by Conv with a bias, and MatMul [→ Add(constant)] of matrices by Gemm. */
export const mergeBias: Pass = definePass({
  name: "mergeBias",
  requires: [holds.channelsFirst, holds.mergedReshapes],
  ensures: [holds.completeBiases],
  rewrite,
});

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const merged = new Set<Node>();
  for (const node of graph.nodes) {
    if (merged.has(node)) continue;
    const base = asBiasable(node, out);
    const add = base === undefined ? undefined : index.soleUse(node.outputs[0]);
    const bias = add?.op === "Add" && base!.inputs.length === 2 ? biasOf(add, node, { index, out }) : undefined;
    if (base === undefined) out.push(node);
    else if (bias === undefined) out.push(base);
    else {
      merged.add(add!);
      const name = out.constant(`${node.layer ?? node.name}/bias`, "float32", [bias.length], bias);
      out.push({ ...base, inputs: [...base.inputs, name], outputs: add!.outputs });
    }
  }
  return removeDeadNodes(out.finish());
}

/** Returns the form of `node` that takes a bias: Conv as it is, a product of two matrices as Gemm. */
function asBiasable(node: Node, out: GraphWriter): Node | undefined {
  if (node.op === "Conv") return node;
  const isMatrices = node.inputs.length >= 2 &&
    node.inputs.slice(0, 2).every((name) => out.typeOf(name).shape.length === 2);
  if (node.op === "MatMul" && isMatrices && out.typeOf(node.outputs[0]).dtype === "float32") {
    return { ...node, op: "Gemm", attrs: { transA: 0, transB: 0 } };
  }
  return undefined;
}

/** Returns the constant that `add` adds to each output channel of `node`, or undefined if it adds anything else. */
function biasOf(
  add: Node,
  node: Node,
  { index, out }: { readonly index: Index; readonly out: GraphWriter },
): Float32Array | undefined {
  const tensor = index.constant(add.inputs.find((name) => name !== node.outputs[0]));
  const { shape } = out.typeOf(node.outputs[0]);
  // Both operators have their channels along axis 1.
  const isPerChannel = tensor !== undefined && tensor.shape.length <= shape.length &&
    sizeOf(tensor.shape) === shape[1] && tensor.shape[tensor.shape.length - shape.length + 1] === shape[1];
  return isPerChannel ? tensor.data as Float32Array : undefined;
}
