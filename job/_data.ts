/** The data of a job, made to fit the model. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { augmentFor } from "../data/geometry/augment.ts";
import { type Augment, type Batch, batches, batchesAhead, type BatchOptions, countBatches } from "../data/batches.ts";
import { StoredPixels } from "../data/cache/stored_pixels.ts";
import { type Normalize, parseNormalize } from "../data/normalize.ts";
import type { OpenedData, OpenOptions } from "../data/open.ts";
import { inputShape, type SampleSet } from "../data/samples.ts";
import { fillEnds, readScalings, scaleRows, type Scalings, scalingsOf } from "../data/standardize.ts";
import { inputShapesOf, outputNames } from "../models/ports.ts";
import type { ResolvedOptions } from "./options.ts";

/** Samples to train on and to judge by, with how they go into the model. */
export interface JobData {
  readonly name: string;
  /** Its targets are in the order of the model's outputs. */
  readonly train: SampleSet;
  /** Samples that the best epoch is chosen by; absent: the last epoch is taken. */
  readonly validation?: SampleSet;
  /** Samples that all models are judged by, once, at the end. */
  readonly test: SampleSet;
  readonly normalize: Normalize;
  /** What was done to rows of numbers, by input. */
  readonly scalings: Scalings;
  readonly augment: Augment;
  readonly batchSize: number;
  readonly seed: number;
  /** How much each class counts in the loss; absent: all alike. */
  readonly classWeights?: readonly number[];
}

/** The options of what is done to the data. */
export type DataSettings =
  & Pick<ResolvedOptions, "model" | "normalize" | "augment" | "batchSize" | "seed" | "input" | "inputSize">
  & Partial<Pick<ResolvedOptions, "inputLayout">>;

/** What `--augment` means where targets do not lie in the picture, and what `--no-augment` does. */
const FLIP_AND_SHIFT: Augment = { flip: true, pad: 4 };
const NONE: Augment = { flip: false, pad: 0 };

/** Which columns of a table are what, as `openData` takes it. */
export function columnsOf(
  { targets, sequenceColumn: column, sequenceLength: length }: Pick<
    ResolvedOptions,
    "targets" | "sequenceColumn" | "sequenceLength"
  >,
): Pick<OpenOptions, "columns" | "sequence"> {
  const sequence = { ...(column === undefined ? {} : { column }), ...(length === undefined ? {} : { length }) };
  return {
    ...(targets === undefined ? {} : { columns: targets }),
    ...(Object.keys(sequence).length === 0 ? {} : { sequence }),
  };
}

/** Where scalings lie among a model's metadata. */
const SCALINGS = "scalings";

/**
 * Prepares opened data for `model`. Rows are standardized for a model that is built here, and again as they were then
 * when it goes on; any other expects them as they are.
 *
 * @throws {TypeError} If the model was trained on other columns.
 */
export function dataOf(opened: OpenedData, model: tfl.LayersModel, options: DataSettings): JobData {
  refuseForRows(opened, options);
  const saved = Object(model.getUserDefinedMetadata())[SCALINGS];
  const scalings = options.model === undefined
    ? scalingsOf(opened.train)
    : saved === undefined
    ? {}
    : readScalings(saved, opened.train);
  const { name, train, validation, test, ...own } = fillEnds(scaleRows(opened, scalings), paddingOf(model));
  return {
    name,
    train,
    ...(validation === undefined ? {} : { validation }),
    test,
    normalize: options.normalize === undefined ? own.normalize : parseNormalize(options.normalize),
    scalings,
    augment: options.augment === undefined
      ? own.augment
      : options.augment
      ? augmentFor(train.targets) ?? FLIP_AND_SHIFT
      : NONE,
    batchSize: options.batchSize,
    seed: options.seed,
  };
}

/** The number that a model leaves out where all columns of a row of a sequence have it; of one that leaves none out, 0. */
function paddingOf(model: tfl.LayersModel): number {
  const masking = model.layers.find((layer) => layer.getClassName() === "Masking");
  const { maskValue } = masking?.getConfig() ?? {};
  return typeof maskValue === "number" ? maskValue : 0;
}

/** Whether any input is images. */
export function hasImages({ train }: Pick<JobData, "train">): boolean {
  return Object.values(train.inputs).some(({ kind }) => kind === "pictures");
}

/** @throws {RangeError} If options are for images and there are none. */
export function refuseForRows(
  { train }: Pick<OpenedData, "train">,
  { normalize, augment, input, inputLayout, inputSize }: Omit<DataSettings, "batchSize">,
): void {
  const flags = {
    "--normalize": normalize !== undefined,
    "--augment": augment === true,
    "--input": input === "uint8",
    "--input-layout": inputLayout === "nchw",
    "--input-size": inputSize !== undefined,
  };
  const asked = Object.entries(flags).find(([, isAsked]) => isAsked)?.[0];
  if (asked === undefined || hasImages({ train })) return;
  const [{ kind }] = Object.values(train.inputs);
  const what = kind === "tokens" ? "sequences of tokens" : kind === "series" ? "sequences of rows" : "rows of numbers";
  throw new RangeError(`Cannot use ${asked} with "${train.name}": it is for images, the data are ${what}`);
}

