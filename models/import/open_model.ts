/** Models of any format, by the names of their files. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { exists } from "../../src/io/disk.ts";
import { fixInputShape } from "../../src/rewrite/mod.ts";
import { lookUp } from "../../src/text/nearest.ts";
import { inPlainWordsSync } from "../../src/text/plain_errors.ts";
import { inputNames } from "../ports.ts";
import { loadDarknet } from "./darknet/mod.ts";
import { cannotLoad, readGraphJson } from "./_model_json.ts";
import { checkAsked, checkShapeNames } from "./_input_shape.ts";
import { importGraphModel } from "./graph/mod.ts";
import { loadLayersModel } from "./layers_model.ts";
import type { ImportFacts, ImportRecord } from "./imported.ts";
import { loadOnnx } from "./onnx/mod.ts";

/** How a model is opened. */
export interface OpenModelOptions {
  /** Of weights where there are none. Default 0. */
  readonly seed?: number;
  /** Values of a graph-model or an ONNX model that are outputs, whether they are its own or within it. Default: its own. */
  readonly outputs?: readonly string[];
  /** Height and width of pictures where a graph-model or an ONNX model leaves them open. Default: it is refused then. */
  readonly side?: number;
  /**
   * Shapes of inputs that the model leaves open, the batch first, by their names and in the axes of the file. Of a
   * graph-model also of nodes within, which become inputs so. Nets of darknet leave none open.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Is told what was found. */
  readonly log?: (line: string) => void;
  /** Is told what became of it. */
  readonly onImport?: (model: ImportedFile) => void;
}

/** Formats of models. */
export type ModelFormat = "layers-model" | "graph-model" | "onnx" | "darknet";

/** What is told of a file that was opened. */
export interface ImportedFile extends ImportFacts {
  readonly format: ModelFormat;
}

/** Files of ONNX. */
const ONNX = ".onnx";
/** Files of darknet: a net, and its weights. */
const CFG = ".cfg";
const WEIGHTS = ".weights";

/**
 * Opens a model of any format: a TF.js layers-model or graph-model (model.json, or its folder), an ONNX model
 * (NAME.onnx), or a net of darknet (NAME.cfg with NAME.weights beside it, or without weights).
 *
 * @throws {ModelFileError} If anything about the files is wrong: one line that names the file, and the layer at fault.
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<tfl.LayersModel> {
  const isFile = (ending: string) => path.endsWith(ending) && !isFolder(path);
  if (isFile(WEIGHTS)) return await openModel(path.slice(0, -WEIGHTS.length) + CFG, options);
  if (isFile(CFG)) return await openDarknet(path, options);
  const { log, onImport, ...how } = options;
  const told = (format: ModelFormat) =>
    onImport === undefined ? {} : { onImport: (facts: ImportFacts) => onImport({ format, ...facts }) };
  if (isFile(ONNX)) {
    const model = await loadOnnx(path, { ...how, ...told("onnx") });
    log?.(`"${path}" is read as ${model.layers.length} layers, which answer as ONNX Runtime does with it.`);
    return model;
  }
  const graph = await readGraphJson(path);
  if (graph === undefined) {
    const { model } = await loadLayersModel(path);
    onImport?.({ format: "layers-model", records: layersAsTheyAre(model) });
    return options.shapes === undefined ? model : withShapes(model, { path, shapes: options.shapes });
  }
  const model = await importGraphModel(graph, { ...how, ...told("graph-model") });
  log?.(`"${path}" is a graph-model, read as ${model.layers.length} layers, which answer as it does.`);
  return model;
}

/** Whether `path` is a folder, whatever its name ends in. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Fixes shapes of inputs that a layers-model leaves open. */
function withShapes(
  model: tfl.LayersModel,
  { path, shapes }: { readonly path: string; readonly shapes: NonNullable<OpenModelOptions["shapes"]> },
): tfl.LayersModel {
  const names = inputNames(model);
  checkShapeNames(shapes, { of: names, path });
  model.inputs.forEach(({ shape }, i) =>
    checkAsked({ name: names[i], path, shape: shape.map((size) => size ?? "?"), asked: lookUp(shapes, names[i]) })
  );
  return inPlainWordsSync(() =>
    fixInputShape(
      model,
      Object.fromEntries(Object.entries(shapes).map(([name, [, ...shape]]) => [name, shape])),
    )
  );
}

async function openDarknet(
  path: string,
  { seed = 0, shapes = {}, log, onImport }: OpenModelOptions,
): Promise<tfl.LayersModel> {
  for (const name of Object.keys(shapes)) {
    throw cannotLoad(path, `--shape is of an input "${name}", a net of darknet has its sizes in the section [net]`);
  }
  const weights = path.slice(0, -CFG.length) + WEIGHTS;
  const hasWeights = exists(weights);
  const model = await loadDarknet({ cfg: path, seed, ...(hasWeights ? { weights } : {}) });
  log?.(
    hasWeights
      ? `"${path}" has the weights of "${weights}"; nothing runs darknet's nets here that its answers could be compared with.`
      : `"${path}" has no weights beside it ("${weights}"): it begins with fresh ones.`,
  );
  onImport?.({ format: "darknet", records: layersAsTheyAre(model) });
  return model;
}

/** The layers of a model that has none but those of its file. */
function layersAsTheyAre({ layers }: tfl.LayersModel): readonly ImportRecord[] {
  return layers.map((layer) => ({ node: layer.name, operator: layer.getClassName(), became: [layer.name] }));
}
