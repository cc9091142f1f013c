/** The main job: a TF.js model in, a proven int8 ONNX file and a report out. */
import { join } from "node:path";
import type * as tfl from "@tensorflow/tfjs-layers";
import { describeNormalize } from "../data/normalize.ts";
import { describeSkipped, type OpenedData } from "../data/open.ts";
import type { SampleSet } from "../data/samples.ts";
import { type Displayable, displayReport } from "../report/notebook/display.ts";
import type { Report } from "../report/schema.ts";
import { predicting } from "../export/validate.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { formatRewrite } from "../src/rewrite/mod.ts";
import { describeFailure } from "../src/io/errors.ts";
import { readTextWithin } from "../src/io/read.ts";
import { parseJson } from "../src/text/json.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { countOf } from "../src/text/plain.ts";
import { outputPorts } from "../models/ports.ts";
import type { CopiedWeights } from "../models/transfer/mod.ts";
import { bindTasks } from "../tasks/bind.ts";
import { keepingOf } from "../tasks/keeping.ts";
import { readClassWeights } from "../tasks/class_weights.ts";
import { checkGivenSides } from "./_cells.ts";
import { attachScalings, checkInputs, closeData, dataOf, hasImages, type JobData } from "./_data.ts";
import { attachRecord } from "../quantize/record.ts";
import { floatModelOf } from "../quantize/float_model.ts";
import { targetOf } from "../quantize/targets/mod.ts";
import { checkDilations, inTrainingArithmetic, startEngine, warnOfSaturation } from "./_engine.ts";
import { commandOf } from "./_flags.ts";
import { makeFloatModel, trainControls } from "./_float.ts";
import { outputFiles } from "./_files.ts";
import { hashData, hashWeights } from "./_fingerprint.ts";
import {
  answersOf,
  inTurnsOf,
  type Job,
  type JobStart,
  judge,
  judgeAnswers,
  type JudgedStep,
  lineLog,
  logSummary,
  type Proof,
  samples,
  signalOf,
  type TrainingJob,
  writingOf,
} from "./_job.ts";
import type { JobEvents } from "./events.ts";
import { labelsFiles } from "./_labels.ts";
import { filesOf, needing } from "./_outputs.ts";
import { metadataFor } from "./_metadata.ts";
import { archFor, buildModel, imageShapeOf, loadModel, noteAnchors, squareOf } from "./_model.ts";
import { proveInt8, threadsOf } from "./_prove.ts";
import { buildReport, describeEpoch } from "./_report.ts";
import { logUnmatched, prepareFor, readQuantization } from "./_recipe.ts";
import { isPrepared, resume } from "./_resume.ts";
import { openRunFolder } from "./_open_run.ts";
import type { RunFolder } from "./_run_folder.ts";
import { checkOutputs, checkTargets, checkTaskOptions, dealTargets, defaultTaskOf, tasksFor } from "./_task.ts";
import { TrainingRecord } from "./_training_record.ts";
import { atEvalSize, checkEvalSize, openSamples } from "./_samples.ts";
import { type StageResult, trainStage } from "./_stage.ts";
import { settle, withFrozen, withHead, withWeights } from "./_transfer.ts";
import { type JobOptions, type QatOptions, type ResolvedOptions, trainingFor, withMosaics } from "./options.ts";

export { RunError } from "./_run_record.ts";
export type { EpochMetric, EpochMetrics, StageEpoch } from "./_stage_epoch.ts";

/**
 * Does the whole job: load or train, rewrite, prepare, train with fake quantization, export, validate, report.
 *
 * Writes model.int8.onnx, model.float.onnx, model.ort, labels.txt, qat/ and float/model.json and the reports into
 * `options.out`, all at the end and all at once. While it trains, its state is kept there: `resume` goes on from it.
 *
 * @returns The report, as written to report.json; a notebook shows it as the page.
 * @throws {RangeError} If an option is out of range, or data is damaged.
 * @throws {TypeError} If model and data do not fit together.
 * @throws {ModelFileError} If the model's files are damaged.
 * @throws {OutputError} If `options.out` has results already or cannot be written to.
 * @throws {RunError} If there is nothing to resume, or it is damaged.
 *
 * @example
 * ```ts ignore
 * const report = await runQat({ model: "model.json", data: "folder:photos", epochs: 8 }, { log: console.log });
 * console.log(report.metrics);
 * ```
 */
