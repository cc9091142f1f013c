/** What a job leaves behind: its files, in the order in which the report lists them. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { OnnxModel } from "../export/to_onnx.ts";
import { layersModelFiles } from "../models/import/layers_model.ts";
import type { FloatModel, OwnLayer } from "../quantize/float_model.ts";
import type { FileReport } from "../report/schema.ts";
import type { LabelsFile } from "./_labels.ts";
import type { StageName } from "./events.ts";

/** What quantization-aware training found. */
export interface Outputs {
  /** Absent, as the float one, where there are no files. */
  readonly int8?: OnnxModel;
  readonly float?: OnnxModel;
  /** The int8 model in ONNX Runtime's own format. */
  readonly ort?: Uint8Array;
  /** The int8 model that makes boxes of its outputs itself. */
  readonly boxes?: OnnxModel;
  /** Names of what the outputs' numbers stand for. */
  readonly labels: readonly LabelsFile[];
  /** The trained model, prepared for quantization. */
  readonly model: tfl.LayersModel;
  /** The same without its quantizers. */
  readonly floatModel: FloatModel;
  /** What was told of the epochs. */
  readonly record: readonly JobFile[];
}

/** A file of a job. */
export interface JobFile {
  /** Relative to the job's folder, with forward slashes. */
  readonly path: string;
  /** What it is, for the report. */
  readonly what: string;
  readonly bytes: Uint8Array | string;
}

/** Folders of the trained TF.js model: as training goes on with it, and as TF.js reads it by itself. */
export const MODEL_DIRS = ["qat", "float"] as const;

/** The table of all epochs. */
export const METRICS_FILE = "metrics.csv";

/** The event file of each stage; TensorBoard takes a folder for a run, and a file for its own by a part of its name. */
export const EVENT_FILES: Readonly<Record<StageName, string>> = {
  float: eventFile("float"),
  adapted: eventFile("adapted"),
  "own-adapted": eventFile("own-adapted"),
  control: eventFile("control"),
  "own-control": eventFile("own-control"),
  qat: eventFile("qat"),
};

function eventFile(stage: StageName): string {
  return `tensorboard/${stage}/events.out.tfevents.0.tfjs-qat`;
}

/** Files to deploy, of which a job leaves one. */
export const DEPLOYED_FILES = [
  "model.int8.onnx",
  "model.weights8.onnx",
  "model.weights4.onnx",
  "model.float16.onnx",
] as const;

/** Where a job writes, whatever its model and data; relative to its folder. */
export const PATHS: readonly string[] = [
  ...DEPLOYED_FILES,
  "model.float.onnx",
  "model.ort",
  "model.boxes.onnx",
  "labels.txt",
  ...MODEL_DIRS.flatMap((dir) => [`${dir}/model.json`, `${dir}/weights.bin`]),
  METRICS_FILE,
  ...Object.values(EVENT_FILES),
  "report.html",
  "report.json",
];

/** Lists a file, if there is one. */
export function fileOf(path: string, what: string, bytes: Uint8Array | undefined): readonly JobFile[] {
  return bytes === undefined ? [] : [{ path, what, bytes }];
}

/** Lists files of names. */
export function labelFiles(labels: readonly LabelsFile[]): readonly JobFile[] {
  return labels.map(({ name, text, output }) => ({
    path: name,
    what: `what the numbers of "${output}" stand for`,
    bytes: text,
  }));
}

/** Lists the file that makes boxes itself, if there is one. */
export function boxesFile(boxes: OnnxModel | undefined): readonly JobFile[] {
  return fileOf("model.boxes.onnx", "the int8 model with boxes made of its outputs, in float", boxes?.bytes);
}

/** Lists what quantization-aware training writes besides the reports. */
export async function filesOf(
  { int8, float, ort, boxes, labels, model, floatModel, record }: Outputs,
): Promise<readonly JobFile[]> {
  return [
    ...fileOf("model.int8.onnx", "the int8 model", int8?.bytes),
    ...fileOf("model.float.onnx", "the same weights in float, nothing rounded", float?.bytes),
    ...fileOf("model.ort", "the int8 model in ONNX Runtime's own format", ort),
    ...boxesFile(boxes),
    ...labelFiles(labels),
    ...await modelFiles("qat", model, "the trained TF.js model, with its ranges"),
    ...await modelFiles("float", floatModel.model, `its weights in float, as TF.js reads them${needing(floatModel)}`),
    ...record,
  ];
}

/** Lists the files of a TF.js model, its model.json first. */
export async function modelFiles(
  folder: typeof MODEL_DIRS[number],
  model: tfl.LayersModel,
  what: string,
): Promise<readonly JobFile[]> {
  const files = await layersModelFiles(model, folder);
  return files.map(({ path, bytes }) =>
    path.endsWith(".json")
      ? { path: `${folder}/model.json`, what, bytes }
      : { path: `${folder}/weights.bin`, what: "its weights", bytes }
  ).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Says which layers TF.js does not know by itself, as the rest of a sentence. */
export function needing({ ownLayers }: Pick<FloatModel, "ownLayers">): string {
  if (ownLayers.length === 0) return "";
  const named = ownLayers.map(({ layer, className }: OwnLayer) => `"${layer}" (${className})`).join(", ");
  return ` after registerLayers() of this project's "./layers": it has ${named}`;
}

/** Lists all files for the report; the reports' own sizes are not known before they are written. */
export function describeFiles(files: readonly JobFile[]): readonly FileReport[] {
  return [
    ...files.map(({ path, what, bytes }) => ({ path, what, bytes: lengthOf(bytes) })),
    { path: "report.html", what: "the report as a page" },
    { path: "report.json", what: "the report as data" },
  ];
}

function lengthOf(content: Uint8Array | string): number {
  return typeof content === "string" ? new TextEncoder().encode(content).length : content.length;
}
