/** The weights of a file, for a net that is there already. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { exists } from "../../src/io/disk.ts";
import { fromModel, rebuild } from "../../src/rewrite/mod.ts";
import { inPlainWords } from "../../src/text/plain_errors.ts";
import { detectionOf } from "../detection.ts";
import { readDarknetWeights } from "../import/darknet/mod.ts";
import { openModel } from "../import/open_model.ts";
import { type CopiedWeights, copyWeights } from "./copy_weights.ts";

/** How weights are loaded. */
export interface LoadWeightsOptions {
  /** Whether the heads keep the weights that they have: the last layer with weights before each output. Default false. */
  readonly exceptHead?: boolean;
  /** Makes a float model of one that is prepared for quantization. Default: it is taken as it is. */
  readonly asFloat?: (model: tfl.LayersModel) => tfl.LayersModel;
  /** Is told what was found in the file. */
  readonly log?: (line: string) => void;
}

const CFG = ".cfg";
const WEIGHTS = ".weights";

/**
 * Returns a copy of `model` with the weights of a file of any format (see `openModel`) that holds a net which is built alike,
 * as `copyWeights` does. Of darknet's weights without a configuration beside them the convolutions of `model` get theirs
 * in its order, which is darknet's where the net is one of its.
 *
 * @throws {ModelFileError} If anything about the file is wrong, or it has fewer or more numbers than the net.
 * @throws {RangeError} If layers do not fit: all of them in one line, and nothing is loaded.
 */
export function loadWeights(
  model: tfl.LayersModel,
  path: string,
  options: LoadWeightsOptions = {},
): Promise<CopiedWeights> {
  return inPlainWords(() => load(model, path, options));
}

async function load(
  model: tfl.LayersModel,
  path: string,
  { exceptHead = false, asFloat = (model) => model, log }: LoadWeightsOptions,
): Promise<CopiedWeights> {
  if (path.endsWith(WEIGHTS) && !exists(path.slice(0, -WEIGHTS.length) + CFG)) {
    return await loadDarknet(model, path, exceptHead);
  }
  const side = model.inputs[0].shape[1];
  const source = await openModel(path, {
    ...(typeof side === "number" ? { side } : {}),
    ...(log === undefined ? {} : { log }),
  });
  const float = asFloat(source);
  try {
    return await copyWeights(model, float, { exceptHead, path, ...(log === undefined ? {} : { log }) });
  } finally {
    float.dispose();
    if (float !== source) source.dispose();
  }
}

async function loadDarknet(model: tfl.LayersModel, path: string, exceptHead: boolean): Promise<CopiedWeights> {
  const graph = fromModel(model);
  const detection = exceptHead ? detectionOf(model) : undefined;
  const weights = await readDarknetWeights(graph, path, detection === undefined ? {} : { exceptHead: detection });
  const nodes = graph.nodes.map((node) => {
    const own = weights.get(node.layer.name);
    return own === undefined ? node : { ...node, layer: { ...node.layer, weights: own } };
  });
  const layers = nodes.filter(({ layer }) => layer.className === "Conv2D" && weights.has(layer.name)).length;
  return { model: rebuild(model, { ...graph, nodes }), layers, idle: [], distance: undefined };
}