export function runQat(options: QatOptions = {}, events: JobEvents = {}): Promise<Report & Displayable> {
  return inPlainWords(() => doJob(options, events));
}

async function doJob(options: QatOptions, events: JobEvents): Promise<Report & Displayable> {
  const log = lineLog(events);
  const run = openRunFolder(options, log);
  try {
    const report = run.readReport();
    if (report === undefined) return displayReport(await train(run, { events, log }));
    log(
      `The run in "${run.dir}" has ended, this is its report; --model ${
        join(run.dir, "qat")
      } goes on training its model.`,
    );
    return displayReport(report);
  } finally {
    run.close();
  }
}

/** Does the job of a run, from its start or from where it stopped. */
async function train(run: RunFolder, { events, log }: Pick<Job, "events" | "log">): Promise<Report> {
  const resolved = run.options;
  const quantization = await readQuantization(resolved);
  const engine = await startEngine(resolved, log);
  const { original, job: asked } = await open(resolved, { events, log, engine, quantization, run });
  signalOf(asked).signal?.throwIfAborted();
  run.identify({ data: hashData(asked.data), model: hashWeights(original) });
  log("Before:");
  logSummary(original, asked);
  const record = recordFor(original, asked);
  const recorded = { ...asked, record };
  const begun = isPrepared(original) ? resume(original, recorded) : await begin(original, recorded);
  const { model } = begun.prepared;
  // A model that was prepared before has a target already.
  const job = { ...recorded, quantization: { ...quantization, target: targetOf(begun.prepared.target) } };
  warnOfSaturation({ precise: resolved.precise, target: job.quantization.target }, log);
  job.log("Prepared for quantization-aware training:");
  logSummary(model, job);
  const training = await trainStage(job, { name: "qat", model, epochs: job.options.epochs });
  const start = { ...begun, float: [...begun.float, ...await controlsAfter(begun, { job, training })] };
  if (job.quantization.target.file !== undefined) job.log("Exporting, and validating in ONNX Runtime …");
  const judged = await atEvalSize(start, job);
  const proof = await prove(judged.start, { job: judged.job, training });
  const report = await buildReport({ ...judged, training, proof, command: commandOf(run.asked) });
  if (judged.start !== start) judged.start.prepared.model.dispose();
  attachRecord(model, {
    ...start.prepared,
    rewrites: [...start.rewrites, ...start.prepared.rewrites],
    task: proof.simulated.task.name,
  });
  attachScalings(model, job.data);
  const written = await writeAll(run, { model, report, proof, job });
  model.dispose();
  closeData(job.data);
  return written;
}

/** What is told of the epochs of a run while they go by. */
function recordFor(model: tfl.LayersModel, { options, data, run, log }: TrainingJob): TrainingRecord | undefined {
  if (run === undefined) return undefined;
  const task = bindTasks({ task: tasksFor(model, options, data) }, { outputs: outputPorts(model), model: model.name });
  const onFailure = (because: string) => log(`Warning: the epochs are not told of until the end: ${because}.`);
  return new TrainingRecord({ dir: run.logDir, onFailure }, task);
}

/** Trains the controls where patience decides for how long the training took that they are a control of. */
async function controlsAfter(
  { float }: JobStart,
  { job, training }: { readonly job: TrainingJob; readonly training: StageResult },
): Promise<JobStart["float"]> {
  return job.options.patience === undefined ? [] : await trainControls(float, job, training.epochs.length);
}

interface Results {
  readonly model: tfl.LayersModel;
  readonly report: Report;
  readonly proof: Proof;
  readonly job: TrainingJob;
}

