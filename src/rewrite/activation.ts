/** Says which activation function a layer computes, be it the layer itself or fused into it. */
import type { LayerDescription } from "../layers/mod.ts";
import type { LayerConfig } from "./layer_graph.ts";

/** How an activation is part of its layer. */
export interface LayerActivation {
  /** snake_case, e.g. "leaky_relu". */
  readonly name: string;
  /** "layer": the layer is the activation. "fused": it follows the layer's own work. "inner": anything else. */
  readonly place: "layer" | "fused" | "inner";
}

/** Layers whose `activation` is applied to their output, last of all. */
const FUSING: ReadonlySet<string> = new Set([
  "Conv1D",
  "Conv2D",
  "Conv3D",
  "Conv2DTranspose",
  "Conv3DTranspose",
  "DepthwiseConv2D",
  "GroupConv2D",
  "SeparableConv2D",
  "Dense",
]);

const LAYERS: Readonly<Record<string, string>> = {
  LeakyReLU: "leaky_relu",
  PReLU: "prelu",
  ELU: "elu",
  ThresholdedReLU: "thresholded_relu",
  Softmax: "softmax",
};

/**
 * Returns the activation that `layer` computes, or undefined if it computes none or the identity.
 *
 * A ReLU layer is "relu", "relu6" or, with another maximum, "clipped_relu".
 */
export function activationOf({ className, config }: LayerDescription): LayerActivation | undefined {
  if (className === "ReLU") return { name: reluName(config), place: "layer" };
  if (Object.hasOwn(LAYERS, className)) return { name: LAYERS[className], place: "layer" };
  const inner = innerLayer(config);
  if (inner !== undefined) {
    const activation = activationOf(inner);
    return activation && { ...activation, place: "inner" };
  }
  if (typeof config.activation !== "string") return undefined;
  const name = toSnakeCase(config.activation);
  if (className === "Activation") return { name, place: "layer" };
  if (name === "linear") return undefined;
  return { name, place: FUSING.has(className) ? "fused" : "inner" };
}

/** Whether `layer` is a ReLU of any maximum, which ONNX Runtime absorbs into the op before it. */
export function isRelu(layer: LayerDescription): boolean {
  const activation = activationOf(layer);
  return activation?.place === "layer" && ["relu", "relu6", "clipped_relu"].includes(activation.name);
}

/** Spells a TF.js activation ("hardSigmoid") as this project does ("hard_sigmoid"). */
export function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function reluName({ maxValue }: LayerConfig): string {
  if (maxValue === null || maxValue === undefined) return "relu";
  return maxValue === 6 ? "relu6" : "clipped_relu";
}

/** Returns the layer inside TimeDistributed, Bidirectional or an RNN over a cell, as their configuration has it. */
export function innerLayer(config: LayerConfig): LayerDescription | undefined {
  const inner = config.layer ?? config.cell;
  if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return undefined;
  const { className, config: innerConfig } = inner;
  if (typeof className !== "string" || typeof innerConfig !== "object") return undefined;
  if (innerConfig === null || Array.isArray(innerConfig)) return undefined;
  return { className, config: innerConfig };
}
