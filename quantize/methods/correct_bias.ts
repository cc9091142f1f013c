/**
 * Empirical bias correction: what rounding adds to the mean of a channel is taken off its bias.
 *
 *     b ← b − (mean(ŷ) − mean(y))      over samples and positions; ŷ of the quantized net, y of the float one
 *
 * Layer by layer, in order, in one run over the samples: within a batch, what a layer gives is corrected by what that batch
 * shows before the layers behind it read it, so that they are measured on corrected values. The bias then gets the mean
 * over all batches. For what is linear that is the same as to correct one layer after the other; for one batch, always.
 * Calls of a shared layer have one bias, which cannot correct each: a second run measures what is behind them as they are.
 * What remains is the rounding of the bias itself, and what samples beyond the first 256 would show.
 *
 * Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.2 and
 * appendix D (with data).
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, LayerVariable } from "@tensorflow/tfjs-layers";
import { type Layer, layersIn, quantizedLayer, SharedCall } from "../../src/quant/mod.ts";
import type { NamedBatch } from "../calibrate.ts";
import { recordOf } from "../record.ts";
import { forEachBatch, inParts, perChannel, runBatch, silent, type Tap } from "./_run.ts";
import type { PreparedStep, StepContext, StepEffect, StepLeft } from "./step.ts";

/** Samples that means are taken over: of pictures each has many positions. */
const SAMPLES = 256;
/** Samples that the errors in the report are measured on. */
const MEASURED = 64;

/** Takes the mean error of every channel off the bias of its layer. */
export const correctBias: PreparedStep<"correct-bias"> = {
  name: "correct-bias",
  when: "prepared",
  description: "take what rounding adds to the mean of each channel off its bias",
  byDefault: false,
  apply: async (model, float, given) => {
    const context = inParts(given, model);
    const { sites, left } = sitesOf(model, float);
    if (sites.length === 0) return { effects: [], left };
    const before = await meanErrors(model, { sites, float, context: silent(context), samples: MEASURED });
    for (const corrects of sites.some(({ isShared }) => isShared) ? [ALL, UNSHARED] : [ALL]) {
      const corrections = await meanErrors(model, { sites, float, context, samples: SAMPLES, corrects });
      sites.forEach((site, i) => corrects(site) && subtract(site.bias, corrections[i]));
    }
    const after = await meanErrors(model, { sites, float, context: silent(context), samples: MEASURED });
    const effects = sites.map(({ layer: { name } }, i): StepEffect => ({
      layer: name,
      what: "mean error of a channel, root mean square over channels",
      before: rootMeanSquare(before[i]),
      after: rootMeanSquare(after[i]),
    }));
    return { effects, left };
  },
};

/** A layer whose answers are compared, and the bias that can move them. */
interface Site {
  /** The layer with weights, or the batch normalization that is folded into it. */
  readonly layer: Layer;
  readonly float: Layer;
  readonly bias: LayerVariable;
  /** Whether it is called several times. */
  readonly isShared: boolean;
}

/** Whether a layer is corrected by what is measured, and read so by those behind it while they are measured. */
type Corrects = (site: Site) => boolean;
const ALL: Corrects = () => true;
const UNSHARED: Corrects = ({ isShared }) => !isShared;
const NONE: Corrects = () => false;

function sitesOf(
  model: LayersModel,
  float: LayersModel,
): { readonly sites: readonly Site[]; readonly left: readonly StepLeft[] } {
  const units = recordOf(model)?.units ?? [];
  const names = units.filter(({ kind }) => kind !== "rescale").map(({ layer, batchNorm }) => batchNorm ?? layer);
  const calls = names.map((name) => {
    const layer = model.getLayer(name);
    return layer instanceof SharedCall ? layer.called : layer;
  });
  const floats = new Map(layersIn(float).map((layer) => [layer.name, layer]));
  const sites: Site[] = [];
  const left: StepLeft[] = [];
  for (const layer of new Set(calls)) {
    const [bias, twin] = [biasOf(layer), floats.get(layer.name)];
    const isShared = calls.indexOf(layer) < calls.lastIndexOf(layer);
    if (bias === undefined) left.push({ layer: layer.name, because: "it has no bias" });
    else if (twin === undefined) left.push({ layer: layer.name, because: "the float model has no layer of its name" });
    else if (isChannelsFirst(layer)) left.push({ layer: layer.name, because: "its channels are not the last axis" });
    else sites.push({ layer, float: twin, bias, isShared });
  }
  return { sites, left };
}

function isChannelsFirst(layer: Layer): boolean {
  return (quantizedLayer(layer)?.inner ?? layer).getConfig().dataFormat === "channelsFirst";
}

/** The bias of a layer with weights, or beta. */
function biasOf(layer: Layer): LayerVariable | undefined {
  const { weights } = quantizedLayer(layer)?.inner ?? layer;
  return weights.find(({ originalName }) => ["bias", "beta"].includes(originalName.split("/").at(-1) ?? ""));
}

interface Measurement {
  readonly sites: readonly Site[];
  readonly float: LayersModel;
  readonly context: StepContext;
  readonly samples: number;
  /** Default: of none. */
  readonly corrects?: Corrects;
}

/** Returns the mean error of each channel of each site. */
async function meanErrors(model: LayersModel, measurement: Measurement): Promise<readonly Float64Array[]> {
  const { sites, float, context, samples, corrects = NONE } = measurement;
  const sums = sites.map(({ bias }) => new Float64Array(bias.shape[0] ?? 0));
  let count = 0;
  await forEachBatch(context, (batch) => {
    const wanted = meansOf(float, sites, batch);
    const errors = sites.map((): Float32Array[] => []);
    const taps = sites.map((site, i) =>
      errorTap(site.layer, { wanted: wanted[i], errors: errors[i], corrects: corrects(site) })
    );
    runBatch(model, batch, taps);
    errors.forEach((calls, i) => {
      for (const call of calls) call.forEach((error, c) => sums[i][c] += batch.size * error / calls.length);
    });
    count += batch.size;
  }, { samples });
  return sums.map((sum) => sum.map((error) => error / count));
}

/** Returns the mean of each channel, of each call of each site, in the float model. */
function meansOf(float: LayersModel, sites: readonly Site[], batch: NamedBatch): readonly (readonly Float32Array[])[] {
  const means = sites.map((): Float32Array[] => []);
  const taps = sites.map((site, i): Tap => ({
    layer: site.float,
    look: (y) => ({ measured: perChannel(y, tf.mean) }),
    take: (mean) => means[i].push(mean),
  }));
  runBatch(float, batch, taps);
  return means;
}

interface Comparison {
  /** Means of the calls of the float layer, in the order in which they run. */
  readonly wanted: readonly Float32Array[];
  /** Is filled with those of the quantized one less these. */
  readonly errors: Float32Array[];
  readonly corrects: boolean;
}

function errorTap(layer: Layer, { wanted, errors, corrects }: Comparison): Tap {
  let call = 0;
  return {
    layer,
    look: (y) => {
      const error = tf.sub(perChannel(y, tf.mean), tf.tensor1d(wanted[call++]));
      return corrects ? { measured: error, instead: tf.sub(y, error) } : { measured: error };
    },
    take: (error) => errors.push(error),
  };
}

function subtract(bias: LayerVariable, correction: Float64Array): void {
  tf.tidy(() => void bias.write(tf.sub(bias.read(), tf.tensor1d(Float32Array.from(correction)))));
}

function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