/** Writes the results into the job's folder. */
async function writeAll(run: RunFolder, { model, report, proof, job }: Results): Promise<Report> {
  const floatModel = floatModelOf(model);
  attachScalings(floatModel.model, job.data);
  if (floatModel.ownLayers.length > 0) job.log(`float/model.json is for TF.js${needing(floatModel)}.`);
  const labels = labelsFiles(proof.simulated.task);
  try {
    const record = job.record?.files() ?? [];
    const outputs = outputFiles(await filesOf({ ...proof.files, labels, model, floatModel, record }), report);
    run.end(outputs.files);
    return outputs.report;
  } finally {
    floatModel.model.dispose();
  }
}

/**
 * Opens the model and the data of a job, and checks that they fit.
 *
 * @param use `trains`: whether anything is trained, or would be; if not, nothing is said of how. Default true.
 */
export async function open(
  resolved: ResolvedOptions,
  given: Omit<TrainingJob, "options" | "data">,
  { trains = true }: { readonly trains?: boolean } = {},
): Promise<{ original: tfl.LayersModel; job: TrainingJob }> {
  const { log } = given;
  const { model, inputSize } = resolved;
  const loaded = model === undefined ? undefined : await loadModel(model, { ...resolved, log });
  if (loaded !== undefined) checkDilations(loaded, given.engine.backend);
  const task = resolved.task ?? defaultTaskOf(loaded);
  // A model that was prepared before says its task, and with it how it is trained where nothing else is said.
  const usual = resolved.task === undefined && given.run !== undefined ? trainingFor(task, given.run.asked) : {};
  const options = withMosaics({ ...resolved, ...usual, task });
  checkTaskOptions(options);
  if (loaded !== undefined) checkGivenSides(loaded, options);
  const shape = loaded === undefined ? squareOf(inputSize) : imageShapeOf(loaded);
  const opened = await openSamples(options, { shape, ...given });
  const name = options.model ?? archFor(options, opened);
  checkTargets(opened, options, name);
  if (loaded !== undefined) await noteAnchors(loaded, options, opened.train.targets);
  const { model: made, idle } = await makeModel(loaded, { options, opened, log });
  const data = await weighing(dataOf(dealTargets(opened, made, { ...options, name }), made, options), options);
  settle(made, idle, data, log);
  const original = withFrozen(made, options, log);
  checkInputs(original, data, name);
  checkOutputs(original, { options, data, name });
  checkEvalSize(original, { options, data, name });
  for (const line of [...describeSkipped(opened.skipped), ...opened.notes]) log(line);
  if (trains && options.augment === true && mayStayBehind(data.train)) log(AUGMENT_WARNING);
  log(`Model "${name}", ${original.countParams().toLocaleString("en")} parameters.`);
  log(`Data "${data.name}": ${trains ? describeParts(data) : describeJudged(data)}.`);
  if (hasImages(data)) log(`Images go in ${describeNormalize(data.normalize)}.`);
  if (trains && options.ema > 0 && !hasFloatTraining(options)) log(IDLE_AVERAGE);
  if (trains && options.batchSize > data.train.count) {
    log(
      `Warning: --batch-size ${options.batchSize} is more than there are to train on, ${
        countOf(data.train.count, "is", "are")
      } used.`,
    );
  }
  return { original, job: { ...given, options, data } };
}

/** Builds the model of a job with the weights that it is to begin with, or gives the one that was loaded its head. */
async function makeModel(
  loaded: tfl.LayersModel | undefined,
  { options, opened, log }: {
    readonly options: JobOptions;
    readonly opened: OpenedData;
    readonly log: (line: string) => void;
  },
): Promise<Pick<CopiedWeights, "model" | "idle">> {
  if (loaded === undefined) return await withWeights(await buildModel(options, opened), options, log);
  const [target] = Object.values(opened.train.targets);
  return { model: withHead(loaded, { options, target, log }), idle: [] };
}