/** Notes in `model` what was done to the rows that it was trained on. */
export function attachScalings(model: tfl.LayersModel, { scalings }: JobData): void {
  if (Object.keys(scalings).length === 0) return;
  model.setUserDefinedMetadata({ ...model.getUserDefinedMetadata(), [SCALINGS]: scalings });
}

/** @throws {TypeError} If the model's inputs are not those of the data. */
export function checkInputs(model: tfl.LayersModel, { train }: JobData, name: string): void {
  const [input, ...others] = Object.values(train.inputs).map(inputShape);
  const own = inputShapesOf(model);
  if (others.length === 0 && own.length === 1 && own[0].join() === input.join()) return;
  const shapes = own.map((shape) => `[?,${shape}]`).join(" and ");
  throw new TypeError(`Cannot feed "${train.name}" to "${name}": its input is ${shapes}, one [?,${input}] is needed`);
}

/** Which epoch of training, counted from 0, and the first without mosaics; absent: there is none. */
export type TrainingEpoch = Required<Pick<BatchOptions, "epoch">> & Pick<BatchOptions, "mosaicUntil">;

/** Steps of one epoch. A last batch that is not full is left out: its other size would be another graph. */
export function stepsPerEpoch(data: JobData): number {
  return countBatches(data.train, trainingOptions(data, { epoch: 0 }));
}

/** Batches of an epoch of training, with targets by the names of the outputs of `model`. */
export function trainingBatches(model: tfl.LayersModel, data: JobData, epoch: TrainingEpoch): Iterable<Batch> {
  return forOutputs(model, batches(data.train, trainingOptions(data, epoch)));
}

/** What models are judged by. */
export type JudgedBy = "validation" | "test";

/** Samples to judge by in their order, with targets by the names of the outputs of `model`. */
export function judgedBatches(
  model: tfl.LayersModel,
  { data, by }: { readonly data: JobData; readonly by: JudgedBy },
): Iterable<Batch> {
  return forOutputs(model, inputBatches(data, by));
}

/** Samples to judge by in their order. */
export function inputBatches(data: JobData, by: JudgedBy): Iterable<Batch> {
  const { [by]: set, normalize } = data;
  return set === undefined ? [] : batches(set, { batchSize: evaluationBatch(set), normalize });
}

/** Evaluation needs no gradients, so larger batches than training's fit in the same memory. */
const EVALUATION_BATCH = 250;

/** Numbers that go into a model at once at the most: 16 MiB of them, and a multiple of that within the model. */
const MOST_NUMBERS = 2 ** 22;

/** Samples that are answered at once. */
export function evaluationBatch({ count, inputs }: SampleSet): number {
  const numbers = Object.values(inputs).reduce((sum, input) => sum + inputShape(input).reduce((a, b) => a * b), 0);
  return Math.max(1, Math.min(EVALUATION_BATCH, count, Math.floor(MOST_NUMBERS / numbers)));
}

/** As `trainingBatches`, to be learned one after another: pictures of files are read ahead. */
export function learnedBatches(
  model: tfl.LayersModel,
  data: JobData,
  epoch: TrainingEpoch,
): Iterable<Batch> | AsyncIterable<Batch> {
  if (storedIn(data.train).length === 0) return trainingBatches(model, data, epoch);
  return forOutputsAhead(model, batchesAhead(data.train, trainingOptions(data, epoch)));
}

/** Closes the files that pictures are read from. */
export function closeData({ train, validation, test }: JobData): void {
  for (const set of [train, validation, test]) for (const pixels of storedIn(set)) pixels.close();
}

function storedIn(set: SampleSet | undefined): readonly StoredPixels[] {
  return Object.values(set?.inputs ?? {}).flatMap((input) =>
    input.kind === "pictures" && input.bytes instanceof StoredPixels ? [input.bytes] : []
  );
}

function* forOutputs(model: tfl.LayersModel, batches: Iterable<Batch>): Generator<Batch> {
  const names = outputNames(model);
  for (const batch of batches) yield renamed(batch, names);
}

async function* forOutputsAhead(model: tfl.LayersModel, batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  const names = outputNames(model);
  for await (const batch of batches) yield renamed(batch, names);
}

/** Preparing a model may rename its outputs: it is their order that stays. */
function renamed({ targets, ...batch }: Batch, names: readonly string[]): Batch {
  return { ...batch, targets: Object.fromEntries(Object.values(targets).map((values, i) => [names[i], values])) };
}

function trainingOptions({ train, normalize, augment, batchSize, seed }: JobData, epoch: TrainingEpoch): BatchOptions {
  return {
    ...epoch,
    batchSize: Math.min(batchSize, train.count),
    normalize,
    shuffle: true,
    seed,
    dropRemainder: true,
    augment,
  };
}
