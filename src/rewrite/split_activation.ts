/** Gives a fused `activation:` a layer of its own, so that quantization can tell the two apart. */
import { activationOf } from "./activation.ts";
import { freshName, replaceCalls } from "./edit.ts";
import { type LayerGraph, type LayerNode, type LayerSpec, ownCall } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

const SPLIT: ReadonlySet<string> = new Set(["Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense"]);

/**
 * Turns the `activation:` of convolutions and dense layers into an Activation layer `${layer}_${activation}`.
 *
 * Every call of a shared layer gets an activation of its own.
 */
export const splitActivation: Rule = {
  name: "split_activation",
  description: "makes fused activations layers of their own",
  apply: (graph, node) => {
    const activation = activationOf(node.layer);
    if (activation?.place !== "fused" || !SPLIT.has(node.layer.className)) return undefined;
    const linear: LayerSpec = { ...node.layer, config: { ...node.layer.config, activation: "linear" } };
    const names: string[] = [];
    const split = (current: LayerGraph, call: LayerNode) => {
      const name = freshName(current, `${call.name}_${activation.name}`);
      names.push(name);
      return [{ ...call, layer: linear }, ownActivation(call, name)];
    };
    return {
      ok: true,
      graph: replaceCalls(graph, node, split),
      what: `${activation.name} is ${names.length > 1 ? "layers" : "a layer"} of its own, ${quoted(names)}`,
    };
  },
};

function ownActivation({ name: inbound, layer: { config } }: LayerNode, name: string): LayerNode {
  return ownCall({
    name,
    className: "Activation",
    config: { trainable: config.trainable ?? true, activation: config.activation },
    inbound: [inbound],
  });
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
