/** Splits SeparableConv2D into its two convolutions, each of which has an int8 kernel. */
import { freshName, replaceNode } from "./edit.ts";
import { type LayerConfig, type LayerNode, type LayerWeight, weightOf } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/**
 * Turns SeparableConv2D into DepthwiseConv2D `${layer}_depthwise` and a 1×1 Conv2D `${layer}_pointwise`.
 *
 * The weights stay what they are: depthwise kernel [kh, kw, in, multiplier], pointwise kernel [1, 1, in·multiplier, out],
 * bias and activation with the pointwise convolution.
 */
export const splitSeparable: Rule = {
  name: "split_separable",
  description: "turns SeparableConv2D into a depthwise and a pointwise convolution",
  apply: (graph, node) => {
    if (node.className !== "SeparableConv2D") return undefined;
    if (toList(node.config.dilationRate).some((rate) => rate !== 1)) {
      return {
        ok: false,
        because: `its dilation rate is [${toList(node.config.dilationRate)}], which TF.js's DepthwiseConv2D ignores`,
      };
    }
    const depthwise = makeDepthwise(node, freshName(graph, `${node.name}_depthwise`));
    const pointwise = makePointwise(node, freshName(graph, `${node.name}_pointwise`), depthwise.name);
    return {
      ok: true,
      graph: replaceNode(graph, node.name, [depthwise, pointwise]),
      what: `becomes "${depthwise.name}" and "${pointwise.name}"`,
    };
  },
};

function makeDepthwise(node: LayerNode, name: string): LayerNode {
  const { config } = node;
  return {
    name,
    className: "DepthwiseConv2D",
    config: {
      ...shared(config, name),
      kernelSize: config.kernelSize,
      strides: config.strides,
      padding: config.padding,
      depthMultiplier: config.depthMultiplier,
      useBias: false,
      activation: "linear",
      depthwiseInitializer: config.depthwiseInitializer,
      depthwiseRegularizer: config.depthwiseRegularizer,
      depthwiseConstraint: config.depthwiseConstraint,
    },
    inbound: node.inbound,
    weights: [weightOf(node, "depthwise_kernel")],
  };
}

function makePointwise(node: LayerNode, name: string, input: string): LayerNode {
  const { config } = node;
  const kernel: LayerWeight = { ...weightOf(node, "pointwise_kernel"), name: "kernel" };
  return {
    name,
    className: "Conv2D",
    config: {
      ...shared(config, name),
      filters: config.filters,
      kernelSize: [1, 1],
      strides: [1, 1],
      padding: "valid",
      useBias: config.useBias,
      activation: config.activation,
      kernelInitializer: config.pointwiseInitializer,
      kernelRegularizer: config.pointwiseRegularizer,
      kernelConstraint: config.pointwiseConstraint,
      biasInitializer: config.biasInitializer,
      biasRegularizer: config.biasRegularizer,
      biasConstraint: config.biasConstraint,
    },
    inbound: [input],
    weights: config.useBias === false ? [kernel] : [kernel, weightOf(node, "bias")],
  };
}

function shared(config: LayerConfig, name: string): LayerConfig {
  return { name, trainable: config.trainable ?? true, dataFormat: config.dataFormat };
}

function toList(value: LayerConfig[string] | undefined): readonly unknown[] {
  return Array.isArray(value) ? value : [value ?? 1];
}
