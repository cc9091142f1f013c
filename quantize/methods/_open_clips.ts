/** Takes the maximum off ReLU6 and its like, so that scales pass: ReLU is positively homogeneous, ReLU6 is not. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, Shape } from "@tensorflow/tfjs-layers";
import {
  activationOf,
  type LayerGraph,
  type LayerNode,
  modelCalls,
  nodeOf,
  swapActivation,
  valueOf,
} from "../../src/rewrite/mod.ts";
import { findChannels, PINNED } from "./_channels.ts";
import { forEachBatch, inParts, runBatch, type Tap } from "./_run.ts";
import type { StepContext } from "./step.ts";

/** A rectifier with a maximum. */
export interface Clip {
  /** The layer's name, which is that of its first call. */
  readonly name: string;
  readonly from: "relu6" | "clipped_relu";
  /** Where it cuts off. */
  readonly bound: number;
}

/** Returns the shapes of the values of `model`, under the names that `fromModel` gives them. */
export function shapesOf(model: LayersModel): ReadonlyMap<string, Shape> {
  return new Map(modelCalls(model).flatMap(({ name, shapes }) => shapes.map((shape, i) => [valueOf(name, i), shape])));
}

/** Lists the clips of `graph` but for which channels could be scaled. */
export function clipsBetween(graph: LayerGraph, shapes: ReadonlyMap<string, Shape>): readonly Clip[] {
  const clips = graph.nodes.filter(({ name, layer }) => name === layer.name).flatMap((node) => clipOf(node) ?? []);
  const { rows } = findChannels(openClips(graph, clips), shapes);
  return clips.filter(({ name }) => rows.get(name)?.some((set) => set !== PINNED));
}

/** Makes plain ReLUs of `clips`; one that gives the model's answer stays. */
export function openClips(graph: LayerGraph, clips: readonly Clip[]): LayerGraph {
  return clips.reduce((current, { name, from }) => {
    const result = swapActivation({ from, to: "relu" }).apply(current, nodeOf(current, name));
    return result?.ok ? result.graph : current;
  }, graph);
}

/** Returns the largest value that each of the layers called `names` gives on the calibration samples. */
export async function largestValues(
  model: LayersModel,
  names: readonly string[],
  context: StepContext,
): Promise<ReadonlyMap<string, number>> {
  const largest = new Map(names.map((name) => [name, -Infinity]));
  const taps = names.map((name): Tap => ({
    layer: model.getLayer(name),
    look: (y) => ({ measured: tf.max(y) }),
    take: ([value]) => largest.set(name, Math.max(value, largest.get(name) ?? value)),
  }));
  if (taps.length > 0) await forEachBatch(inParts(context, model), (batch) => void runBatch(model, batch, taps));
  return largest;
}

function clipOf({ layer }: LayerNode): Clip | undefined {
  const activation = activationOf(layer);
  if (activation?.name !== "relu6" && activation?.name !== "clipped_relu") return undefined;
  const { maxValue } = layer.config;
  return { name: layer.name, from: activation.name, bound: typeof maxValue === "number" ? maxValue : 6 };
}
