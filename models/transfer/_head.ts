/** The head of a net: the last layer with weights before an output, and what follows it. */
import {
  activationOf,
  callsOf,
  innerLayer,
  isInput,
  keepOutputs,
  type LayerGraph,
  type LayerNode,
  producerOf,
} from "../../src/rewrite/mod.ts";
import { hasWeights } from "./_units.ts";

/** What gives an output its numbers. */
export interface Head {
  /** The value that is the output. */
  readonly output: string;
  /** A dense layer or a convolution. */
  readonly node: LayerNode;
  /** What follows it, in order. */
  readonly behind: readonly LayerNode[];
}

/** Layers that make answers, each number of its own weights. */
const ANSWERING: ReadonlySet<string> = new Set(["Conv1D", "Conv2D", "Dense"]);

/** Layers with weights that only adjust what they are given, number by number. */
const ADJUSTING: ReadonlySet<string> = new Set(["BatchNormalization", "LayerNormalization", "PReLU"]);

/**
 * Finds the head of every output.
 *
 * @param cannot How an error begins.
 * @throws {RangeError} If an output has none: it is an input, depends on two values, or its last weights are of another kind.
 */
export function headsOf(graph: LayerGraph, cannot: string): readonly Head[] {
  return graph.outputs.map((output) => headOf(graph, output, cannot));
}

function headOf(graph: LayerGraph, output: string, cannot: string): Head {
  const behind: LayerNode[] = [];
  for (let node = producerOf(graph, output);; node = producerOf(graph, node.inbound[0])) {
    const { name, layer } = node;
    const refuse = (what: string): never => {
      throw new RangeError(
        `${cannot}: "${name}" (${layer.className}), on the way back from its output "${output}", ${what}, ` +
          "needed is a dense layer or a convolution that nothing joins behind",
      );
    };
    if (isInput(node)) refuse("is an input");
    if (isAnswering(node)) {
      if (callsOf(graph, node).length > 1) refuse("is called more than once");
      return { output, node, behind };
    }
    if (node.inbound.length !== 1 || node.outputs !== 1) refuse(`reads ${node.inbound.length} values`);
    if (hasWeights(node) && !ADJUSTING.has(layer.className)) refuse("has weights of another kind");
    behind.unshift(node);
  }
}

function isAnswering({ layer }: LayerNode): boolean {
  if (ANSWERING.has(layer.className)) return true;
  return layer.className === "TimeDistributed" && innerLayer(layer.config)?.className === "Dense";
}

/** Returns `graph` up to its heads: what these read are the outputs. */
export function withoutHeads(graph: LayerGraph, heads: readonly Head[]): LayerGraph {
  return keepOutputs(graph, [...new Set(heads.map(({ node }) => node.inbound[0]))]);
}

/** Activations that make classes or shares of what a net answers. */
const SQUASHING = ["softmax", "sigmoid", "log_softmax"];

/** Whether a layer is nothing but such an activation. */
export function isSquashing({ layer }: LayerNode): boolean {
  const activation = activationOf(layer);
  if (activation?.place === "layer") return SQUASHING.includes(activation.name);
  return layer.className === "Operation" && layer.config.operation === "logSoftmax";
}

/** Whether a layer ends in such an activation itself. */
export function isFusedWithSquashing({ layer }: LayerNode): boolean {
  const activation = activationOf(layer);
  return activation !== undefined && activation.place !== "layer" && SQUASHING.includes(activation.name);
}
