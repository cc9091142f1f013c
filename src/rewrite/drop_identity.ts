/** Takes out layers that return their input as it is, in training as at inference. */
import { canRemove, removeNode } from "./edit.ts";
import { isOutput, type LayerNode } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/** Removes linear activations, Dropout of rate 0, and padding, cropping, upsampling and pooling that do nothing. */
export const dropIdentity: Rule = {
  name: "drop_identity",
  description: "removes layers that do nothing",
  apply: (graph, node) => {
    const why = identityOf(node);
    if (why === undefined) return undefined;
    if (isOutput(graph, node.name)) return { ok: false, because: `"${node.name}" is the name of an output` };
    if (!canRemove(graph, node)) {
      return { ok: false, because: `"${node.name}" tells apart two values that TF.js cannot take for one` };
    }
    return { ok: true, graph: removeNode(graph, node.name), what: `removed: ${why}` };
  },
};

/** Says why `node` is the identity, or returns undefined if it is not. */
function identityOf({ layer: { className, config } }: LayerNode): string | undefined {
  switch (className) {
    case "Activation":
      return config.activation === "linear" ? "a linear activation" : undefined;
    case "Dropout":
      return config.rate === 0 ? "a dropout of nothing" : undefined;
    case "ZeroPadding2D":
      return isAll(config.padding, 0) ? "a padding of nothing" : undefined;
    case "Cropping2D":
      return isAll(config.cropping, 0) ? "a cropping of nothing" : undefined;
    case "UpSampling2D":
      return isAll(config.size, 1) ? "an upsampling by 1" : undefined;
    case "MaxPooling2D":
    case "AveragePooling2D":
      return isAll(config.poolSize, 1) && isAll(config.strides, 1) ? "a pooling of single values" : undefined;
    default:
      return undefined;
  }
}

function isAll(value: unknown, number: number): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((item) => isAll(item, number));
  return value === number;
}
