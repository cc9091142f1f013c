/** The samples of quantization without training: those that ranges are found on, and those that models are judged by. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { batches } from "../../data/batches.ts";
import { describeNormalize, type Normalize, parseNormalize } from "../../data/normalize.ts";
import { describeSkipped, openData, type OpenedData, placeOf } from "../../data/open.ts";
import { type SampleSet, selectSamples } from "../../data/samples.ts";
import type { NamedBatch } from "../../quantize/calibrate.ts";
import { handleEvents } from "../../src/events.ts";
import { Random } from "../../src/numbers/random.ts";
import { countOf } from "../../src/text/plain.ts";
import { taskRow } from "../../tasks/mod.ts";
import {
  checkInputs,
  columnsOf,
  dataOf,
  type DataSettings,
  evaluationBatch,
  hasImages,
  type JobData,
  refuseForRows,
} from "../_data.ts";
import { imageShapeOf, noteAnchors } from "../_model.ts";
import { LEAST_SAMPLES } from "../_number_rules.ts";
import { cacheOf } from "../_samples.ts";
import { checkOutputs, checkTargets, dealTargets } from "../_task.ts";
import { DUMMY, type PtqJobOptions } from "../ptq_options.ts";
import { dummySamples } from "./dummy.ts";

/** Samples that ranges are found on. */
export interface CalibrationData {
  /** As `--calibrate` names it. */
  readonly name: string;
  /** Whether they are random numbers. */
  readonly isDummy: boolean;
  readonly set: SampleSet;
  readonly normalize: Normalize;
}

/** The samples of a job. */
export interface PtqData {
  /** Its `test` samples judge the models; without targets they have no tasks. */
  readonly judged: JobData;
  /** What the judged samples are. */
  readonly of: "test" | "calibration" | "random";
  /** Absent where nothing is calibrated. */
  readonly calibration?: CalibrationData;
}

/** What samples are opened for. */
interface Opening {
  readonly model: tfl.LayersModel;
  readonly options: PtqJobOptions;
  readonly log: (line: string) => void;
}

/** Samples that a file is judged by where neither data nor calibration is named. */
const RANDOM_SAMPLES = 64;

/** Calibration samples that a file is judged by at the most: noise needs fewer than ranges do. */
const JUDGED_SAMPLES = 128;

/**
 * Opens the samples of a job and checks that they fit the model.
 *
 * @throws {RangeError} If there are too few to calibrate on, or files are damaged.
 * @throws {TypeError} If they do not fit the model.
 */
export async function openPtqData(opening: Opening): Promise<PtqData> {
  const { model, options, log } = opening;
  const own = options.data === undefined ? undefined : await openSpec(options.data, opening, { isJudged: true });
  const calibration = options.calibrate === undefined ? undefined : await openCalibration(opening, own);
  if (own !== undefined) {
    checkTargets(own, options, options.model);
    await noteAnchors(model, options, own.train.targets);
    const judged = dataOf(
      dealTargets(own, model, { task: options.task, name: options.model }),
      model,
      settingsOf(options),
    );
    checkInputs(model, judged, options.model);
    checkOutputs(model, { options, data: judged, name: options.model });
    log(`Data "${judged.name}": ${judged.test.count} ${unitOf(judged)} to judge by.`);
    if (hasImages(judged)) log(`Images go in ${describeNormalize(judged.normalize)}.`);
    return { judged, of: "test", ...(calibration === undefined ? {} : { calibration }) };
  }
  const shown = calibration ?? dummyOf(opening, Math.min(RANDOM_SAMPLES, options.samples));
  const { name, normalize } = shown;
  refuseForRows({ train: shown.set }, settingsOf(options));
  const set = firstOf(shown.set, JUDGED_SAMPLES);
  if (!shown.isDummy && hasImages({ train: set })) log(`Images go in ${describeNormalize(normalize)}.`);
  return {
    judged: {
      name,
      train: set,
      test: set,
      normalize,
      scalings: {},
      augment: { flip: false, pad: 0 },
      batchSize: 1,
      seed: options.seed,
    },
    of: shown.isDummy ? "random" : "calibration",
    ...(calibration === undefined ? {} : { calibration }),
  };
}

