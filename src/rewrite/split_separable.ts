/** Splits SeparableConv2D into its two convolutions, each of which has an int8 kernel. */
import { freshName, replaceCalls } from "./edit.ts";
import {
  callsOf,
  isOutput,
  type LayerConfig,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  weightOf,
} from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/**
 * Turns SeparableConv2D into DepthwiseConv2D `${layer}_depthwise` and a 1×1 Conv2D `${layer}_pointwise`.
 *
 * The weights stay what they are: depthwise kernel [kh, kw, in, multiplier], pointwise kernel [1, 1, in·multiplier, out],
 * bias and activation with the pointwise convolution. The calls of a shared layer share both. The pointwise of an output keeps its name.
 */
export const splitSeparable: Rule = {
  name: "split_separable",
  description: "turns SeparableConv2D into a depthwise and a pointwise convolution",
  apply: (graph, node) => {
    const { className, config } = node.layer;
    if (className !== "SeparableConv2D") return undefined;
    if (toList(config.dilationRate).some((rate) => rate !== 1)) {
      return {
        ok: false,
        because: `its dilation rate is [${toList(config.dilationRate)}], which TF.js's DepthwiseConv2D ignores`,
      };
    }
    const depthwise = makeDepthwise(node.layer, freshName(graph, `${node.name}_depthwise`));
    const isNamed = callsOf(graph, node).some(({ name }) => isOutput(graph, name));
    const pointwise = makePointwise(node.layer, isNamed ? node.name : freshName(graph, `${node.name}_pointwise`));
    const split = (current: LayerGraph, call: LayerNode): readonly LayerNode[] => {
      const isFirst = call.name === node.name;
      const name = (layer: LayerSpec, part: string) =>
        isFirst ? layer.name : freshName(current, `${call.name}_${part}`);
      const first = { ...call, name: name(depthwise, "depthwise"), layer: depthwise };
      const last = isNamed ? call.name : name(pointwise, "pointwise");
      return [first, { ...call, name: last, layer: pointwise, inbound: [first.name] }];
    };
    return {
      ok: true,
      graph: replaceCalls(graph, node, split),
      what: `becomes "${depthwise.name}" and "${pointwise.name}"`,
    };
  },
};

function makeDepthwise(layer: LayerSpec, name: string): LayerSpec {
  const { config } = layer;
  return {
    name,
    className: "DepthwiseConv2D",
    config: {
      ...common(config, name),
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
    weights: [weightOf(layer, "depthwise_kernel")],
  };
}

function makePointwise(layer: LayerSpec, name: string): LayerSpec {
  const { config } = layer;
  const kernel = { ...weightOf(layer, "pointwise_kernel"), name: "kernel" };
  return {
    name,
    className: "Conv2D",
    config: {
      ...common(config, name),
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
    weights: config.useBias === false ? [kernel] : [kernel, weightOf(layer, "bias")],
  };
}

function common(config: LayerConfig, name: string): LayerConfig {
  return { name, trainable: config.trainable ?? true, dataFormat: config.dataFormat };
}

function toList(value: LayerConfig[string] | undefined): readonly unknown[] {
  return Array.isArray(value) ? value : [value ?? 1];
}
