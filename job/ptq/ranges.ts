/** Finds the ranges of a prepared model: by the observer that is asked for, or by the better of two. */
import { calibrate } from "../../quantize/calibrate.ts";
import { chooseObserver, type ObserverTrial } from "../../quantize/methods/choose_observer.ts";
import type { PreparedModel } from "../../quantize/prepare.ts";
import type { ObserverName } from "../../src/quant/mod.ts";
import { calibrationBatches, type CalibrationData } from "./data.ts";
import type { PtqJob } from "./job.ts";
import { AUTO } from "../ptq_options.ts";
import { CANDIDATES, observerOf, observersByQuantizer } from "./observers.ts";

/** What ranges are found on. */
export interface FindingRanges {
  readonly job: PtqJob;
  readonly calibration: CalibrationData;
  /** Samples at the most, or a few more. Default: all. */
  readonly most?: number;
  /** Told how far it is. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** What found them. */
export interface FoundRanges {
  /** Of all layers for which no rule names another. */
  readonly observer: ObserverName;
  /** What was tried, the one taken first; empty where there was nothing to choose. */
  readonly trials: readonly ObserverTrial[];
}

/** Finds the ranges of all activations. */
export async function findRanges(
  prepared: PreparedModel,
  { job, calibration, most, onProgress }: FindingRanges,
): Promise<FoundRanges> {
  const { signal } = job.events;
  const walk = { signal, ...(most === undefined ? {} : { most }) };
  const batches = () => calibrationBatches(calibration, walk);
  const telling = onProgress === undefined ? {} : { onProgress };
  const { symmetric } = job.options;
  const by = (observer: ObserverName) => observersByQuantizer(prepared, { options: { observer } });
  if (job.options.observer !== AUTO) {
    const observer = observerOf(job);
    const told = calibrationBatches(calibration, { ...walk, ...telling });
    await calibrate(prepared.model, told, { symmetric, observer: by(observer) });
    return { observer, trials: [] };
  }
  const trials = await chooseObserver(prepared.model, batches, {
    symmetric,
    ...telling,
    candidates: CANDIDATES,
    observerOf: (quantizer, candidate) => by(candidate)(quantizer),
    samples: Math.min(most ?? Infinity, calibration.set.count),
    ...(signal === undefined ? {} : { signal }),
  });
  return { observer: trials[0].observer, trials };
}
