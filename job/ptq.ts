/** Quantization without training: a TF.js model and a few samples in, a proven file and a report out. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type OnnxModel, toOnnx } from "../export/to_onnx.ts";
import { attachRecord, type QuantizationRecord, recordOf } from "../quantize/record.ts";
import { type Displayable, displayReport } from "../report/notebook/display.ts";
import type { Report } from "../report/schema.ts";
import { formatRewrite, type Rewrite, rewriteModel } from "../src/rewrite/mod.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { attachScalings } from "./_data.ts";
import { checkGivenSides } from "./_cells.ts";
import { checkDilations, startEngine, warnOfSaturation } from "./_engine.ts";
import { outputFiles } from "./_files.ts";
import { commandOf } from "./_flags.ts";
import { rulesFor } from "./_float.ts";
import { judge, type JudgedStep, lineLog, logSummary, writingOf } from "./_job.ts";
import { labelsFiles } from "./_labels.ts";
import { metadataFor } from "./_metadata.ts";
import { loadModel } from "./_model.ts";
import { openResultFolder } from "./_open_run.ts";
import { boxesFile, fileOf, type JobFile, labelFiles, modelFiles } from "./_outputs.ts";
import { proveInt8 } from "./_prove.ts";
import { readQuantization } from "./_recipe.ts";
import type { ResultFolder } from "./_result_folder.ts";
import { isPrepared } from "./_resume.ts";
import { checkTaskOptions, defaultTaskOf } from "./_task.ts";
import type { JobEvents } from "./events.ts";
import { convert } from "./ptq/convert.ts";
import { openPtqData, type PtqData } from "./ptq/data.ts";
import type { PtqJob } from "./ptq/job.ts";
import { buildPtqReport, type PtqParts, type RunFile } from "./ptq/report.ts";
import { checkMethod } from "./ptq/method.ts";
import { asCalibrated, CANDIDATES } from "./ptq/observers.ts";
import { prepareChecked, quantizeStatic } from "./ptq/static.ts";
import { AUTO, type PtqOptions, type ResolvedPtq, resolvePtqOptions } from "./ptq_options.ts";

/**
 * Quantizes a model without training it: calibrates it on a few samples, or rounds its weights alone, and runs the file.
 *
 * Writes the file to deploy, which the report names, model.float.onnx and the reports into `options.out`, all at the end
 * and all at once; of the method "static" also model.ort, and qat/model.json, from which training can go on.
 *
 * @returns The report, as written to report.json; a notebook shows it as the page.
 * @throws {RangeError} If an option is out of range, there are too few samples, or the model has nothing to quantize.
 * @throws {TypeError} If model and data do not fit together.
 * @throws {ModelFileError} If the model's files are damaged.
 * @throws {OutputError} If `options.out` has results already or cannot be written to.
 *
 * @example
 * ```ts ignore
 * const report = await runPtq({ model: "model.json", calibrate: "folder:photos" }, { log: console.log });
 * console.log(report.deploy, report.sqnr);
 * ```
 */
export function runPtq(options: PtqOptions, events: JobEvents = {}): Promise<Report & Displayable> {
  return inPlainWords(() => doJob(options, events));
}

async function doJob(asked: PtqOptions, events: JobEvents): Promise<Report & Displayable> {
  const log = lineLog(events);
  const options = resolvePtqOptions(asked);
  const folder = openResultFolder({ out: asked.out, overwrite: asked.overwrite ?? false, log });
  try {
    const opened = await openPtqJob({ ...options, out: folder.dir }, { events, log });
    return displayReport(await quantize(folder, { ...opened, asked }));
  } finally {
    folder.close();
  }
}

/**
 * Prepares the model of a static job as the job would, and says what that came to. Calibrates and writes nothing.
 *
 * @throws {RangeError} If the method is another, of which there is nothing to be said.
 * @throws {Error} As `runPtq` does before it calibrates.
 */
