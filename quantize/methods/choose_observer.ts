/**
 * Chooses what finds the ranges of a model: of several observers the one whose grids keep the model's answers nearest.
 *
 * No observer is the best for every model. One that looks for the least squared error lets a few samples decide whose values
 * are a hundred times those of all others, since an error counts by its square: the others then share a handful of codes. One
 * that follows the batches' ends cuts such samples off, and is coarser where there are none. So each is tried, on the samples
 * that ranges are found on, and judged sample by sample: the mean of their signal to noise ratios in dB, in which a sample
 * counts no more for being large.
 */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { noiseOf } from "../../src/numbers/noise.ts";
import { layersIn, type ObserverName, quantizedLayer, setQatPhase } from "../../src/quant/mod.ts";
import { calibrate, type CalibrateOptions, type NamedBatch } from "../calibrate.ts";
import { KeptState } from "../_kept_state.ts";
import { forEachBatch, inParts, runBatch } from "./_run.ts";

/** What an observer came to. */
export interface ObserverTrial {
  readonly observer: ObserverName;
  /** Mean over samples and outputs of the signal to quantization noise ratio, each counted from -20 to 80 dB. */
  readonly sqnrDb: number;
}

/** What is tried. */
export interface ChooseObserverOptions
  extends Pick<CalibrateOptions, "symmetric" | "memory" | "signal" | "onProgress"> {
  /** The observers; of equals the first is taken. */
  readonly candidates: readonly ObserverName[];
  /** Says what finds the range of a quantizer where a candidate is tried. Default: the candidate. */
  readonly observerOf?: (quantizer: string, candidate: ObserverName) => ObserverName;
  /** How many samples there are. */
  readonly samples: number;
}

/** Samples that candidates are judged by. */
const JUDGED = 128;

/** A sample's ratio counts within these: one without noise, or without signal, has none. */
const [LEAST_DB, MOST_DB] = [-20, 80];

/**
 * Calibrates `model` by every candidate and leaves it with the ranges of the best.
 *
 * @param batches The calibration samples, the same at every call.
 * @returns What each candidate came to, the one taken first.
 * @throws {RangeError} As `calibrate` does; ranges are then what they were.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { chooseObserver } from "./choose_observer.ts";
 * import { prepareQat } from "../prepare.ts";
 *
 * tf.env().set("PROD", true);
 * const { model } = prepareQat(tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [4] })] }));
 * const batches = [{ inputs: { x: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)) }, size: 16 }];
 * const [taken] = await chooseObserver(model, () => batches, { candidates: ["min-max", "mse"], samples: 16 });
 * assert.ok(taken.sqnrDb > 20);
 * ```
 */
export async function chooseObserver(
  model: LayersModel,
  batches: () => Iterable<NamedBatch> | AsyncIterable<NamedBatch>,
  { candidates, observerOf = (_, candidate) => candidate, samples, onProgress, ...options }: ChooseObserverOptions,
): Promise<readonly ObserverTrial[]> {
  const layers = layersIn(model).flatMap((layer) => quantizedLayer(layer) ?? []);
  const before = new KeptState(layers);
  const float = await answersTo(model, { batches, samples, ...options, isFloat: true });
  let best: { readonly trial: ObserverTrial; readonly state: KeptState } | undefined;
  const trials: ObserverTrial[] = [];
  try {
    for (const [i, observer] of candidates.entries()) {
      // A moving average would go on from what the candidate before it found.
      before.restore();
      await calibrate(model, batches(), {
        ...options,
        observer: (quantizer) => observerOf(quantizer, observer),
        onProgress: (done) => onProgress?.(i * samples + done, candidates.length * samples),
      });
      const sqnrDb = meanSqnr(float, await answersTo(model, { batches, samples, ...options, isFloat: false }));
      const trial = { observer, sqnrDb };
      trials.push(trial);
      if (best !== undefined && sqnrDb <= best.trial.sqnrDb) continue;
      best?.state.dispose();
      best = { trial, state: new KeptState(layers) };
    }
    best?.state.restore();
    return trials.toSorted((a, b) => Number(b === best?.trial) - Number(a === best?.trial));
  } catch (error) {
    before.restore();
    throw error;
  } finally {
    before.dispose();
    best?.state.dispose();
  }
}

/** The answers to one sample, an array an output. */
type SampleAnswers = readonly Float32Array[];

interface Asked extends Pick<ChooseObserverOptions, "samples" | "signal"> {
  readonly batches: () => Iterable<NamedBatch> | AsyncIterable<NamedBatch>;
  /** Whether values are left as they are, or put on their grids. */
  readonly isFloat: boolean;
}

/** Runs the model on the samples that it is judged by. */
async function answersTo(
  model: LayersModel,
  { batches, samples, signal, isFloat }: Asked,
): Promise<readonly SampleAnswers[]> {
  const rounding = layersIn(model).flatMap((layer) => quantizedLayer(layer) ?? [])
    .filter(({ phase }) => phase.fakeQuantizing);
  if (isFloat) setQatPhase(model, { fakeQuantizing: false });
  const answers: SampleAnswers[] = [];
  const context = {
    batches: async function* () {
      yield* batches();
    },
    samples,
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    await forEachBatch(inParts(context, model), (batch) => {
      const outputs = runBatch(model, batch);
      for (let i = 0; i < batch.size; i++) {
        answers.push(
          outputs.map((all) => all.subarray(i * all.length / batch.size, (i + 1) * all.length / batch.size)),
        );
      }
    }, { samples: JUDGED });
    return answers;
  } finally {
    for (const layer of rounding) layer.setPhase({ fakeQuantizing: true });
  }
}

function meanSqnr(float: readonly SampleAnswers[], given: readonly SampleAnswers[]): number {
  const ratios = float.flatMap((outputs, i) => outputs.map((real, output) => ratioOf(real, given[i][output])));
  return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}

function ratioOf(real: Float32Array, given: Float32Array): number {
  const { signal, noise } = noiseOf(real, given);
  // Not a number is the worst that there is.
  if (!Number.isFinite(noise)) return LEAST_DB;
  if (noise === 0) return MOST_DB;
  return Math.min(Math.max(10 * Math.log10(signal / noise), LEAST_DB), MOST_DB);
}
