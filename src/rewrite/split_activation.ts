/** Gives a fused `activation:` a layer of its own, so that quantization can tell the two apart. */
import { activationOf } from "./activation.ts";
import { freshName, replaceNode } from "./edit.ts";
import type { LayerNode } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

const SPLIT: ReadonlySet<string> = new Set(["Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense"]);

/** Turns the `activation:` of convolutions and dense layers into an Activation layer `${layer}_${activation}`. */
export const splitActivation: Rule = {
  name: "split_activation",
  description: "makes fused activations layers of their own",
  apply: (graph, node) => {
    const activation = activationOf(node);
    if (activation?.place !== "fused" || !SPLIT.has(node.className)) return undefined;
    const name = freshName(graph, `${node.name}_${activation.name}`);
    const linear: LayerNode = { ...node, config: { ...node.config, activation: "linear" } };
    const own: LayerNode = {
      name,
      className: "Activation",
      config: { name, trainable: node.config.trainable ?? true, activation: node.config.activation },
      inbound: [node.name],
      weights: [],
    };
    return {
      ok: true,
      graph: replaceNode(graph, node.name, [linear, own]),
      what: `${activation.name} is a layer of its own, "${name}"`,
    };
  },
};