export function dryRunPtq(options: PtqOptions, events: JobEvents = {}): Promise<QuantizationRecord> {
  return inPlainWords(async () => {
    const resolved = resolvePtqOptions(options);
    if (resolved.method !== "static") {
      throw new RangeError(`Cannot use --dry-run with --method ${resolved.method}: it is for static`);
    }
    const { job, original } = await openPtqJob(resolved, { events, log: lineLog(events) });
    const { model } = swapActivations(original, job);
    const { model: prepared, unmatched: _, ...record } = prepareChecked(model, job);
    if (resolved.observer === AUTO) {
      job.log(`Ranges would be found by ${CANDIDATES.join(" or ")}, whichever keeps the samples' answers nearer.`);
    }
    for (const one of new Set([original, model, prepared])) one.dispose();
    return { ...record, layers: asCalibrated(record, job) };
  });
}

/** A job whose model and samples are opened. */
export interface OpenedPtq {
  readonly job: PtqJob;
  readonly data: PtqData;
  /** The model as it was loaded. */
  readonly original: LayersModel;
}

/** Opens the model and the samples of a job, and checks that they fit. */
export async function openPtqJob(
  resolved: ResolvedPtq,
  { events, log }: { readonly events: JobEvents; readonly log: (line: string) => void },
): Promise<OpenedPtq> {
  const quantization = await readQuantization(resolved);
  checkMethod(quantization.target, resolved.method);
  const engine = await startEngine(resolved, log);
  const original = await loadModel(resolved.model, { ...resolved, isFloat: true, log });
  if (isPrepared(original)) {
    throw new RangeError(
      `Cannot quantize "${resolved.model}" without training: it is prepared for quantization already, a float model is ` +
        "needed, such as the float/model.json beside it",
    );
  }
  checkDilations(original, engine.backend);
  const options = { ...resolved, task: resolved.task ?? defaultTaskOf(original) };
  checkTaskOptions(options);
  checkGivenSides(original, options);
  log(`Model "${resolved.model}", ${original.countParams().toLocaleString("en")} parameters.`);
  const data = await openPtqData({ model: original, options, log });
  events.signal?.throwIfAborted();
  const job = { options, events, log, data: data.judged, engine, quantization };
  log("Before:");
  logSummary(original, job);
  return { job, data, original };
}

async function quantize(
  folder: ResultFolder,
  { job, data, original, asked }: OpenedPtq & { readonly asked: PtqOptions },
): Promise<Report> {
  const { options, log } = job;
  const { model, rewrites } = swapActivations(original, job);
  const float: JudgedStep[] = [{ step: "original", epochs: 0, judged: await judge(original, { job, by: "test" }) }];
  if (model !== original) {
    float.push({ step: "swapped", epochs: 0, judged: await judge(model, { job, by: "test" }) });
  }
  const about = metadataFor(original, { ...job, task: float[0].judged.task });
  const floatFile = await toOnnx(original, { ...writingOf(job), ...about, precision: "float32" });
  const work = { job, data, original, model, float, floatFile };
  const { seconds, parts, files } = options.method === "static" ? await makeStatic(work) : await makeConverted(work);
  const command = commandOf({ ...asked, out: folder.dir }, "ptq");
  const report = await buildPtqReport({ job, data, original, rewrites, float, ...parts, seconds, command });
  const outputs = outputFiles([
    ...fileOf(report.deploy ?? "", WHAT[options.method](options), parts.run?.file.bytes),
    ...fileOf("model.float.onnx", "the model as it was loaded, in float", floatFile.bytes),
    ...labelFiles(labelsFiles(float[0].judged.task)),
    ...files,
  ], report);
  folder.put(outputs.files);
  if (report.deploy !== undefined) log(`To deploy: ${folder.dir}/${report.deploy}`);
  original.dispose();
  if (model !== original) model.dispose();
  return outputs.report;
}

