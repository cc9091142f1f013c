/** The main job: a TF.js model in, a proven int8 ONNX file and a report out. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { parseNormalize } from "../data/normalize.ts";
import { openData } from "../data/open.ts";
import type { Report } from "../export/report/report.ts";
import { predictAll, validate } from "../export/validate.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { ensureWritableDirectory } from "../src/io/atomic.ts";
import { FakeQuantize } from "../src/quant/mod.ts";
import { formatRewrite, parseSwap, qatRules, rewriteModel } from "../src/rewrite/mod.ts";
import { calibrate } from "../train/calibrate.ts";
import { evaluate } from "../train/evaluate.ts";
import { type EpochInfo, fit, type History, type StepInfo } from "../train/fit.ts";
import { accuracy } from "../train/metrics.ts";
import { cosineRate, optimizerFor } from "../train/optimizers.ts";
import { type PreparedModel, prepareQat } from "../train/prepare.ts";
import { qatSchedule } from "../train/schedule.ts";
import { type JobData, stepsPerEpoch, testBatches, trainingBatches } from "./_data.ts";
import { buildModel, checkClasses, imageShapeOf, loadModel } from "./_model.ts";
import { buildReport } from "./_report.ts";
import { writeOutputs } from "./_files.ts";
import { type QatOptions, type ResolvedOptions, resolveOptions } from "./options.ts";

/** What is told while the job runs. */
export interface JobEvents {
  /** A line of text: what is done, what came out. */
  readonly log?: (line: string) => void;
  /** A training phase begins. */
  readonly onPhase?: (
    phase: { readonly name: string; readonly epochs: number; readonly stepsPerEpoch: number },
  ) => void;
  readonly onStep?: (step: StepInfo) => void;
  /** An epoch ended; accuracies are there in quantization-aware training. */
  readonly onEpoch?: (epoch: EpochInfo & { readonly simulated?: number; readonly deployed?: number }) => void;
  /** The training phase ended. */
  readonly onPhaseEnd?: () => void;
}

/** An epoch of quantization-aware training, with the accuracies after it. */
export interface QatEpoch extends EpochInfo {
  readonly simulated: number;
  readonly deployed: number;
}

/** Float accuracies on the way to quantization. */
export interface FloatAccuracies {
  readonly original: number;
  readonly swapped?: number;
  readonly adapted?: number;
}

/**
 * Does the whole job: load or train, rewrite, prepare, train with fake quantization, export, validate, report.
 *
 * Writes model.int8.onnx, model.float.onnx, qat/model.json with its weights, report.json and report.html into
 * `options.out`, all at the end and each as a whole.
 *
 * @returns The report, as written to report.json.
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} If model and data do not fit together.
 */
export async function runQat(options: QatOptions = {}, events: JobEvents = {}): Promise<Report> {
  const resolved = resolveOptions(options);
  const log = events.log ?? (() => {});
  ensureWritableDirectory(resolved.out);
  await registerBackend(resolved.threads === undefined ? {} : { threads: resolved.threads });
  const { model: original, data } = await openModelAndData(resolved, log);
  const job: Job = { options: resolved, events, log, data };
  const float = await floatModel(original, job);
  const prepared = prepare(float.model, job);
  const { history, epochs } = await trainQat(prepared, job);
  log("Exporting and validating in ONNX Runtime …");
  const exported = { opset: resolved.opset, inputLayout: resolved.inputLayout };
  const int8 = await toOnnx(prepared.model, exported);
  const floatOnnx = await toOnnx(prepared.model, { ...exported, precision: "float32" });
  const simulated = await evaluate(prepared.model, testBatches(data), { metric: accuracy });
  const grid = outputGrid(prepared.model);
  const validation = validate({
    int8,
    float: floatOnnx,
    batches: samples(job),
    simulated: { values: simulated.outputs, width: simulated.values },
    ...(grid === undefined ? {} : { grid }),
    latency: resolved.threads === undefined ? {} : { threads: resolved.threads },
  });
  const report = buildReport({
    options: resolved,
    data,
    prepared,
    history,
    epochs,
    float: float.accuracies,
    simulated: simulated.score,
    validation,
    rewrites: float.rewrites,
  });
  await writeOutputs(resolved.out, { int8: int8.bytes, float: floatOnnx.bytes, model: prepared.model, report });
  return report;
}

