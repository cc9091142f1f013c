/** Swaps one activation function for another that has an int8 kernel. */
import { checkChoice, lookUp } from "../text/nearest.ts";
import { activationOf, type LayerActivation } from "./activation.ts";
import { FadingReLU } from "./fading_relu.ts";
import { replaceLayer, replaceNode } from "./edit.ts";
import {
  callsOf,
  consumersOf,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  ownCall,
} from "./layer_graph.ts";
import type { Rule, RuleResult } from "./rule.ts";

/** The activations that can be swapped for another. */
export const SWAP_FROM = [
  "leaky_relu",
  "prelu",
  "elu",
  "selu",
  "swish",
  "mish",
  "gelu",
  "gelu_new",
  "softplus",
  "thresholded_relu",
  "relu",
  "relu6",
  "clipped_relu",
] as const;
/** The activations that can take their place. */
export const SWAP_TO = ["relu", "relu6"] as const;
const SYNONYMS: Readonly<Record<string, string>> = { silu: "swish", leaky: "leaky_relu", lrelu: "leaky_relu" };

/** An activation that can be swapped for another: rectifiers and their smooth kin. */
export type SwapFrom = typeof SWAP_FROM[number];

/** An activation that can take another's place: those that ONNX Runtime absorbs into the op before them. */
export type SwapTo = typeof SWAP_TO[number];

/** Which activation becomes which. */
export interface Swap {
  /** What is replaced. */
  readonly from: SwapFrom;
  /** What takes its place. */
  readonly to: SwapTo;
}

/** LeakyReLU becomes ReLU: the swap that this project does unless told otherwise. */
export const DEFAULT_SWAP: Swap = { from: "leaky_relu", to: "relu" };

/**
 * Reads a swap as it is written on the command line: `leaky_relu:relu`.
 *
 * @throws {RangeError} If the text has not this form, an activation is unknown, or both are the same.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseSwap } from "./swap_activation.ts";
 *
 * assert.deepEqual(parseSwap("silu:relu6"), { from: "swish", to: "relu6" });
 * ```
 */
export function parseSwap(text: string): Swap {
  const parts = text.split(":").map(toName);
  const [given, wanted] = parts;
  if (parts.length !== 2) {
    throw new RangeError(`Cannot read swap "${text}": two names are needed, as in "leaky_relu:relu"`);
  }
  const from = checkChoice(given, { of: SWAP_FROM, cannot: `Cannot swap "${given}"` });
  const to = checkChoice(wanted, { of: SWAP_TO, cannot: `Cannot swap to "${wanted}"` });
  if (from === to) throw new RangeError(`Cannot swap "${from}" for itself: two different activations are needed`);
  return { from, to };
}

/** Returns the rule that swaps `from` for `to` in activation layers and fused `activation:` forms. */
export function swapActivation({ from, to }: Swap = DEFAULT_SWAP): Rule {
  return swapRule({ from, to }, (node) => toLayer(node, to));
}

/** Returns the rule that does what `DEFAULT_SWAP` does, but by layers which training takes from the one to the other. */
export function fadeActivation(): Rule {
  return swapRule(DEFAULT_SWAP, toFading);
}

function swapRule({ from, to }: Swap, make: (node: LayerNode) => LayerNode): Rule {
  return {
    name: "swap_activation",
    description: `replaces ${from} by ${to}`,
    apply: (graph, node) => {
      const activation = activationOf(node.layer);
      return activation?.name === from ? swap(graph, node, { activation, from, to, make }) : undefined;
    },
  };
}

interface SwapOf extends Swap {
  readonly activation: LayerActivation;
  /** Makes what takes the place of a layer that is an activation. */
  readonly make: (node: LayerNode) => LayerNode;
}

function swap(
  graph: LayerGraph,
  node: LayerNode,
  { activation, from, to, make }: SwapOf,
): RuleResult {
  const { layer } = node;
  if (activation.place === "inner") {
    return { ok: false, because: `${from} is applied inside "${node.name}" (${layer.className}), not to its output` };
  }
  // A layer that is an activation is replaced call by call; a fused one is part of all calls of its layer.
  const calls = activation.place === "fused" ? callsOf(graph, node) : [node];
  const answer = calls.find(({ name }) => isOutput(graph, name) && consumersOf(graph, name).length === 0);
  if (answer !== undefined) {
    return {
      ok: false,
      because: `"${answer.name}" is the model's answer, ${to} would cut off values that it may give`,
    };
  }
  const swapped = activation.place === "fused"
    ? replaceLayer(graph, node, { ...layer, config: { ...layer.config, activation: to } })
    : replaceNode(graph, node.name, [make(node)]);
  const where = calls.length > 1 ? ` in all ${calls.length} calls of "${layer.name}"` : "";
  return { ok: true, graph: swapped, what: `${describe(layer, from)} becomes ${to}${where}` };
}

function toLayer({ name, inbound, layer }: LayerNode, to: SwapTo): LayerNode {
  const config = { trainable: layer.config.trainable ?? true, maxValue: to === "relu6" ? 6 : null };
  return ownCall({ name, className: "ReLU", config, inbound });
}

function toFading({ name, inbound, layer: { config } }: LayerNode): LayerNode {
  // TF.js writes the slope of every LeakyReLU.
  const alpha = Number(config.alpha);
  const slope = { name: "slope", dtype: "float32", shape: [1], data: Float32Array.of(alpha) } as const;
  return ownCall({ name, className: FadingReLU.className, config: { alpha }, inbound, weights: [slope] });
}

function describe({ config: { alpha } }: LayerSpec, from: string): string {
  return typeof alpha === "number" ? `${from} (alpha ${Number(alpha.toPrecision(6))})` : from;
}

function toName(text: string): string {
  const name = text.trim().toLowerCase();
  return lookUp(SYNONYMS, name) ?? name;
}
