/** Gives a fused `activation:` a layer of its own, so that quantization can tell the two apart. */
import { activationOf } from "./activation.ts";
import { freshName, replaceCalls } from "./edit.ts";
import { callsOf, isOutput, type LayerGraph, type LayerNode, type LayerSpec, ownCall } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

const SPLIT: ReadonlySet<string> = new Set([
  "Conv1D",
  "Conv2D",
  "DepthwiseConv2D",
  "GroupConv2D",
  "SeparableConv2D",
  "Dense",
]);

/**
 * Turns the `activation:` of convolutions and dense layers into an Activation layer `${layer}_${activation}`.
 *
 * Every call of a shared layer gets an activation of its own. Of an output the activation takes the name, and the
 * layer becomes `${layer}_linear`.
 */
export const splitActivation: Rule = {
  name: "split_activation",
  description: "makes fused activations layers of their own",
  apply: (graph, node) => {
    const activation = activationOf(node.layer);
    if (activation?.place !== "fused" || !SPLIT.has(node.layer.className)) return undefined;
    const isNamed = callsOf(graph, node).some(({ name }) => isOutput(graph, name));
    const linear = withoutActivation(
      node.layer,
      isNamed ? freshName(graph, `${node.layer.name}_linear`) : node.layer.name,
    );
    const names: string[] = [];
    const split = (current: LayerGraph, call: LayerNode) => {
      const other = freshName(current, `${call.name}_${isNamed ? "linear" : activation.name}`);
      const [before, after] = isNamed ? [other, call.name] : [call.name, other];
      names.push(after);
      return [{ ...call, name: before, layer: linear }, ownActivation(call, { name: after, inbound: before })];
    };
    return {
      ok: true,
      graph: replaceCalls(graph, node, split),
      what: `${activation.name} is ${names.length > 1 ? "layers" : "a layer"} of its own, ${quoted(names)}`,
    };
  },
};

function withoutActivation({ config, ...layer }: LayerSpec, name: string): LayerSpec {
  return { ...layer, name, config: { ...config, name, activation: "linear" } };
}

function ownActivation(
  { layer: { config } }: LayerNode,
  { name, inbound }: { readonly name: string; readonly inbound: string },
): LayerNode {
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
