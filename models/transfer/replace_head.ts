/** A new classifier on a net that has learned something else. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { seedFor } from "../../src/numbers/seed.ts";
import {
  consumersOf,
  freshName,
  fromModel,
  isOutput,
  type LayerConfig,
  type LayerGraph,
  type LayerNode,
  type LayerWeight,
  ownCall,
  rebuild,
  valuesOf,
} from "../../src/rewrite/mod.ts";
import { drawBoxes, startBoxes } from "../arch/mod.ts";
import { attachDetection, BEFORE_CLASSES, type Detection, detectionOf } from "../detection.ts";
import { type Head, headsOf, isFusedWithSquashing, isSquashing } from "./_head.ts";

/** What the new head answers. */
export interface HeadChange {
  /** Numbers of an answer; of a detector, classes. */
  readonly outputs: number;
  /** What it ends in: "softmax" (default) to tell classes apart, "sigmoid" for shares, or "linear": numbers as they are. */
  readonly activation?: "softmax" | "sigmoid" | "linear";
  /** Of its weights. Default 0. */
  readonly seed?: number;
  /** What its bias starts from, a number an output; most of the kernel is taken away then. Default: zeros. */
  readonly bias?: readonly number[];
}

/** More outputs than this are a slip of the finger. */
const MOST_OUTPUTS = 1_000_000;

/** What is left of the kernel beside a bias that answers are to start from. */
const KERNEL_SHARE = 0.01;

/**
 * Returns a copy of `model` whose last layer with weights is a new one of `outputs` numbers, with fresh weights. What
 * followed it stays where it is no softmax or sigmoid and has no weights: pooling behind a convolution, say. The output
 * keeps its name.
 *
 * Of a detector (see `detectionOf`) each output gets boxes of so many classes, with the anchors that it has.
 *
 * The weights start as in Glorot and Bengio (2010), by the seed and the layer's name; one seed gives the same weights on
 * every backend.
 *
 * @throws {RangeError} If the number of outputs is none, or the model has no such layer: an output is given by a layer that
 *   joins two values, or by one with weights of another kind.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { replaceHead } from "./replace_head.ts";
 *
 * const dense = tfl.layers.dense({ name: "fc", units: 1000, activation: "softmax", inputShape: [8] });
 * const model = replaceHead(tfl.sequential({ layers: [dense] }), { outputs: 3, seed: 1 });
 * assert.deepEqual(model.outputs[0].shape, [null, 3]);
 * assert.deepEqual(model.layers.slice(1).map((layer) => layer.name), ["fc_linear", "fc"]);
 * ```
 */
export function replaceHead(model: tfl.LayersModel, change: HeadChange): tfl.LayersModel {
  const cannot = `Cannot replace the head of "${model.name}"`;
  const { outputs } = change;
  if (!Number.isInteger(outputs) || outputs < 1 || outputs > MOST_OUTPUTS) {
    throw new RangeError(
      `${cannot}: ${outputs} outputs are asked for, a whole number from 1 to ${MOST_OUTPUTS} is needed`,
    );
  }
  const graph = fromModel(model);
  const heads = headsOf(graph, cannot);
  const detection = detectionOf(model);
  if (detection !== undefined) return replaceBoxes(model, { graph, heads, detection, change, cannot });
  const draw: Draw = (shape, seed) => tfl.initializers.glorotUniform({ seed }).apply(shape);
  const changed = heads.reduce((current, head) => replaced(current, head, { ...change, cannot, draw }), graph);
  return built(model, changed, cannot);
}

/** TF.js says what does not fit where a layer behind the head wanted as many numbers as there were. */
function built(model: tfl.LayersModel, graph: LayerGraph, cannot: string): tfl.LayersModel {
  try {
    return rebuild(model, graph);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new RangeError(
      `${cannot}: what follows its last layer with weights does not take as many: ${cause.message}`,
      {
        cause,
      },
    );
  }
}

interface Replacing extends HeadChange {
  readonly cannot: string;
  /** Draws the kernel. */
  readonly draw: Draw;
}

/** Makes the numbers of a kernel of a shape. */
type Draw = (shape: number[], seed: number) => tf.Tensor;

function replaced(graph: LayerGraph, { node, behind, output }: Head, change: Replacing): LayerGraph {
  const { activation = "softmax", outputs, cannot } = change;
  const reader = [node, ...behind].find((one) => readersOf(graph, one) !== 1);
  if (reader !== undefined) throw new RangeError(`${cannot}: "${reader.name}" is read more than once`);
  const kept = behind.filter((one) => !isSquashing(one) && one.layer.weights.length === 0)
    .map((one) => withOutputs(one, { before: outputsOf(node), now: outputs, cannot }));
  const ends = activation === "linear" ? [] : [activationNode(activation)];
  const gone = new Set([node, ...behind].map(({ name }) => name));
  const rest = { ...graph, nodes: graph.nodes.filter(({ name }) => !gone.has(name)) };
  const chain = named([freshLayer(node, change), ...kept, ...ends], { rest, output });
  const at = graph.nodes.findIndex(({ name }) => name === node.name);
  const behindAt = graph.nodes.slice(at).filter(({ name }) => !gone.has(name));
  return { ...graph, nodes: [...graph.nodes.slice(0, at), ...linked(chain, node.inbound[0]), ...behindAt] };
}

