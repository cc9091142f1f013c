/** The samples of a job that trains, and judging at another size of images than it trained at. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { ImageShape } from "../data/dataset.ts";
import { openData, type OpenedData, type OpenOptions } from "../data/open.ts";
import { setQatPhase } from "../src/quant/mod.ts";
import { fixInputShape } from "../src/rewrite/mod.ts";
import { taskRow } from "../tasks/mod.ts";
import { columnsOf, dataOf, hasImages } from "./_data.ts";
import { checkCells } from "./_cells.ts";
import type { JobStart, TrainingJob } from "./_job.ts";
import { squareOf } from "./_model.ts";
import { dealTargets } from "./_task.ts";
import { withValidation } from "./_validation.ts";
import type { JobOptions } from "./options.ts";
import type { DataOptions } from "./shared_options.ts";

/** What samples are to be, and where they may lie. */
interface SamplesPlace extends Pick<TrainingJob, "run" | "log"> {
  /** Of the images; absent: what suits the data. */
  readonly shape: ImageShape | undefined;
}

/**
 * Opens the data of a job, some of it put aside for validation.
 *
 * @param place Of which shape the images are to be, and where they are kept that are too many for memory.
 */
export async function openSamples(options: JobOptions, { shape, ...place }: SamplesPlace): Promise<OpenedData> {
  const { seed, skipBadImages, limit, task } = options;
  const read = await openData(options.data, {
    seed,
    skipBadImages,
    targets: taskRow(task).targets,
    ...(shape === undefined ? {} : { shape }),
    ...columnsOf(options),
    ...(limit === undefined ? {} : { limit }),
    ...(place.run === undefined ? { learnLimit: UNTRAINED } : {}),
    ...cacheOf(options, place),
  });
  return withValidation(read, options);
}

/** Pictures to learn from that are decoded where nothing is trained after all: in dry runs, and to look at layers. */
const UNTRAINED = 512;

/** Bytes of a part's pictures from which on they are no longer held in memory. */
const MOST_IN_MEMORY = 2 ** 31;

/** Where pictures are kept that are too many for memory. */
export function cacheOf(
  { cache }: Pick<DataOptions, "cache">,
  { run, log }: Pick<TrainingJob, "run" | "log">,
): Pick<OpenOptions, "cache"> {
  const dir = cache ?? run?.cacheDir;
  if (dir === undefined) return {};
  return { cache: { dir, above: cache === undefined ? MOST_IN_MEMORY : 0, onUse: log } };
}

/**
 * Checks that a model that is trained at one size can be judged at that of `--eval-size`.
 *
 * @throws {RangeError} If it cannot.
 */
export function checkEvalSize(
  model: tfl.LayersModel,
  { options: { evalSize, task }, data, name }: Pick<TrainingJob, "options" | "data"> & { readonly name: string },
): void {
  if (evalSize === undefined) return;
  const cannot = `Cannot use --eval-size ${evalSize} with "${name}"`;
  if (!hasImages(data)) throw new RangeError(`${cannot}: it is for images, "${data.name}" has none`);
  checkCells(model, { task, sides: [evalSize, evalSize], cannot });
  try {
    twinOf(model, evalSize).dispose();
  } catch (cause) {
    const because = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new RangeError(`${cannot}: its layers do not fit together at that size (${because})`, { cause });
  }
}

/** What is judged, at the size of `--eval-size`: the same models and samples where that is the size of training. */
export async function atEvalSize(
  start: JobStart,
  job: TrainingJob,
): Promise<{ readonly start: JobStart; readonly job: TrainingJob }> {
  const { options, data } = job;
  const { evalSize } = options;
  const [, height, width] = start.prepared.model.inputs[0].shape;
  if (evalSize === undefined || (height === evalSize && width === evalSize)) return { start, job };
  const model = twinOf(start.prepared.model, evalSize);
  const float = start.float.map((kept) => {
    const twin = twinOf(kept.model, evalSize);
    kept.model.dispose();
    return { ...kept, model: twin };
  });
  const opened = await openSamples(options, { ...job, shape: squareOf(evalSize) });
  const dealt = dealTargets(opened, model, { ...options, name: data.name });
  return {
    start: { ...start, prepared: { ...start.prepared, model }, float },
    job: { ...job, data: { ...dataOf(dealt, model, options), normalize: data.normalize } },
  };
}

/** Returns the model for square images of another side, with copies of its weights, as it is evaluated. */
function twinOf(model: tfl.LayersModel, side: number): tfl.LayersModel {
  const [, , , channels] = model.inputs[0].shape;
  const twin = fixInputShape(model, [side, side, Number(channels)]);
  setQatPhase(twin, { observing: false, fakeQuantizing: true, trainingBatchNorm: false });
  return twin;
}
