/** Takes ReLU and sums into convolutions on blocked channels: each saves a pass over memory. */
import type { Graph, Node } from "../../../onnx/graph.ts";
import { typeOf } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import { type Index, indexOf } from "../../../onnx/index.ts";
import { definePass, type Pass } from "../../pass.ts";

/** Place of the value that is added, among a blocked Conv's inputs. */
const SUM = 3;

/** Replaces Add of a blocked convolution and Relu of one, where nothing else reads it. */
export const fuseBlocked: Pass = definePass({
  name: "fuseBlocked",
  rewrite: (graph) => fuseRelus(fuseSums(graph)),
});

/** A convolution runs in its sum's place: only there is the other operand sure to be known. */
function fuseSums(graph: Graph): Graph {
  const index = indexOf(graph);
  const gone = new Set<Node>();
  const replaced = new Map<Node, Node>();
  for (const node of graph.nodes) {
    const conv = node.op === "Add" ? addendOf(node, { graph, index, gone }) : undefined;
    if (conv === undefined) continue;
    gone.add(conv);
    const other = node.inputs.find((name) => name !== conv.outputs[0])!;
    const inputs = [conv.inputs[0], conv.inputs[1], conv.inputs[2] ?? "", other];
    replaced.set(node, { ...conv, inputs, outputs: node.outputs });
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => replaced.get(node) ?? node);
  return { ...graph, nodes };
}

/** Returns the convolution that can take the other operand of `sum` in; the later one, if both can. */
function addendOf(
  sum: Node,
  { graph, index, gone }: { readonly graph: Graph; readonly index: Index; readonly gone: ReadonlySet<Node> },
): Node | undefined {
  const [a, b] = sum.inputs;
  if (a === b || typeOf(graph, a).shape.join() !== typeOf(graph, b).shape.join()) return undefined;
  return [b, a].map((name) => fusible(name, index)).find((node) =>
    node !== undefined && node.inputs.length <= SUM && !gone.has(node)
  );
}

function fuseRelus(graph: Graph): Graph {
  const index = indexOf(graph);
  const renamed = new Map<Node, string>();
  const gone = new Set<Node>();
  for (const node of graph.nodes) {
    const conv = node.op === "Relu" ? fusible(node.inputs[0], index) : undefined;
    if (conv === undefined) continue;
    gone.add(node);
    renamed.set(conv, node.outputs[0]);
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node): Node => {
    const output = renamed.get(node);
    return output === undefined ? node : { ...node, outputs: [output], attrs: { ...node.attrs, activation: "Relu" } };
  });
  return { ...graph, nodes };
}

/** The blocked convolution without activation that makes `name`, if one node alone reads it. */
function fusible(name: string, index: Index): Node | undefined {
  const node = index.producer(name);
  const isConv = node?.op === "Conv" && node.domain === BLOCKED_DOMAIN && node.attrs.activation === undefined;
  return isConv && index.soleUse(name) !== undefined ? node : undefined;
}
