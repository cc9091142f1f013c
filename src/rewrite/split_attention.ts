/** Splits attention into its steps, so that its two products are products of codes. */
import { freshName, replaceNode } from "./edit.ts";
import { type LayerNode, type OwnCall, ownCall } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/**
 * Turns Attention into AttentionScores `${layer}_scores`, a Softmax `${layer}_weights` and an AttentionContext of the layer's
 * own name. Where it has a mask, AttentionWeights takes the softmax's place.
 */
export const splitAttention: Rule = {
  name: "split_attention",
  description: "turns attention into its two products and the softmax between",
  apply: (graph, node) => {
    if (node.layer.className !== "Attention") return undefined;
    const [queries, keys, values, ...mask] = node.inbound;
    const { heads, trainable = true } = node.layer.config;
    const scores = freshName(graph, `${node.name}_scores`);
    const weights = freshName(graph, `${node.name}_weights`);
    const softmax: Omit<OwnCall, "name"> = mask.length === 0
      ? { className: "Softmax", config: { axis: -1, trainable }, inbound: [scores] }
      : { className: "AttentionWeights", config: { trainable }, inbound: [scores, ...mask] };
    const steps: readonly LayerNode[] = [
      ownCall({ name: scores, className: "AttentionScores", config: { heads, trainable }, inbound: [queries, keys] }),
      ownCall({ name: weights, ...softmax }),
      ownCall({
        name: node.name,
        className: "AttentionContext",
        config: { heads, trainable },
        inbound: [weights, values],
      }),
    ];
    return {
      ok: true,
      graph: replaceNode(graph, node.name, steps),
      what: `its weights are of their own, "${scores}" and "${weights}"`,
    };
  },
};