/** What every step of the job needs. */
interface Job {
  readonly options: ResolvedOptions;
  readonly events: JobEvents;
  readonly log: (line: string) => void;
  readonly data: JobData;
}

/** What `--augment` and `--no-augment` mean. */
const AUGMENT = { true: { flip: true, pad: 4 }, false: { flip: false, pad: 0 } } as const;

async function openModelAndData(options: ResolvedOptions, log: (line: string) => void) {
  const loaded = options.model === undefined ? undefined : await loadModel(options.model, log);
  const name = options.model ?? options.arch;
  const shape = loaded === undefined ? undefined : imageShapeOf(loaded, name);
  const opened = await openData(options.data, {
    seed: options.seed,
    skipBadImages: options.skipBadImages,
    ...(shape === undefined ? {} : { shape }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  });
  const { train, test } = opened;
  for (const { file, because } of opened.skipped) log(`Left out ${file}: ${because}`);
  const model = loaded ?? buildModel(options, opened);
  checkClasses(model, train, name);
  log(`Model "${name}", ${model.countParams().toLocaleString("en")} parameters.`);
  log(`Data "${opened.name}": ${train.count} images to train on, ${test.count} to judge by.`);
  const data: JobData = {
    name: opened.name,
    train,
    test,
    normalize: options.normalize === undefined ? opened.normalize : parseNormalize(options.normalize),
    augment: options.augment === undefined ? opened.augment : AUGMENT[`${options.augment}`],
    batchSize: options.batchSize,
    seed: options.seed,
  };
  return { model, data };
}

/** Trains the float model where asked to, swaps its activations, and adapts it to them. */
async function floatModel(original: tfl.LayersModel, job: Job) {
  const { options, log } = job;
  if (options.model === undefined && options.floatEpochs > 0) {
    await trainFloat(original, { job, name: "float", epochs: options.floatEpochs });
  }
  const first = await score(original, job);
  log(`Float accuracy: ${percent(first)}.`);
  const swaps = options.swap === "none" ? [] : [parseSwap(options.swap)];
  const { model, log: rewrites } = rewriteModel(original, qatRules(swaps));
  for (const entry of rewrites) log(`  ${formatRewrite(entry)}`);
  const isSwapped = rewrites.some(({ rule, ok }) => ok && rule.includes(":"));
  const epochs = options.model === undefined ? (isSwapped ? options.adaptEpochs : 0) : options.floatEpochs;
  const swapped = isSwapped ? await score(model, job) : undefined;
  if (swapped !== undefined) log(`After the swap: ${percent(swapped)}.`);
  if (epochs > 0) await trainFloat(model, { job, name: "adapt", epochs });
  const adapted = epochs > 0 ? await score(model, job) : undefined;
  if (adapted !== undefined) log(`After ${epochs} epochs of adaptation: ${percent(adapted)}.`);
  const accuracies: FloatAccuracies = {
    original: first,
    ...(swapped === undefined ? {} : { swapped }),
    ...(adapted === undefined ? {} : { adapted }),
  };
  return { model, accuracies, rewrites };
}

interface FloatTraining {
  readonly job: Job;
  readonly name: string;
  readonly epochs: number;
}

async function trainFloat(model: tfl.LayersModel, { job, name, epochs }: FloatTraining): Promise<History> {
  const { options, events, data } = job;
  const optimizer = optimizerFor(options.optimizer, { learningRate: options.floatLr });
  events.onPhase?.({ name, epochs, stepsPerEpoch: stepsPerEpoch(data) });
  try {
    return await fit(model, {
      train: (epoch) => trainingBatches(data, epoch),
      epochs,
      stepsPerEpoch: stepsPerEpoch(data),
      optimizer,
      learningRate: cosineRate(options.floatLr, { epochs }),
      seed: options.seed,
      ...(events.onStep === undefined ? {} : { onStep: events.onStep }),
      onEpochEnd: (info) => events.onEpoch?.(info),
    });
  } finally {
    events.onPhaseEnd?.();
    optimizer.dispose();
  }
}

function prepare(model: tfl.LayersModel, { options, log }: Job): PreparedModel {
  const prepared = prepareQat(model, { perChannel: options.perChannel, keepFloat: options.keepFloat, swap: [] });
  for (const { layer, because } of prepared.islands) log(`  ${layer} stays in float: ${because}`);
  return prepared;
}

/** Batches that ranges are set from before training starts. */
const CALIBRATION_BATCHES = 4;

async function trainQat(prepared: PreparedModel, job: Job) {
  const { options, events, data } = job;
  await calibrate(prepared.model, calibrationBatches(prepared.model, data));
  const steps = stepsPerEpoch(data);
  const optimizer = optimizerFor(options.optimizer, { learningRate: options.lr });
  const epochs: QatEpoch[] = [];
  events.onPhase?.({ name: "qat", epochs: options.epochs, stepsPerEpoch: steps });
  try {
    const history = await fit(prepared.model, {
      // Other orders and changes than those of the float epochs.
      train: (epoch) => trainingBatches(data, options.floatEpochs + options.adaptEpochs + epoch),
      epochs: options.epochs,
      stepsPerEpoch: steps,
      optimizer,
      learningRate: cosineRate(options.lr, { epochs: options.epochs }),
      schedule: qatSchedule({
        freezeObserversAfter: options.freezeObserversAfter,
        freezeBatchNormAfter: options.freezeBnAfter,
      }),
      seed: options.seed,
      ...(events.onStep === undefined ? {} : { onStep: events.onStep }),
      onEpochEnd: async (info) => {
        const epoch = { ...info, ...await judge(prepared.model, job) };
        epochs.push(epoch);
        events.onEpoch?.(epoch);
        return epoch.deployed;
      },
    });
    return { history, epochs };
  } finally {
    events.onPhaseEnd?.();
    optimizer.dispose();
  }
}

function* calibrationBatches(model: tfl.LayersModel, data: JobData): Iterable<tf.Tensor> {
  let count = 0;
  for (const { x, size } of trainingBatches(data, 0)) {
    if (count++ === CALIBRATION_BATCHES) return;
    const [, ...sample] = model.inputs[0].shape;
    const batch = tf.tensor(x, [size, ...sample.map((dim, i) => dim ?? [data.train.height, data.train.width][i])]);
    yield batch;
    batch.dispose();
  }
}

/** Accuracy of the model as simulated, and of its int8 file in ONNX Runtime. */
async function judge(model: tfl.LayersModel, job: Job): Promise<{ simulated: number; deployed: number }> {
  const { inputLayout, opset, threads } = job.options;
  const simulated = await score(model, job);
  const { bytes } = await toOnnx(model, { inputLayout, opset });
  const { values, width } = predictAll(bytes, samples(job), threads);
  const deployed = accuracy.measure({ outputs: values, values: width, labels: job.data.test.labels });
  return { simulated, deployed };
}

async function score(model: tfl.LayersModel, { data }: Job): Promise<number> {
  return (await evaluate(model, testBatches(data), { metric: accuracy })).score;
}

/** Test images in the layout of the exported file. */
function* samples({ data, options }: Job): Iterable<Float32Array> {
  for (const { x, size } of testBatches(data)) yield options.inputLayout === "nchw" ? toNchw(x, size, data.test) : x;
}

function toNchw(x: Float32Array, size: number, { height, width, channels }: JobData["test"]): Float32Array {
  return tf.tidy(() => tf.transpose(tf.tensor(x, [size, height, width, channels]), [0, 3, 1, 2]).dataSync<"float32">());
}

/** The grid of the model's output, if it is quantized. */
function outputGrid(model: tfl.LayersModel): { scale: number; zeroPoint: number } | undefined {
  const layer = model.getLayer(model.outputNames[0]);
  return layer instanceof FakeQuantize ? layer.readGrid() : undefined;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
