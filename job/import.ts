/** Imports a model of any format: a folder that every job takes as its model, with a record of what became of each node. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { version_core } from "@tensorflow/tfjs-core";
import { dirname, join, resolve } from "node:path";
import { compareWithSource, type Difference, type ImportRecord } from "../models/import/imported.ts";
import { layersModelFiles } from "../models/import/layers_model.ts";
import { type ImportedFile, type ModelFormat, openModel } from "../models/import/open_model.ts";
import { probeModel } from "../models/import/probe.ts";
import { inputNames, inputShapesOf, outputNames } from "../models/ports.ts";
import type { OnGrids } from "../quantize/on_grids.ts";
import { commitFiles, OutputError } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { registerQuantKernels, registerQuantLayers, setQatPhase } from "../src/quant/mod.ts";
import { fromModel, unfoldBatchNorms, withOutputs } from "../src/rewrite/mod.ts";
import { ORT_VERSION } from "../src/runtime/session.ts";
import { checkChoice } from "../src/text/nearest.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { MAKER } from "../src/version.ts";
import { countOf } from "../src/text/plain.ts";
import { intoFolder } from "./_files.ts";
import { rowsOfEmbeddings } from "./_embeddings.ts";
import { startEngine } from "./_engine.ts";
import { commandOf, quote } from "./_flags.ts";
import { lineLog } from "./_job.ts";
import { onGrids } from "./_model.ts";
import { parameterCount } from "./_layers_report.ts";
import type { JobEvents } from "./events.ts";
import { openImportData } from "./import_data.ts";
import { type ImportModelOptions, type ResolvedImport, resolveImportOptions } from "./import_options.ts";

/** Answers of a model compared with its source's. */
export interface ImportComparison {
  /** What both answered to. */
  readonly on: string;
  /** What ran the source. */
  readonly by: string;
  readonly outputs: readonly Difference[];
}

