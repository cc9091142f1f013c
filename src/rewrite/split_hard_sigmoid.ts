/**
 * Computes hard sigmoids of pictures by operators that have int8 kernels.
 *
 * min(1, max(0, α·x + β)) is a 1×1 convolution of each channel on its own, of weight α and bias β, and a ReLU up to 1, which
 * ONNX Runtime absorbs into it. Per channel the weight is one code, so nothing of it is rounded. Hard-swish is x times that.
 */
import { ruleOf } from "../layers/mod.ts";
import { activationOf } from "./activation.ts";
import { freshName, replaceNode } from "./edit.ts";
import { type LayerGraph, type LayerNode, type LayerSpec, ownCall, producerOf, weightOf } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/** The factor and the term of TF.js's activation `hardSigmoid`. */
const TF_LINE: Line = { alpha: 0.2, beta: 0.5 };

/** α·x + β, before it is cut. */
interface Line {
  readonly alpha: number;
  readonly beta: number;
}

/**
 * Turns a hard sigmoid of convolutions' output into a DepthwiseConv2D `${layer}_line`, which does not learn, and a ReLU up to 1
 * of the layer's own name.
 */
export const splitHardSigmoid: Rule = {
  name: "split_hard_sigmoid",
  description: "turns a hard sigmoid of a picture into a convolution of each channel and a ReLU up to 1",
  apply: (graph, node) => {
    const line = lineOf(node.layer);
    if (line === undefined) return undefined;
    const [x] = node.inbound;
    const channels = channelsOf(graph, x);
    if (channels === undefined) {
      return { ok: false, because: `how many channels "${x}" has is not told by convolutions before it` };
    }
    const name = freshName(graph, `${node.name}_line`);
    const trainable = node.layer.config.trainable ?? true;
    const cut = ownCall({ name: node.name, className: "ReLU", config: { trainable, maxValue: 1 }, inbound: [name] });
    return {
      ok: true,
      graph: replaceNode(graph, node.name, [lineNode(name, { x, line, channels }), cut]),
      what: `becomes the convolution "${name}" and a ReLU up to 1`,
    };
  },
};

function lineOf(layer: LayerSpec): Line | undefined {
  const { className, config } = layer;
  if (className !== "Operation") {
    const activation = activationOf(layer);
    return activation?.name === "hard_sigmoid" && activation.place === "layer" ? TF_LINE : undefined;
  }
  const options = config.operation === "hardSigmoid" ? config.options : undefined;
  if (typeof options !== "object" || options === null || Array.isArray(options)) return undefined;
  return { alpha: Number(options.alpha), beta: Number(options.beta) };
}

function lineNode(
  name: string,
  { x, line: { alpha, beta }, channels }: { readonly x: string; readonly line: Line; readonly channels: number },
): LayerNode {
  const filled = (value: number) => new Float32Array(channels).fill(value);
  return ownCall({
    name,
    className: "DepthwiseConv2D",
    config: { trainable: false, kernelSize: [1, 1], strides: [1, 1], padding: "valid", useBias: true },
    inbound: [x],
    weights: [
      { name: "depthwise_kernel", dtype: "float32", shape: [1, 1, channels, 1], data: filled(alpha) },
      { name: "bias", dtype: "float32", shape: [channels], data: filled(beta) },
    ],
  });
}

/** Layers that give as many channels as they read, of pictures. */
const KEEPING: ReadonlySet<string> = new Set([
  "Activation",
  "Add",
  "AveragePooling2D",
  "BatchNormalization",
  "Cropping2D",
  "Dropout",
  "ELU",
  "LeakyReLU",
  "MaxPooling2D",
  "Multiply",
  "PReLU",
  "ReLU",
  "SpatialDropout1D",
  "UpSampling2D",
  "ZeroPadding2D",
]);

/** Returns how many channels the picture `value` has; undefined where it is none, or nothing tells. */
function channelsOf(graph: LayerGraph, value: string): number | undefined {
  const { layer, inbound } = producerOf(graph, value);
  const { className, config } = layer;
  if (config.dataFormat === "channelsFirst") return undefined;
  if (className === "DepthwiseConv2D") {
    const [, , channels, multiplier] = weightOf(layer, "depthwise_kernel").shape;
    return channels * multiplier;
  }
  const rule = ruleOf(layer);
  if (rule.kind === "weighted" && className.endsWith("Conv2D")) {
    return weightOf(layer, rule.weights[0].name).shape[rule.weights[0].axis];
  }
  if (!KEEPING.has(className)) return undefined;
  const counts = inbound.map((read) => channelsOf(graph, read));
  // What is broadcast has one channel; where one of those that are joined is unknown, so is the greatest.
  return counts.includes(undefined) ? undefined : Math.max(...counts.map(Number));
}
