/** Turns sums and products of many values into chains of two, the only form that has an int8 kernel. */
import { freshName, replaceNode } from "./edit.ts";
import { type LayerGraph, type LayerNode, ownCall } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/**
 * Turns Add and Multiply of more than two inputs into a chain, from left to right as TF.js computes them.
 *
 * The last link keeps the layer's name, the others are `${layer}_1`, `${layer}_2`…
 */
export const splitMerge: Rule = {
  name: "split_merge",
  description: "turns Add and Multiply of many inputs into chains of two",
  apply: (graph, node) => {
    const { className } = node.layer;
    if ((className !== "Add" && className !== "Multiply") || node.inbound.length <= 2) return undefined;
    const chain = makeChain(graph, node);
    return {
      ok: true,
      graph: replaceNode(graph, node.name, chain),
      what: `its ${node.inbound.length} inputs are taken two at a time, by ${chain.length} layers`,
    };
  },
};

function makeChain(graph: LayerGraph, node: LayerNode): readonly LayerNode[] {
  const [first, ...rest] = node.inbound;
  const chain: LayerNode[] = [];
  let left = first;
  rest.forEach((right, i) => {
    const name = i === rest.length - 1 ? node.name : freshName(graph, `${node.name}_${i + 1}`);
    chain.push(ownCall({ ...node.layer, name, inbound: [left, right] }));
    left = name;
  });
  return chain;
}