/** How calibration samples are walked over. */
interface Walk {
  /** Ends the walk. */
  readonly signal: AbortSignal | undefined;
  /** Samples at the most, or a few more: a batch stays whole. Default: all. */
  readonly most?: number;
  /** Told when a batch has been used. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** Batches of the calibration samples, always the same. */
export async function* calibrationBatches(
  { set, normalize }: CalibrationData,
  { signal, most = set.count, onProgress }: Walk,
): AsyncGenerator<NamedBatch> {
  const batchSize = Math.min(CALIBRATION_BATCH, evaluationBatch(set));
  let done = 0;
  for (const batch of batches(set, { batchSize, normalize })) {
    if (done >= most) return;
    await handleEvents();
    signal?.throwIfAborted();
    yield batch;
    done += batch.size;
    onProgress?.(done, Math.min(most, set.count));
  }
}

/** Samples of a batch; what a step keeps in memory grows with it. */
const CALIBRATION_BATCH = 32;

async function openCalibration(opening: Opening, own: OpenedData | undefined): Promise<CalibrationData> {
  const { model, options, log } = opening;
  const { calibrate = DUMMY, samples, seed } = options;
  if (calibrate === DUMMY) {
    log(
      `Warning: --calibrate ${DUMMY}: ranges are found on random numbers. They say nothing of real samples, and the file ` +
        "will answer worse; a hundred real samples do.",
    );
    return dummyOf(opening, samples, own);
  }
  const place = own === undefined ? undefined : await placeOf(options.data!);
  const { name, path } = await placeOf(calibrate);
  const isShared = path === place?.path;
  const opened = isShared && name === place?.name && own !== undefined
    ? own
    : await openSpec(calibrate, opening, { isJudged: false, isShared: isShared && path !== "" });
  const data = dataOf({ ...opened, train: unjudged(opened.train), test: unjudged(opened.test) }, model, {
    ...settingsOf(options),
    model: options.model,
  });
  checkInputs(model, data, options.model);
  const set = draw(data.train, samples, seed);
  if (set.count < LEAST_SAMPLES) {
    throw new RangeError(
      `Cannot calibrate "${options.model}" on "${calibrate}": it has ${
        countOf(set.count, "sample")
      } to learn from, at least ` +
        `${LEAST_SAMPLES} are needed, and a hundred are better`,
    );
  }
  const fewer = set.count < samples ? `, all that there are to learn from` : "";
  log(`Ranges are found on ${countOf(set.count, "sample")} of "${calibrate}"${fewer}.`);
  return { name: calibrate, isDummy: false, set, normalize: data.normalize };
}

/** What samples are for. */
interface Purpose {
  readonly isJudged: boolean;
  /** Whether samples to judge by lie in the same place. */
  readonly isShared?: boolean;
}

async function openSpec(
  spec: string,
  { model, options, log }: Opening,
  { isJudged, isShared = false }: Purpose,
): Promise<OpenedData> {
  const { seed, skipBadImages, task, limit, samples } = options;
  const shape = imageShapeOf(model);
  const most = isJudged ? limit : Math.min(samples, limit ?? Infinity);
  const opened = await openData(spec, {
    seed,
    skipBadImages,
    targets: taskRow(task).targets,
    // Where the same folder is to judge by, those samples are not for calibration.
    unlabelled: !isJudged && !isShared,
    ...(shape === undefined ? {} : { shape }),
    ...columnsOf(options),
    ...(most === undefined ? {} : { limit: most }),
    // To learn from, no more pictures are decoded than ranges are found on: there may be a million.
    learnLimit: samples,
    ...cacheOf(options, { log }),
  });
  for (const line of [...describeSkipped(opened.skipped), ...opened.notes]) log(line);
  return opened;
}

/** Random samples, as large as the data's own pixels are where there is data. */
function dummyOf({ model, options }: Opening, count: number, own?: OpenedData): CalibrationData {
  const { normalize, seed } = options;
  return {
    name: DUMMY,
    isDummy: true,
    set: dummySamples(model, { count, seed }),
    normalize: normalize === undefined ? own?.normalize ?? parseNormalize("-1..1") : parseNormalize(normalize),
  };
}

/** A set that nothing is judged by. */
function unjudged(set: SampleSet): SampleSet {
  return { ...set, targets: {} };
}

/** Draws samples: those of a source may stand in any order. */
function draw(set: SampleSet, most: number, seed: number): SampleSet {
  const order = new Random(seed, [CALIBRATION_STREAM]).shuffle(Array.from({ length: set.count }, (_, i) => i));
  return selectSamples(set, { indices: order.slice(0, most), name: set.name });
}

function firstOf(set: SampleSet, most: number): SampleSet {
  if (set.count <= most) return set;
  return selectSamples(set, { indices: Array.from({ length: most }, (_, i) => i), name: set.name });
}

/** Of the seed's streams of random numbers, the one that calibration samples are drawn by. */
const CALIBRATION_STREAM = 11;

function settingsOf({ model, normalize, seed, input, inputLayout }: PtqJobOptions): DataSettings {
  return { model, seed, input, inputLayout, batchSize: 1, ...(normalize === undefined ? {} : { normalize }) };
}

function unitOf({ test }: JobData): string {
  return hasImages({ train: test }) ? "images" : "samples";
}
