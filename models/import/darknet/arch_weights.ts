/** Weights of darknet for a net that is there already, without a configuration. */
import { ModelFileError } from "../../../src/io/errors.ts";
import { readFileWithin } from "../../../src/io/read.ts";
import {
  consumersOf,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  type LayerWeight,
} from "../../../src/rewrite/mod.ts";
import { reasonOf } from "../../../src/text/plain_errors.ts";
import { BEFORE_CLASSES, type Detection } from "../../detection.ts";
import { toChannelsLast } from "./_build.ts";
import { WeightReader } from "./_weights.ts";

/** The largest nets have some 250 million numbers. */
const MOST_BYTES = 2 ** 31;

/** What is read of a file. */
export interface DarknetReading {
  /** What the outputs of the net are, where the file may find boxes of another number of classes, which are not read then. */
  readonly exceptHead?: Detection;
}

/**
 * Reads a file of weights for the convolutions of `graph`, in its order: biases, what normalizes them, kernel.
 *
 * @returns Weights by the names of layers.
 * @throws {ModelFileError} If the file has fewer or more numbers than the net, or the net is none of convolutions.
 */
export async function readDarknetWeights(
  graph: LayerGraph,
  path: string,
  { exceptHead }: DarknetReading = {},
): Promise<ReadonlyMap<string, readonly LayerWeight[]>> {
  const bytes = await readFileWithin(path, { most: MOST_BYTES }).catch((cause) => {
    throw new ModelFileError(`Cannot load "${path}": ${reasonOf(cause, "it cannot be read")}`, { cause });
  });
  const reader = new WeightReader(bytes, path);
  const convolutions = graph.nodes.filter(({ layer }) => layer.weights.length > 0)
    .filter(({ layer }) => layer.className !== "BatchNormalization").map((node) => readable(graph, node, path));
  const heads = new Set(exceptHead === undefined ? [] : graph.outputs);
  const classes = exceptHead && classesIn(convolutions, { left: reader.left, detection: exceptHead, graph, path });
  const weights = new Map<string, readonly LayerWeight[]>();
  for (const convolution of convolutions) {
    if (classes !== undefined && exceptHead !== undefined && heads.has(convolution.name)) {
      const anchors = exceptHead.anchors[graph.outputs.indexOf(convolution.name)].length;
      reader.skip(
        anchors * (BEFORE_CLASSES + classes) * (convolution.inputs + 1),
        `the boxes of "${convolution.name}"`,
      );
    } else readOne(convolution, { reader, weights });
  }
  reader.end();
  return weights;
}

/** A convolution, and the batch normalization behind it. */
interface Convolution {
  readonly name: string;
  readonly layer: LayerSpec;
  readonly norm: LayerSpec | undefined;
  /** Numbers of the kernel for one output. */
  readonly inputs: number;
  readonly outputs: number;
}

function readable(graph: LayerGraph, { name, layer }: LayerNode, path: string): Convolution {
  const cannot = `Cannot load "${path}" for "${graph.name}"`;
  if (layer.className !== "Conv2D") {
    throw new ModelFileError(`${cannot}: "${name}" is a ${layer.className}, darknet's nets have convolutions there`);
  }
  const { shape } = layer.weights[0];
  const [reader] = consumersOf(graph, name);
  const norm = reader?.layer.className === "BatchNormalization" ? reader.layer : undefined;
  const outputs = shape[3];
  return { name, layer, norm, inputs: shape[0] * shape[1] * shape[2], outputs };
}

function sizeOf({ norm, inputs, outputs }: Convolution): number {
  return outputs * (inputs + (norm === undefined ? 1 : 4));
}

interface Counting {
  readonly left: number;
  readonly detection: Detection;
  readonly graph: LayerGraph;
  readonly path: string;
}

/** Finds how many classes the boxes of a file have, of how many numbers there are in it. */
function classesIn(
  convolutions: readonly Convolution[],
  { left, detection, graph, path }: Counting,
): number {
  let [others, each] = [0, 0];
  for (const convolution of convolutions) {
    const output = graph.outputs.indexOf(convolution.name);
    if (output < 0) others += sizeOf(convolution);
    else each += detection.anchors[output].length * (convolution.inputs + 1);
  }
  const classes = (left - others) / each - BEFORE_CLASSES;
  if (Number.isInteger(classes) && classes >= 1) return classes;
  throw new ModelFileError(
    `Cannot load "${path}" for "${graph.name}": it has ${left} numbers, ${others} and ${each} for each of the ` +
      `${BEFORE_CLASSES} and the classes of a box are needed`,
  );
}

function readOne(
  { name, layer, norm, inputs, outputs }: Convolution,
  { reader, weights }: { readonly reader: WeightReader; readonly weights: Map<string, readonly LayerWeight[]> },
): void {
  const read = (count: number, what: string) => reader.read(count, `the ${what} of "${name}"`);
  const bias = read(outputs, "biases");
  if (norm !== undefined) {
    const values: Readonly<Record<string, Float32Array>> = {
      beta: bias,
      gamma: read(outputs, "scales"),
      moving_mean: read(outputs, "means"),
      moving_variance: read(outputs, "variances"),
    };
    weights.set(norm.name, norm.weights.map((weight) => ({ ...weight, data: values[weight.name] })));
  }
  const [size, , channels] = layer.weights[0].shape;
  const kernel = toChannelsLast(read(outputs * inputs, "kernel"), { out: outputs, in: channels, size });
  weights.set(name, layer.weights.map((weight, i) => ({ ...weight, data: i === 0 ? kernel : bias })));
}