/** What became of a model that was imported: import.json. */
export interface ImportReport {
  readonly schema: 1;
  readonly kind: "import";
  readonly model: { readonly path: string; readonly format: ModelFormat; readonly parameters: number };
  readonly inputs: readonly ImportedPort[];
  /** In the source's order. */
  readonly outputs: readonly ImportedPort[];
  /** What each node of the source became. */
  readonly nodes: readonly ImportRecord[];
  /** Empty where nothing here runs the source. */
  readonly compared: readonly ImportComparison[];
  readonly command: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** An input or an output. */
export interface ImportedPort {
  readonly name: string;
  /** Of a sample; null where the model takes any. */
  readonly shape: readonly (number | null)[];
}

/** What is written into the folder. */
const FILES = ["model.json", "weights.bin", "import.json"] as const;

/** Where the float model goes that a quantized file stands for. */
const FLOAT = "float";
const FLOAT_FILES = ["model.json", "weights.bin"].map((name) => `${FLOAT}/${name}`);

/** The largest difference of answers to data that is taken for rounding, of the largest number. */
const TOLERANCE = 1e-4;

/**
 * Imports a model: a TF.js graph-model or layers-model, an ONNX file, or a net of darknet. Writes model.json, weights.bin and
 * import.json into `options.out` (default: "out/import"), all at once; the folder is a model that every job takes. Of a
 * quantized ONNX file that is a prepared model with the file's own grids, and the float model that it stands for is in a
 * folder "float" within.
 *
 * All outputs are kept unless `outputs` names others. The model's answers are compared with the source's on random numbers,
 * and on the first samples of `data` where there is some.
 *
 * @returns What became of each node, as written to import.json.
 * @throws {RangeError} If an option is out of range.
 * @throws {ModelFileError} If the files are damaged, or nodes cannot be imported: all of them in one line.
 * @throws {OutputError} If `options.out` has a model already or cannot be written to.
 *
 * @example
 * ```ts ignore
 * const { nodes } = await importModel({ model: "net.onnx", out: "net" });
 * console.log(nodes.filter(({ became }) => became === "cut"));
 * ```
 */
export function importModel(options: ImportModelOptions, events: JobEvents = {}): Promise<ImportReport> {
  return inPlainWords(() => doImport(options, events));
}

async function doImport(given: ImportModelOptions, events: JobEvents): Promise<ImportReport> {
  const options = resolveImportOptions(given);
  refuseSource(options);
  return await intoFolder(options.out, () => convert(options, given, events));
}

async function convert(
  options: ResolvedImport,
  given: ImportModelOptions,
  events: JobEvents,
): Promise<ImportReport> {
  const { model: path, out, threads, debug } = options;
  const log = lineLog(events);
  refuseModel(options);
  await startEngine({ backend: "auto", device: "cpu", debug, threads }, log);
  const opened = await open(options, log);
  const { model, file } = options.unfoldBn ? await unfold(opened, options, log) : opened;
  let prepared: OnGrids | undefined;
  try {
    // What is unfolded is for float training.
    prepared = file.grids === undefined || file.grids.isDynamic || options.unfoldBn
      ? undefined
      : onGrids(model, { path, grids: file.grids, log });
    const compared = [
      ...comparedAtImport(file),
      ...await comparedOnData(model, { file, options, log }),
      ...await comparedOnGrids(prepared, file),
    ];
    const report: ImportReport = {
      schema: 1,
      kind: "import",
      model: { path, format: file.format, parameters: parameterCount(model) },
      inputs: portsOf(inputNames(model), model.inputs),
      outputs: portsOf(outputNames(model), model.outputs),
      nodes: file.records,
      compared,
      command: commandFor(given, options),
      versions: {
        [MAKER.name]: MAKER.version,
        deno: Deno.version.deno,
        tfjs: version_core,
        "onnxruntime-node": ORT_VERSION,
      },
    };
    for (const line of linesOf(report)) log(line);
    events.signal?.throwIfAborted();
    await write(model, { out, report, prepared });
    log(`Written: ${out}. It is a model: deno task qat --model ${out}`);
    return report;
  } finally {
    model.dispose();
    prepared?.model.dispose();
  }
}

/** The command that does the same into an empty folder. */
function commandFor(
  { model: _, overwrite: __, ...given }: ImportModelOptions,
  { model, out }: ResolvedImport,
): string {
  return commandOf({ ...given, out }, `import ${quote(model)}`);
}

/** @throws {OutputError} If the source lies in the folder that the model would be written to. */
function refuseSource({ model, out }: ResolvedImport): void {
  const sources = [resolve(model), dirname(resolve(model))];
  if (sources.includes(resolve(out))) {
    throw new OutputError(`Cannot write to "${out}": the model that is imported lies there, another folder is needed`);
  }
}

/** @throws {OutputError} If there is a model in `out` that is not to be replaced. */
function refuseModel({ out, overwrite }: ResolvedImport): void {
  const found = FILES.find((name) => exists(join(out, name)));
  if (found === undefined || overwrite) return;
  throw new OutputError(`Cannot write to "${out}": it has a model already (${found}), --overwrite replaces it`);
}

interface Opened {
  readonly model: tfl.LayersModel;
  readonly file: ImportedFile;
}

async function open(
  { model: path, outputs, shapes, seed }: ResolvedImport,
  log: (line: string) => void,
): Promise<Opened> {
  registerQuantKernels();
  registerQuantLayers();
  let file: ImportedFile | undefined;
  const model = await openModel(path, {
    seed,
    log,
    shapes,
    ...(outputs === undefined ? {} : { outputs }),
    onImport: (facts) => file = facts,
  });
  // It is told before the model is returned.
  const told = file!;
  const isCut = told.format === "onnx" || told.format === "graph-model";
  const kept = outputs === undefined || isCut ? model : pickOutputs(model, { path, outputs });
  probeModel(kept, path);
  return { model: kept, file: told };
}

/** Puts batch normalizations in the place of biases. */
async function unfold(
  { model, file }: Opened,
  options: ResolvedImport,
  log: (line: string) => void,
): Promise<Opened> {
  const { data } = options;
  const samples = data === undefined ? undefined : await openImportData(model, { ...options, data, log });
  const { model: unfolded, norms } = await unfoldBatchNorms(model, samples?.inputs);
  const of = samples === undefined ? "of the identity" : `of ${countOf(samples.count, "sample")} of "${data}"`;
  log(`The biases of ${countOf(norms.size, "convolution")} became batch normalizations with statistics ${of}.`);
  tf.dispose([...samples?.inputs ?? []]);
  model.dispose();
  const records = file.records.map((record): ImportRecord => {
    if (typeof record.became === "string") return record;
    return { ...record, became: record.became.flatMap((layer) => [layer, norms.get(layer) ?? []].flat()) };
  });
  return { model: unfolded, file: { ...file, records } };
}

/** Keeps outputs of a model that has them as its own, in the order in which they are asked for. */
function pickOutputs(
  model: tfl.LayersModel,
  { path, outputs }: { readonly path: string; readonly outputs: readonly string[] },
): tfl.LayersModel {
  const names = outputNames(model);
  const places = outputs.map((name) =>
    names.indexOf(checkChoice(name, { of: names, cannot: `Cannot import the output "${name}" of "${path}"` }))
  );
  const values = fromModel(model).outputs;
  return withOutputs(model, places.map((place) => values[place]));
}

function comparedAtImport({ compared, source }: ImportedFile): readonly ImportComparison[] {
  if (compared === undefined || source === undefined) return [];
  return [{ on: "random numbers", by: source.by, outputs: compared }];
}

/** Compares answers to the first samples of the data. */
async function comparedOnData(
  model: tfl.LayersModel,
  { file: { source }, options, log }: Pick<Opened, "file"> & {
    readonly options: ResolvedImport;
    readonly log: (line: string) => void;
  },
): Promise<readonly ImportComparison[]> {
  const { data, model: path } = options;
  if (data === undefined) return [];
  if (source === undefined) {
    log(`Warning: nothing here runs "${path}", its answers to "${data}" are compared with nothing.`);
    return [];
  }
  const { inputs, count } = await openImportData(model, { ...options, data, log });
  try {
    const outputs = await compareWithSource(model, { answer: source.answer, inputs, names: outputNames(model) });
    const worst = outputs.toSorted((a, b) => b.error - a.error)[0];
    if (!(worst.error <= TOLERANCE)) {
      throw new RangeError(
        `Cannot import "${path}": on "${data}" its output "${worst.output}" would be wrong by ` +
          `${worst.error.toExponential(1)} of its largest number`,
      );
    }
    return [{ on: `${countOf(count, "sample")} of "${data}"`, by: source.by, outputs }];
  } finally {
    tf.dispose([...inputs]);
  }
}

/** Samples of random numbers. */
const RANDOM_SAMPLES = 4;

/** Compares what a model on a file's grids answers to random numbers with what the file does, which rounds as well. */
async function comparedOnGrids(
  prepared: OnGrids | undefined,
  { grids }: ImportedFile,
): Promise<readonly ImportComparison[]> {
  if (prepared === undefined || grids === undefined || prepared.open.length > 0) return [];
  const { model } = prepared;
  const [names, rows] = [inputNames(model), rowsOfEmbeddings(model)];
  const inputs = inputShapesOf(model).map((shape, i) => {
    const most = rows.get(names[i]);
    const x = tf.randomUniform([RANDOM_SAMPLES, ...shape], 0, most ?? 1, "float32", i);
    return most === undefined ? x : tf.floor(x);
  });
  setQatPhase(model, { observing: false, fakeQuantizing: true });
  try {
    const outputs = await compareWithSource(model, { answer: grids.answer, inputs, names: outputNames(model) });
    return [{ on: "random numbers, all rounded,", by: "the file in ONNX Runtime", outputs }];
  } finally {
    tf.dispose(inputs);
  }
}

function portsOf(names: readonly string[], ports: tfl.LayersModel["inputs"]): readonly ImportedPort[] {
  return names.map((name, i) => ({ name, shape: ports[i].shape.slice(1) }));
}

/** Says in lines what came of it. */
function linesOf({ nodes, compared, outputs, model }: ImportReport): readonly string[] {
  const [constant, cut] = (["constant", "cut"] as const).map((what) =>
    nodes.filter(({ became }) => became === what).length
  );
  const layers = new Set(nodes.flatMap(({ became }) => typeof became === "string" ? [] : became)).size;
  return [
    `${countOf(nodes.length, "node")}: ${nodes.length - constant - cut} became ${countOf(layers, "layer")}, ` +
    `${countOf(constant, "is a constant", "are constants")}, ${countOf(cut, "is", "are")} cut off. ${
      model.parameters.toLocaleString("en")
    } parameters.`,
    `Outputs: ${outputs.map(({ name, shape }) => `${name} [${shape.map((side) => side ?? "?")}]`).join(", ")}.`,
    ...compared.map(({ on, by, outputs }) =>
      `On ${on} the answers differ from those of ${by} by ${
        Math.max(...outputs.map(({ error }) => error)).toExponential(1)
      } of the largest number at the most.`
    ),
  ];
}

async function write(
  model: tfl.LayersModel,
  { out, report, prepared }: {
    readonly out: string;
    readonly report: ImportReport;
    readonly prepared: OnGrids | undefined;
  },
): Promise<void> {
  const float = prepared === undefined ? [] : await layersModelFiles(model, join(out, FLOAT));
  const [weights, json] = await layersModelFiles(prepared?.model ?? model, out);
  const stale = FLOAT_FILES.map((name) => join(out, name)).filter((path) => float.length === 0 && exists(path));
  commitFiles({
    root: out,
    files: [...float, weights, { path: join(out, "import.json"), bytes: `${JSON.stringify(report, null, 2)}\n` }, json],
    remove: stale,
  });
}