/** What the file to deploy is, by method. */
const WHAT: Readonly<Record<ResolvedPtq["method"], (options: ResolvedPtq) => string>> = {
  static: () => "the int8 model",
  dynamic: () => "the int8 model, whose ranges are found at run time",
  weights: ({ bits }) => `the model with weights of ${bits} bits`,
  float16: () => "the model in float16",
};

/** What a file is made of. */
interface Work extends OpenedPtq {
  /** The float model that is quantized. */
  readonly model: LayersModel;
  readonly float: readonly JudgedStep[];
  readonly floatFile: OnnxModel;
}

/** What came of a method. */
interface Made {
  readonly parts: Pick<PtqParts, "run" | "quantized">;
  /** Files beside that to deploy and the float one. */
  readonly files: readonly JobFile[];
  /** Of quantization itself. */
  readonly seconds: number;
}

/** Swaps activations where that is asked for; the model stays as it is where nothing is. */
function swapActivations(
  original: LayersModel,
  { options, log }: PtqJob,
): { readonly model: LayersModel; readonly rewrites: readonly Rewrite[] } {
  const { model, log: rewrites } = rewriteModel(original, rulesFor(options.swap));
  for (const entry of rewrites) log(`  ${formatRewrite(entry)}`);
  if (rewrites.some(({ rule, ok }) => ok && rule === "swap_activation")) {
    log(
      "Warning: the model was not trained with its new activations, and answers otherwise; training adapts it (qat).",
    );
    return { model, rewrites };
  }
  model.dispose();
  return { model: original, rewrites };
}

async function makeStatic({ job, data, original, model, floatFile }: Work): Promise<Made> {
  const { calibration } = data;
  if (calibration === undefined) throw new Error("Cannot calibrate: there are no samples");
  const { target } = job.quantization;
  warnOfSaturation({ precise: job.options.precise, target }, job.log);
  const started = performance.now();
  const quantized = await quantizeStatic(model, { original, job, calibration });
  const seconds = (performance.now() - started) / 1000;
  const { prepared } = quantized;
  const simulated = await judge(prepared.model, { job, by: "test" });
  if (target.file !== undefined) job.log("Exporting, and validating in ONNX Runtime …");
  const about = metadataFor(prepared.model, { ...job, task: simulated.task });
  const proof = target.file === undefined
    ? undefined
    : await proveInt8(job, { prepared, file: target.file, simulated, float: floatFile, about });
  const record = recordOf(prepared.model);
  const task = simulated.task.name;
  if (record !== undefined) attachRecord(prepared.model, { ...record, ...(task === "" ? {} : { task }) });
  attachScalings(prepared.model, job.data);
  const files = [
    ...fileOf("model.ort", "the int8 model in ONNX Runtime's own format", proof?.ort),
    ...boxesFile(proof?.boxes),
    ...await modelFiles("qat", prepared.model, "the calibrated TF.js model: training goes on from it"),
  ];
  const run: RunFile | undefined = proof && { ...proof, name: "model.int8.onnx", file: proof.int8 };
  const parts = { quantized: { ...quantized, simulated }, ...(run === undefined ? {} : { run }) };
  return { parts, files, seconds };
}

async function makeConverted({ job, model, float, floatFile }: Work): Promise<Made> {
  const { judged } = float[float.length - 1];
  const about = metadataFor(model, { ...job, task: judged.task });
  job.log("Exporting, and running the file in ONNX Runtime …");
  const { seconds, ...found } = await convert(model, { job, float: floatFile, judged, about });
  return { parts: { run: { ...found, name: fileName(job.options) } }, files: [], seconds };
}

function fileName({ method, bits }: ResolvedPtq): string {
  switch (method) {
    case "weights":
      return `model.weights${bits}.onnx`;
    case "float16":
      return "model.float16.onnx";
    default:
      return "model.int8.onnx";
  }
}
