/** Splits swish (SiLU) into its two factors, each of which has an int8 kernel. */
import { activationOf } from "./activation.ts";
import { freshName, replaceNode } from "./edit.ts";
import { ownCall } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/** Turns a swish layer, x · sigmoid(x), into a sigmoid `${layer}_sigmoid` and a Multiply of the layer's own name. */
export const splitSwish: Rule = {
  name: "split_swish",
  description: "turns swish into sigmoid and a product",
  apply: (graph, node) => {
    const activation = activationOf(node.layer);
    if (activation?.name !== "swish") return undefined;
    if (activation.place !== "layer") {
      return {
        ok: false,
        because: `swish is applied inside "${node.name}" (${node.layer.className}), not to its output`,
      };
    }
    const name = freshName(graph, `${node.name}_sigmoid`);
    const trainable = node.layer.config.trainable ?? true;
    const { inbound } = node;
    const gate = ownCall({ name, className: "Activation", config: { trainable, activation: "sigmoid" }, inbound });
    const product = ownCall({
      name: node.name,
      className: "Multiply",
      config: { trainable },
      inbound: [...inbound, name],
    });
    return {
      ok: true,
      graph: replaceNode(graph, node.name, [gate, product]),
      what: `becomes "${name}" times its input`,
    };
  },
};