/** Whether targets may say where something is, and nobody knows it. */
function mayStayBehind({ targets }: SampleSet): boolean {
  return Object.values(targets).some(({ kind }) => kind === "reals" || kind === "flags");
}

/** Adds weights for the loss, where they are asked for. */
async function weighing(data: JobData, { classWeights: asked, task }: JobOptions): Promise<JobData> {
  if (asked === undefined) return data;
  const [target] = Object.values(data.train.targets);
  return { ...data, classWeights: await readClassWeights(asked, { target, task, readFile: readSmallJson }) };
}

/** A file of a number a name is no larger. */
const MOST_BYTES = 2 ** 24;

async function readSmallJson(path: string): Promise<unknown> {
  try {
    return parseJson(await readTextWithin(path, { most: MOST_BYTES }));
  } catch (cause) {
    throw new Error(describeFailure(cause), { cause });
  }
}

const IDLE_AVERAGE =
  "Warning: --ema averages weights in float training, of which there is none: --float-epochs or --control are needed.";

function hasFloatTraining({ floatEpochs, adaptEpochs, control }: JobOptions): boolean {
  return floatEpochs > 0 || adaptEpochs > 0 || control;
}

const AUGMENT_WARNING =
  "Warning: --augment flips and shifts images; targets that say where something is, or on which side, stay as they are.";

function describeParts({ train, validation, test }: JobData): string {
  const choosing = validation === undefined ? "" : `, ${validation.count} to choose the best epoch by`;
  return `${countOf(train.count, unitOf(train))} to train on${choosing}, ${test.count} to judge by`;
}

function describeJudged({ train, test }: JobData): string {
  return `${countOf(test.count, unitOf(train))} to judge by`;
}

function unitOf(train: SampleSet): string {
  return hasImages({ train }) ? "image" : "sample";
}

/** Makes a float model and prepares it for quantization-aware training. */
async function begin(original: tfl.LayersModel, job: TrainingJob): Promise<JobStart> {
  const { log } = job;
  const { model, kept, rewrites } = await makeFloatModel(original, job);
  const prepared = prepareFor(model, job.quantization);
  for (const entry of prepared.rewrites) log(`  ${formatRewrite(entry)}`);
  logUnmatched(prepared, log);
  for (const { layer, because } of prepared.islands) log(`  ${layer} stays in float: ${because}`);
  return { prepared, float: kept, rewrites };
}

/** Judges all models of the job on the test samples, which nothing has seen so far. Disposes the float models. */
async function prove(
  { prepared, float: kept }: JobStart,
  { job, training }: { readonly job: TrainingJob; readonly training: StageResult },
): Promise<Proof> {
  const { model } = prepared;
  const float = await judgeFloat(kept, job);
  const simulated = await judge(model, { job, by: "test" });
  const { file } = job.quantization.target;
  if (file === undefined) return { float, simulated };
  const asTrained = await inTrainingArithmetic(job.engine, () => answersOf(model, { job, task: simulated.task }));
  const about = metadataFor(model, { ...job, task: simulated.task, epochs: training.epochs.map(describeEpoch) });
  const floatFile = await toOnnx(model, { ...writingOf(job), ...about, precision: "float32" });
  const files = await proveInt8(job, { prepared, file, simulated, float: floatFile, about });
  const session = { device: job.engine.device.ran, ...threadsOf(job) };
  const unrounded = judgeAnswers(
    simulated,
    await inTurnsOf(
      job,
      predicting(floatFile.bytes, samples(job, "test"), { ...session, keeping: keepingOf(simulated.task.heads) }),
    ),
  );
  return {
    float,
    simulated,
    ...(asTrained === undefined ? {} : { asTrained }),
    files: { ...files, unrounded },
  };
}

async function judgeFloat(kept: JobStart["float"], job: TrainingJob): Promise<readonly JudgedStep[]> {
  const steps: JudgedStep[] = [];
  for (const { model, ...step } of kept) {
    steps.push({ ...step, judged: await judge(model, { job, by: "test" }) });
    model.dispose();
  }
  return steps;
}
