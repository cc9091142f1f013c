/** The weights of one net, for another that is built alike. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { fromModel, type LayerGraph, type LayerSpec, rebuild } from "../../src/rewrite/mod.ts";
import { headsOf, withoutHeads } from "./_head.ts";
import { matchUnits } from "./_match.ts";
import { distanceOf } from "./_distance.ts";

/** How weights are copied. */
export interface CopyOptions {
  /** Whether the heads keep the weights that they have: the last layer with weights before each output. Default false. */
  readonly exceptHead?: boolean;
  /** What messages call where the weights come from. Default: the name of the model. */
  readonly path?: string;
  /** Is told of each layer that does not fit, where they are more than a line holds. */
  readonly log?: (line: string) => void;
}

/** Layers that are named in an error; where there are more, the log has all of them. */
const MOST_NAMED = 8;

/** A model with the weights of another. */
export interface CopiedWeights {
  readonly model: tfl.LayersModel;
  /** Layers that got weights; batch normalization counts with the layer that it follows. */
  readonly layers: number;
  /**
   * Batch normalization that does nothing but add a bias, since the other net has it folded: its statistics say nothing of
   * what it is given. `settleNorms` finds some that do.
   */
  readonly idle: readonly string[];
  /**
   * How far the answers of both are apart on random input, relative to the largest; without heads of what these read.
   * Undefined where their inputs cannot be made alike.
   */
  readonly distance: number | undefined;
}

/**
 * Returns a copy of `model` with the weights of `source`: of layers that have the same names, if most have; else of those
 * that stand at the same places, whatever they are called, and in whatever order a sum names its terms.
 *
 * Batch normalization that one of them has folded into the layer before it is folded or unfolded, another epsilon is made
 * up for, and a dense layer takes the weights of a convolution of 1×1. Both answer alike where they compute alike: that
 * their paddings and activations are the same is not looked at, but shows in `distance`.
 *
 * @throws {RangeError} If a layer of the one has none in the other, or they differ in a shape: all of them in one line, or in
 *   lines of the log, and nothing is copied.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { copyWeights } from "./copy_weights.ts";
 *
 * const net = (name: string) => tfl.sequential({ layers: [tfl.layers.dense({ name, units: 2, inputShape: [3] })] });
 * const [ours, theirs] = [net("dense"), net("fc")];
 * const { model, distance } = await copyWeights(ours, theirs);
 * assert.deepEqual(model.getWeights()[0].dataSync(), theirs.getWeights()[0].dataSync());
 * assert.equal(distance, 0);
 * ```
 */
export async function copyWeights(
  model: tfl.LayersModel,
  source: tfl.LayersModel,
  { exceptHead = false, path = source.name, log }: CopyOptions = {},
): Promise<CopiedWeights> {
  const cannot = `Cannot give "${model.name}" the weights of "${path}"`;
  const [to, from] = [model, source].map(fromModel);
  const parts = exceptHead
    ? { to: withoutHeads(to, headsOf(to, cannot)), from: withoutHeads(from, headsOf(from, cannot)) }
    : { to, from };
  const { weights, units, idle, problems } = matchUnits(parts);
  if (problems.length > 0) {
    if (problems.length > MOST_NAMED) problems.forEach((problem) => log?.(problem));
    throw new RangeError(`${cannot}: ${listed(problems)}${hintFor(problems, { to, exceptHead })}`);
  }
  const changed = new Map<string, LayerSpec>();
  for (const { layer } of to.nodes) {
    const own = weights.get(layer.name);
    if (own !== undefined) changed.set(layer.name, { ...layer, weights: own });
  }
  const graph = withLayers(to, changed);
  const distance = await distanceOf(withLayers(parts.to, changed), parts.from);
  return { model: rebuild(model, graph), layers: units, idle, distance };
}

function withLayers(graph: LayerGraph, changed: ReadonlyMap<string, LayerSpec>): LayerGraph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, layer: changed.get(node.layer.name) ?? node.layer })),
  };
}

function listed(problems: readonly string[]): string {
  const more = problems.length - MOST_NAMED;
  const named = problems.slice(0, MOST_NAMED).join("; ");
  return more > 0 ? `${named}; and ${more} more, which the log lists` : named;
}

/** What helps where only the head differs. */
function hintFor(
  problems: readonly string[],
  { to, exceptHead }: { readonly to: LayerGraph; readonly exceptHead: boolean },
): string {
  if (exceptHead || problems.length > to.outputs.length) return "";
  return " (a new head leaves out the last layer: --head)";
}
