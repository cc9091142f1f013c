/** Cross-layer equalization: neighbouring layers share out the range of the channels between them. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { fromModel, type LayerGraph, rebuild, toModel } from "../../src/rewrite/mod.ts";
import { balance } from "./_balance.ts";
import { type Channels, findChannels, whyLeft } from "./_channels.ts";
import { clipsBetween, largestValues, openClips, shapesOf } from "./_open_clips.ts";
import { givenReach, type Reach, reachOf } from "./_reach.ts";
import { howFarApart } from "./_run.ts";
import { scaleChannels, type Scales } from "./_scale_channels.ts";
import type { FloatStep, StepContext, StepEffect, StepLeft } from "./step.ts";

/**
 * Scales channels so that the weights which give one reach as far as those which read it, and no layer has channels that
 * one scale for all of its weights is too coarse for. ReLU6 becomes ReLU where no calibration sample reaches 6.
 *
 * Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.1.
 */
export const equalize: FloatStep<"equalize"> = {
  name: "equalize",
  when: "float",
  description: "balance the ranges of neighbouring layers' weights, channel by channel",
  byDefault: false,
  apply: async (model, context) => {
    const opened = await openUnreached(model, context);
    const channels = findChannels(opened.graph, shapesOf(model));
    const reaches = channels.stages.flatMap((stage) => reachOf(opened.graph, stage) ?? []);
    const { scales, groups, sweeps } = balance(channels, reaches);
    const graph = scaleChannels(opened.graph, channels, scales);
    const equalized = rebuild(model, graph);
    const ranges = rangeEffects(reaches, scales);
    const facts = groups === 0 ? [] : [
      `${channels.sets} channels in ${groups} groups, ${sweeps} rounds`,
      await howFarApart(model, equalized, context),
    ];
    return { model: equalized, effects: [...opened.effects, ...ranges], left: leftIn(channels), facts };
  },
};

/** Opens the clips between layers that no sample of the calibration set reaches. */
async function openUnreached(
  model: LayersModel,
  context: StepContext,
): Promise<{ readonly graph: LayerGraph; readonly effects: readonly StepEffect[] }> {
  const graph = fromModel(model);
  const clips = clipsBetween(graph, shapesOf(model));
  if (clips.length === 0) return { graph, effects: [] };
  const copy = toModel(graph);
  try {
    const largest = await largestValues(copy, clips.map(({ name }) => name), context);
    const unreached = clips.filter(({ name, bound }) => (largest.get(name) ?? bound) < bound);
    const effects = unreached.map(({ name, bound }): StepEffect => ({
      layer: name,
      what: "maximum taken off, and the largest value",
      before: bound,
      after: largest.get(name) ?? bound,
    }));
    return { graph: openClips(graph, unreached), effects };
  } finally {
    copy.dispose();
  }
}

function rangeEffects(reaches: readonly Reach[], scales: Scales): readonly StepEffect[] {
  const unscaled = new Float64Array(scales.length).fill(1);
  return reaches.flatMap((reach): readonly StepEffect[] => {
    const { stage: { layer, input, output } } = reach;
    const isScaled = [...input, ...output].some((set) => set >= 0 && Math.abs(Math.log(scales[set])) > 1e-3);
    if (!isScaled) return [];
    const [before, after] = [unscaled, scales].map((at) => spreadOf(givenReach(reach, at)));
    return [{ layer, what: "weights' range, of the widest channel over the narrowest", before, after }];
  });
}

/** The largest over the smallest of those that are not 0. */
function spreadOf(ranges: Float64Array): number {
  const live = ranges.filter((range) => range > 0);
  return live.length === 0 ? 1 : live.reduce((a, b) => Math.max(a, b)) / live.reduce((a, b) => Math.min(a, b));
}

/** The layers that give channels which cannot be scaled. */
function leftIn({ stages }: Channels): readonly StepLeft[] {
  return stages.flatMap(({ layer, kind, output, pinnedOutput }) =>
    pinnedOutput === undefined || kind === "layer-norm"
      ? []
      : [{ layer, because: whyLeft(pinnedOutput, { of: output.length }) }]
  );
}
