/** Models of any format, by the names of their files. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { exists } from "../../src/io/disk.ts";
import { loadDarknet } from "./darknet/mod.ts";
import { readGraphJson } from "./_model_json.ts";
import { importGraphModel } from "./graph/mod.ts";
import { loadLayersModel } from "./layers_model.ts";
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
   * Shapes of inputs, the batch first, by their names and in the axes of the file: of those that a graph-model or an ONNX
   * model leaves open. Of a graph-model also of nodes within, which become inputs so.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Is told what was found. */
  readonly log?: (line: string) => void;
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
  if (path.endsWith(WEIGHTS)) return await openModel(path.slice(0, -WEIGHTS.length) + CFG, options);
  if (path.endsWith(CFG)) return await openDarknet(path, options);
  const { log } = options;
  if (path.endsWith(ONNX)) {
    const model = await loadOnnx(path, options);
    log?.(`"${path}" is read as ${model.layers.length} layers, which answer as ONNX Runtime does with it.`);
    return model;
  }
  const graph = await readGraphJson(path);
  if (graph === undefined) return (await loadLayersModel(path)).model;
  const model = await importGraphModel(graph, options);
  log?.(`"${path}" is a graph-model, read as ${model.layers.length} layers, which answer as it does.`);
  return model;
}

async function openDarknet(path: string, { seed = 0, log }: OpenModelOptions): Promise<tfl.LayersModel> {
  const weights = path.slice(0, -CFG.length) + WEIGHTS;
  const hasWeights = exists(weights);
  const model = await loadDarknet({ cfg: path, seed, ...(hasWeights ? { weights } : {}) });
  log?.(
    hasWeights
      ? `"${path}" has the weights of "${weights}"; nothing runs darknet's nets here that its answers could be compared with.`
      : `"${path}" has no weights beside it ("${weights}"): it begins with fresh ones.`,
  );
  return model;
}
