/**
 * SmoothQuant: channels whose values are large get smaller, and the weights that read them larger.
 *
 *     s_j = max(max|X_j|^α / max|W_j|^(1 − α), 1e-5)      X_j / s_j is given, W_j · s_j reads it
 *
 * X_j is a channel that dense layers read, or convolutions too, over the calibration samples, W_j their weights for it. The division is folded
 * into what gives the channel: weights, or gamma and beta of a normalization. One scale for all channels then loses less
 * of the many that are small.
 *
 * Source: Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models" (2022),
 * equation 4.
 */
import * as tf from "@tensorflow/tfjs-core";
import { fromModel, type LayerGraph, rebuild, toModel } from "../../src/rewrite/mod.ts";
import { type Channels, findChannels, type Stage, whyLeft } from "./_channels.ts";
import { shapesOf } from "./_open_clips.ts";
import { type Reach, reachOf, readReach } from "./_reach.ts";
import { forEachBatch, howFarApart, inParts, perChannel, runBatch, type Tap } from "./_run.ts";
import { scaleChannels, type Scales } from "./_scale_channels.ts";
import type { FloatStep, StepContext, StepEffect, StepLeft } from "./step.ts";

/** The least scale, and the least that weights count for. */
const LEAST = 1e-5;

/** How much of a channel's range is moved, and into which weights. */
export interface SmoothOptions {
  /** 0: as weights have it. 1: all of it into the weights. Default: 0.5. */
  readonly alpha?: number;
  /** Whether convolutions take part, depthwise ones too. Default: false, dense layers alone. */
  readonly convolutions?: boolean;
}

/**
 * Makes the step that smooths what dense layers read, or convolutions too.
 *
 * @throws {RangeError} If alpha is not from 0 to 1.
 */
export function makeSmooth({ alpha = 0.5, convolutions = false }: SmoothOptions = {}): FloatStep<"smooth"> {
  if (!(alpha >= 0 && alpha <= 1)) {
    throw new RangeError(`Cannot smooth channels: alpha is ${alpha}, a number from 0 to 1 is needed`);
  }
  return {
    name: "smooth",
    when: "float",
    description: `move the range of large channels into the weights of the ${
      convolutions ? "layers" : "dense layers"
    } that read them`,
    byDefault: false,
    apply: async (model, context) => {
      const graph = fromModel(model);
      const channels = findChannels(graph, shapesOf(model));
      const { able, others } = readersIn(graph, channels, { convolutions });
      const readers = able.filter(({ stage }) => stage.input.some((set) => set >= 0 && !others.has(set)));
      const ranges = await rangesRead(graph, readers, context);
      const scales = scalesOf({ channels, readers, others, ranges, alpha });
      const smoothed = rebuild(model, scaleChannels(graph, channels, scales));
      const effects = readers.map((reader, i) => effectOf(reader, ranges[i], scales));
      const facts = readers.length === 0 ? [] : [await howFarApart(model, smoothed, context)];
      return { model: smoothed, effects, left: leftOf(able, others), facts };
    },
  };
}

/** With α = 0.5: as much of the range in the weights as in the values. */
export const smooth: FloatStep<"smooth"> = makeSmooth();

interface Readers {
  /** Operations whose weights can take a range in. */
  readonly able: readonly Reach[];
  /** Sets of channels that another operation reads too, and which layer's that is. */
  readonly others: ReadonlyMap<number, string>;
}

function readersIn(
  graph: LayerGraph,
  { stages }: Channels,
  { convolutions }: Required<Pick<SmoothOptions, "convolutions">>,
): Readers {
  const classOf = new Map(graph.nodes.map(({ layer }) => [layer.name, layer.className]));
  // What the second operation of a layer reads is seen by nobody.
  const isFirst = (stage: Stage) => stages.find(({ layer }) => layer === stage.layer) === stage;
  const isAble = (stage: Stage) =>
    classOf.get(stage.layer) === "Dense" ||
    (convolutions && (stage.kind === "full" || stage.kind === "depthwise") && isFirst(stage));
  const others = stages.filter((stage) => !isAble(stage)).flatMap(({ layer, input }) =>
    input.filter((set) => set >= 0).map((set) => [set, layer] as const)
  );
  return { able: stages.filter(isAble).flatMap((stage) => reachOf(graph, stage) ?? []), others: new Map(others) };
}

/** Returns max|x| of each channel that each of `readers` reads. */
async function rangesRead(
  graph: LayerGraph,
  readers: readonly Reach[],
  context: StepContext,
): Promise<readonly Float64Array[]> {
  const ranges = readers.map(({ stage }) => new Float64Array(stage.input.length));
  if (readers.length === 0) return ranges;
  // Layers of nested models are called otherwise in the model that was given.
  const model = toModel(graph);
  const taps = readers.map(({ stage }, i): Tap => ({
    layer: model.getLayer(stage.layer),
    look: (_, x) => ({ measured: perChannel(tf.abs(x), tf.max) }),
    take: (most) => most.forEach((value, c) => ranges[i][c] = Math.max(ranges[i][c], value)),
  }));
  try {
    await forEachBatch(inParts(context, model), (batch) => void runBatch(model, batch, taps));
    return ranges;
  } finally {
    model.dispose();
  }
}

interface Smoothing {
  readonly channels: Channels;
  readonly readers: readonly Reach[];
  readonly others: ReadonlyMap<number, string>;
  readonly ranges: readonly Float64Array[];
  readonly alpha: number;
}

function scalesOf({ channels, readers, others, ranges, alpha }: Smoothing): Scales {
  const scales = new Float64Array(channels.sets).fill(1);
  const [values, weights] = [new Float64Array(channels.sets), new Float64Array(channels.sets)];
  readers.forEach((reader, i) => {
    const read = readReach(reader, scales);
    reader.stage.input.forEach((set, c) => {
      if (set < 0) return;
      values[set] = Math.max(values[set], ranges[i][c]);
      weights[set] = Math.max(weights[set], read[c]);
    });
  });
  return scales.map((_, set) => {
    // What is always 0, or never used, says nothing of how it should be scaled.
    if (values[set] === 0 || weights[set] === 0 || others.has(set)) return 1;
    return Math.max(values[set] ** alpha / Math.max(weights[set], LEAST) ** (1 - alpha), LEAST);
  });
}

function effectOf({ stage: { layer, input } }: Reach, ranges: Float64Array, scales: Scales): StepEffect {
  const smoothed = ranges.map((range, c) => input[c] < 0 ? range : range / scales[input[c]]);
  const what = "range of what it reads, of the widest channel over the mean of all";
  return { layer, what, before: unevenness(ranges), after: unevenness(smoothed) };
}

function unevenness(ranges: Float64Array): number {
  const sum = ranges.reduce((a, b) => a + b, 0);
  return sum === 0 ? 1 : ranges.reduce((a, b) => Math.max(a, b), 0) * ranges.length / sum;
}

function leftOf(able: readonly Reach[], others: ReadonlyMap<number, string>): readonly StepLeft[] {
  return able.flatMap(({ stage: { layer, input, pinnedInput } }) => {
    const shared = input.find((set) => others.has(set));
    if (pinnedInput !== undefined) return [{ layer, because: whyLeft(pinnedInput, { of: input.length }) }];
    return shared === undefined ? [] : [{ layer, because: `"${others.get(shared)}" reads the same channels` }];
  });
}
