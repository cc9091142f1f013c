/** Writes the results of a job. */
import { dirname, join, resolve } from "node:path";
import type * as tfl from "@tensorflow/tfjs-layers";
import { renderHtml } from "../report/html/html.ts";
import type { OnnxModel } from "../export/to_onnx.ts";
import type { FileReport, Report } from "../report/schema.ts";
import { commitFiles, ensureWritableDirectory, OutputError } from "../src/io/atomic.ts";
import type { LabelsFile } from "./_labels.ts";
import { layersModelFiles } from "../models/import/layers_model.ts";

/** What a job leaves behind. */
export interface Outputs {
  /** Absent, as the float one, where there are no files. */
  readonly int8?: OnnxModel;
  readonly float?: OnnxModel;
  /** Names of what the outputs' numbers stand for. */
  readonly labels: readonly LabelsFile[];
  /** The trained model, prepared for quantization. */
  readonly model: tfl.LayersModel;
  /** Without its list of files. */
  readonly report: Report;
}

/** Folder of the trained TF.js model. */
const MODEL_DIR = "qat";

/** Files that every job writes, in their order among others; those whose names start so may be several. */
const NAMES = ["model.int8.onnx", "model.float.onnx", "labels.txt", "report.html", "report.json"];

/** A file of a job. */
interface JobFile {
  /** Relative to the job's folder, with forward slashes. */
  readonly path: string;
  /** What it is, for the report. */
  readonly what: string;
  readonly bytes: Uint8Array | string;
}

/**
 * Proves that the results of a job can be written to `dir`. Leaves nothing behind.
 *
 * @throws {OutputError} If they cannot.
 */
export function checkWritable(dir: string): void {
  const made = missingFolders(join(dir, MODEL_DIR));
  try {
    ensureWritableDirectory(dir);
    ensureWritableDirectory(join(dir, MODEL_DIR));
    for (const name of [...NAMES, ...MODEL_FILES.map((file) => `${MODEL_DIR}/${file}`)]) refuseFolder(join(dir, name));
  } finally {
    removeEmpty(made);
  }
}

/** Files of a TF.js model. */
const MODEL_FILES = ["model.json", "weights.bin"];

/**
 * Writes everything into `dir`, in one turn of the event loop; each file is whole at any moment.
 *
 * @returns The report with the list of files, as written.
 * @throws {OutputError} If something cannot be written; then nothing has changed.
 */
export async function writeOutputs(dir: string, outputs: Outputs): Promise<Report> {
  const files = await filesOf(outputs);
  const complete = { ...outputs.report, files: [...files.map(describeFile), ...REPORTS] };
  const made = missingFolders(join(dir, MODEL_DIR));
  try {
    ensureWritableDirectory(join(dir, MODEL_DIR));
    commitFiles({
      root: dir,
      files: [
        ...files.map(({ path, bytes }) => ({ path: join(dir, path), bytes })),
        { path: join(dir, "report.html"), bytes: renderHtml(complete) },
        { path: join(dir, "report.json"), bytes: `${JSON.stringify(complete, null, 2)}\n` },
      ],
    });
  } finally {
    removeEmpty(made);
  }
  return complete;
}

/** The reports' own sizes are not known before they are written. */
const REPORTS: readonly FileReport[] = [
  { path: "report.html", what: "the report as a page" },
  { path: "report.json", what: "the report as data" },
];

/** Lists what is written besides the reports. */
async function filesOf({ int8, float, labels, model }: Outputs): Promise<readonly JobFile[]> {
  const onnx = (path: string, what: string, file: OnnxModel | undefined): readonly JobFile[] =>
    file === undefined ? [] : [{ path, what, bytes: file.bytes }];
  return [
    ...onnx("model.int8.onnx", "the int8 model", int8),
    ...onnx("model.float.onnx", "the float model of the same weights", float),
    ...labels.map(({ name, text, output }) => ({
      path: name,
      what: `what the numbers of "${output}" stand for`,
      bytes: text,
    })),
    ...await modelFiles(MODEL_DIR, model, ["the trained TF.js model, with its ranges", "its weights"]),
  ];
}

/** Lists the files of a TF.js model, its model.json first. */
async function modelFiles(
  folder: string,
  model: tfl.LayersModel,
  [json, weights]: readonly [string, string],
): Promise<readonly JobFile[]> {
  const files = await layersModelFiles(model, folder);
  return files.map(({ path, bytes }) => {
    const isJson = path.endsWith(".json");
    return { path: `${folder}/${isJson ? "model.json" : "weights.bin"}`, what: isJson ? json : weights, bytes };
  }).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function describeFile({ path, what, bytes }: JobFile): FileReport {
  return { path, what, bytes: lengthOf(bytes) };
}

function lengthOf(content: Uint8Array | string): number {
  return typeof content === "string" ? new TextEncoder().encode(content).length : content.length;
}

/** Lists `dir` and the folders around it that are not there yet, innermost first. */
function missingFolders(dir: string): readonly string[] {
  const path = resolve(dir);
  return exists(path) ? [] : [path, ...missingFolders(dirname(path))];
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    // A part of the path may be a file: nothing is missing then, and making folders will say so.
    return !(error instanceof Deno.errors.NotFound);
  }
}

function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      Deno.removeSync(folder);
    } catch {
      // It was never made, or holds the results.
    }
  }
}

function refuseFolder(path: string): void {
  if (exists(path) && Deno.statSync(path).isDirectory) throw OutputError.at(path, new Deno.errors.IsADirectory());
}
