/** Writes the results of a job. */
import { dirname, join, resolve } from "node:path";
import type * as tfl from "@tensorflow/tfjs-layers";
import { renderHtml } from "../report/html/html.ts";
import type { OnnxModel } from "../export/to_onnx.ts";
import type { FileReport, Report } from "../report/schema.ts";
import { commitFiles, ensureWritableDirectory, OutputError } from "../src/io/atomic.ts";
import { layersModelFiles } from "../models/import/layers_model.ts";

/** What a job leaves behind. */
export interface Outputs {
  /** Absent, as the float one, where there are no files. */
  readonly int8?: OnnxModel;
  readonly float?: OnnxModel;
  /** The trained model, prepared for quantization. */
  readonly model: tfl.LayersModel;
  /** Without its list of files. */
  readonly report: Report;
}

/** Folder of the trained TF.js model. */
const MODEL_DIR = "qat";

/** Files of a job, relative to its folder, and what they are. */
const WHAT = {
  "model.int8.onnx": "the int8 model",
  "model.float.onnx": "the float model of the same weights",
  "qat/model.json": "the trained TF.js model, with its ranges",
  "qat/weights.bin": "its weights",
  "report.html": "the report as a page",
  "report.json": "the report as data",
};

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
    for (const name of Object.keys(WHAT)) refuseFolder(join(dir, name));
  } finally {
    removeEmpty(made);
  }
}

/**
 * Writes everything into `dir`, in one turn of the event loop; each file is whole at any moment.
 *
 * @returns The report with the list of files, as written.
 * @throws {OutputError} If something cannot be written; then nothing has changed.
 */
export async function writeOutputs(dir: string, { int8, float, model, report }: Outputs): Promise<Report> {
  const models = [
    ...await layersModelFiles(model, join(dir, MODEL_DIR)),
    ...(int8 === undefined ? [] : [{ path: join(dir, "model.int8.onnx"), bytes: int8.bytes }]),
    ...(float === undefined ? [] : [{ path: join(dir, "model.float.onnx"), bytes: float.bytes }]),
  ];
  const sizes = new Map(models.map(({ path, bytes }) => [path, lengthOf(bytes)]));
  const written = Object.entries(WHAT).filter(([name]) => !name.endsWith(".onnx") || sizes.has(join(dir, name)));
  const complete = { ...report, files: describeFiles(written, (name) => sizes.get(join(dir, name))) };
  const made = missingFolders(join(dir, MODEL_DIR));
  try {
    ensureWritableDirectory(join(dir, MODEL_DIR));
    commitFiles({
      root: dir,
      files: [
        ...models,
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
function describeFiles(
  files: readonly (readonly [string, string])[],
  sizeOf: (name: string) => number | undefined,
): FileReport[] {
  return files.map(([path, what]) => {
    const bytes = sizeOf(path);
    return { path, what, ...(bytes === undefined ? {} : { bytes }) };
  });
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
