/** Where a quantized model loses what it loses, and which layers in float would help. */
import { join } from "node:path";
import { version_core } from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import { selectSamples } from "../data/samples.ts";
import { biasNoise } from "../debug/biases.ts";
import { histogramsOf } from "../debug/histograms.ts";
import { measureParts } from "../debug/measure.ts";
import { recordOf } from "../quantize/record.ts";
import { targetOf } from "../quantize/targets/mod.ts";
import { DEBUG_SCHEMA, type DebugReport } from "../report/debug_schema.ts";
import { worstParts } from "../report/debug_words.ts";
import { renderDebug } from "../report/html/debug.ts";
import { commitFiles, OutputError } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { MAKER } from "../src/version.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { countOf } from "../src/text/plain.ts";
import { intoFolder } from "./_files.ts";
import { inputBatches } from "./_data.ts";
import { startEngine } from "./_engine.ts";
import { commandOf } from "./_flags.ts";
import { type Job, lineLog, signalOf, writingOf } from "./_job.ts";
import { parameterCount } from "./_layers_report.ts";
import { readQuantization } from "./_recipe.ts";
import { isPrepared } from "./_resume.ts";
import { searchFloat } from "./_search_float.ts";
import type { JobEvents } from "./events.ts";
import { resolveOptions } from "./options.ts";
import { open } from "./qat.ts";
import { type DebugOptions, type ResolvedDebug, resolveDebugOptions } from "./debug_options.ts";

export type { DebugOptions };

/** Layers whose values are drawn. */
const DRAWN = 6;

/** Files in the folder of the results. */
const FILES = ["debug.html", "debug.json"] as const;

/**
 * Measures a prepared model layer by layer, on the first test samples: what rounding does to its weights and biases, to
 * each layer alone and with all before it, to the outputs with one layer quantized or all but one; which channels and codes
 * say nothing. Writes debug.json and debug.html into `options.out` (default: "out/debug").
 *
 * @returns The report, as written to debug.json.
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} If the model is not prepared, or does not fit the data.
 * @throws {OutputError} If `options.out` has a report already or cannot be written to.
 *
 * @example
 * ```ts ignore
 * const { parts } = await debugModel({ model: "out/qat", data: "folder:photos" });
 * console.log(parts.map(({ layer, output }) => [layer, output?.accumulatedDb]));
 * ```
 */
export function debugModel(options: DebugOptions, events: JobEvents = {}): Promise<DebugReport> {
  return inPlainWords(() => debug(options, events));
}

async function debug(given: DebugOptions, events: JobEvents): Promise<DebugReport> {
  const options = resolveDebugOptions(given);
  return await intoFolder(options.out, () => measure(options, given, events));
}

async function measure(
  { samples, tolerance, out, overwrite, ...options }: ResolvedDebug,
  given: DebugOptions,
  events: JobEvents,
): Promise<DebugReport> {
  refuseReport(out, overwrite);
  const { model, job } = await openPrepared(options, events);
  const { test } = job.data;
  const indices = Array.from({ length: Math.min(samples, test.count) }, (_, i) => i);
  const shown = { ...job.data, test: selectSamples(test, { indices, name: test.name }) };
  const batches = () => inputBatches(shown, "test");
  job.log(`Measuring layers on ${countOf(shown.test.count, "sample")} …`);
  const measured = await measureParts(model, { batches, ...signalOf(job) });
  const biases = await biasesOf(model, job);
  const parts = measured.parts.map((part) => {
    const noise = biases.get(part.layer);
    return noise === undefined ? part : { ...part, biasDb: noise };
  });
  const target = recordOf(model)?.target ?? job.quantization.target.name;
  const report: DebugReport = {
    schema: DEBUG_SCHEMA,
    kind: "debug",
    model: { name: options.model, parameters: parameterCount(model) },
    data: { name: job.data.name, samples: shown.test.count },
    target,
    outputsDb: measured.outputsDb,
    parts,
    histograms: [],
    versions: {
      [MAKER.name]: MAKER.version,
      deno: Deno.version.deno,
      tfjs: version_core,
      "onnxruntime-node": ORT_VERSION,
    },
    command: commandOf(given, "debug"),
    machine: `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} hardware threads`,
  };
  const worst = worstParts(report);
  const histograms = await histogramsOf(model, { facts: worst.slice(0, DRAWN), batches });
  const keep = tolerance === undefined
    ? {}
    : { keep: await searchFloat(model, { job, tolerance, candidates: worst, batches }) };
  const whole = { ...report, histograms, ...keep };
  model.dispose();
  write(out, whole);
  return whole;
}

async function openPrepared(
  options: Omit<ResolvedDebug, "samples" | "tolerance" | "out" | "overwrite">,
  events: JobEvents,
): Promise<{ readonly model: tfl.LayersModel; readonly job: Job }> {
  const resolved = resolveOptions(options);
  const log = lineLog(events);
  const engine = await startEngine(resolved, log);
  const quantization = await readQuantization(resolved);
  const { original, job } = await open(resolved, { events, log, engine, quantization }, { trains: false });
  if (isPrepared(original)) {
    const { target } = recordOf(original) ?? {};
    return {
      model: original,
      job: target === undefined ? job : { ...job, quantization: { ...quantization, target: targetOf(target) } },
    };
  }
  original.dispose();
  throw new TypeError(
    `Cannot debug "${options.model}": it is a float model, needed is one that deno task qat or ptq prepared, such as out/qat`,
  );
}

/** Compares biases with their rounded values, by layer; nothing where the target has no file. */
async function biasesOf(model: tfl.LayersModel, job: Job): Promise<ReadonlyMap<string, number | null>> {
  if (job.quantization.target.file === undefined) return new Map();
  const writing = writingOf(job);
  const int8 = await toOnnx(model, writing);
  const float = await toOnnx(model, { ...writing, precision: "float32" });
  return biasNoise(int8.graph, float.graph);
}

/** @throws {OutputError} If there is a report in `dir` that is not to be replaced. */
function refuseReport(dir: string, overwrite: boolean): void {
  const found = FILES.find((name) => exists(join(dir, name)));
  if (found === undefined || overwrite) return;
  throw new OutputError(`Cannot write to "${dir}": it has a report already (${found}), --overwrite replaces it`);
}

function write(dir: string, report: DebugReport): void {
  const contents = { "debug.html": renderDebug(report), "debug.json": `${JSON.stringify(report, null, 2)}\n` };
  commitFiles({
    root: dir,
    files: FILES.map((name) => ({ path: join(dir, name), bytes: contents[name] })),
    remove: [],
  });
}