/** How often what a node gives is read, by a layer or by whoever runs the model. */
function readersOf(graph: LayerGraph, node: LayerNode): number {
  return valuesOf(node).reduce(
    (sum, value) => sum + consumersOf(graph, value).length + Number(isOutput(graph, value)),
    0,
  );
}

function outputsOf({ layer: { weights: [{ shape }] } }: LayerNode): number {
  return shape[shape.length - 1];
}

/** No Softmax: behind layers that end a mask of steps TF.js hands the mask on, and that layer takes it for its own numbers'. */
function activationNode(name: "softmax" | "sigmoid"): LayerNode {
  return ownCall({ name, className: "Activation", config: { activation: name }, inbound: [] });
}

/** The layer that answers, anew. */
function freshLayer(node: LayerNode, { outputs, seed = 0, bias, draw }: Replacing): LayerNode {
  const { name, layer, inbound } = node;
  const shape = layer.weights[0].shape.with(-1, outputs);
  const kernel = tf.tidy(() => {
    const drawn = draw([...shape], seedFor(name, seed));
    return (bias === undefined ? drawn : tf.mul(drawn, KERNEL_SHARE)).dataSync<"float32">().slice();
  });
  const weights: readonly LayerWeight[] = [
    { name: "kernel", dtype: "float32", shape, data: kernel },
    { name: "bias", dtype: "float32", shape: [outputs], data: Float32Array.from(bias ?? new Float32Array(outputs)) },
  ];
  const isDense = shape.length === 2;
  const activation = isFusedWithSquashing(node) ? "linear" : layer.config.activation ?? "linear";
  const own: LayerConfig = isDense ? { units: outputs } : { ...layer.config, filters: outputs };
  const config: LayerConfig = { ...own, useBias: true, activation, trainable: true };
  return ownCall({ name, className: isDense ? "Dense" : layer.className, config, inbound, weights });
}

interface Width {
  readonly before: number;
  readonly now: number;
  readonly cannot: string;
}

/** A layer behind the head: a Reshape says how many numbers it gives. */
function withOutputs(node: LayerNode, { before, now, cannot }: Width): LayerNode {
  const { layer } = node;
  if (layer.className !== "Reshape") return node;
  const target = layer.config.targetShape;
  if (!Array.isArray(target) || target.at(-1) === -1) return node;
  if (target.at(-1) !== before) {
    throw new RangeError(
      `${cannot}: "${node.name}" (Reshape) gives [${target}], needed is one whose last side is the ${before} numbers`,
    );
  }
  return { ...node, layer: { ...layer, config: { ...layer.config, targetShape: target.with(-1, now) } } };
}

/** Gives the last of `chain` the name of the output, and the others names that nothing of the `rest` has. */
function named(
  chain: readonly LayerNode[],
  { rest, output }: { readonly rest: LayerGraph; readonly output: string },
): readonly LayerNode[] {
  const taken = new Set([output]);
  return chain.map((node, i) => {
    const wanted = node.name === output ? `${output}_linear` : node.name;
    const name = i === chain.length - 1 ? output : freshName(rest, wanted, taken);
    taken.add(name);
    return { ...node, name, layer: { ...node.layer, name, config: { ...node.layer.config, name } } };
  });
}

/** Lets each of `chain` read the one before it, and the first `input`. */
function linked(chain: readonly LayerNode[], input: string): readonly LayerNode[] {
  return chain.map((node, i) => ({ ...node, inbound: [i === 0 ? input : chain[i - 1].name] }));
}

interface Boxes {
  readonly graph: LayerGraph;
  readonly heads: readonly Head[];
  readonly detection: Detection;
  readonly change: HeadChange;
  readonly cannot: string;
}

function replaceBoxes(
  model: tfl.LayersModel,
  { graph, heads, detection, change: { outputs: classes, seed = 0 }, cannot }: Boxes,
): tfl.LayersModel {
  const other = heads.find(({ behind }) => behind.length > 0);
  if (other !== undefined) {
    throw new RangeError(
      `${cannot}: its boxes of "${other.output}" go through "${other.behind[0].name}", which is not known`,
    );
  }
  const changed = heads.reduce((current, head, i) => {
    const outputs = detection.anchors[i].length * (BEFORE_CLASSES + classes);
    return replaced(current, head, { outputs, seed, activation: "linear", cannot, draw: drawBoxes });
  }, graph);
  const made = built(model, changed, cannot);
  attachDetection(made, { ...detection, classes });
  startBoxes(made, { classes });
  return made;
}
