/** Moves a ReLU from behind a pooling or reshaping layer to the convolution before it, which can absorb it. */
import { ruleOf } from "../layers/mod.ts";
import { isRelu } from "./activation.ts";
import { removeNode, replaceNode } from "./edit.ts";
import { consumersOf, isOutput, type LayerGraph, type LayerNode, producerOf, valuesOf } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/**
 * Turns conv → max pool → ReLU into conv → ReLU → max pool, which is the same: ReLU keeps order and keeps 0.
 *
 * The same goes for every layer that only picks, moves or repeats values.
 */
export const hoistRelu: Rule = {
  name: "hoist_relu",
  description: "moves ReLU before the pooling and reshaping layers that it follows",
  apply: (graph, node) => {
    if (!isRelu(node.layer) || isOutput(graph, node.name)) return undefined;
    const passed: string[] = [];
    let source = producerOf(graph, node.inbound[0]);
    while (ruleOf(source.layer).kind === "same-scale" && isReadOnce(graph, source)) {
      passed.push(source.name);
      source = producerOf(graph, source.inbound[0]);
    }
    if (passed.length === 0 || !canAbsorb(source) || !isReadOnce(graph, source)) return undefined;
    return {
      ok: true,
      graph: insertAfter(removeNode(graph, node.name), source, node),
      what: `moved before ${passed.toReversed().map((name) => `"${name}"`).join(", ")}`,
    };
  },
};

function canAbsorb(node: LayerNode): boolean {
  return ["weighted", "rescale", "batch-norm"].includes(ruleOf(node.layer).kind);
}

function isReadOnce(graph: LayerGraph, node: LayerNode): boolean {
  const readers = valuesOf(node).flatMap((value) => consumersOf(graph, value));
  return readers.length === 1 && node.outputs === 1 && !isOutput(graph, node.name);
}

function insertAfter(graph: LayerGraph, source: LayerNode, node: LayerNode): LayerGraph {
  return replaceNode(graph, source.name, [source, { ...node, inbound: [source.name] }]);
}
