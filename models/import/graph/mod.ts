/**
 * TF.js graph-models as layers-models.
 *
 * A graph-model is run once, node by node, on the backend that records: what it computes becomes an ONNX graph by the same
 * lowering that exported files are written by, and that graph is imported as any other. So every kernel of TF.js that can
 * be exported can be imported, whatever name its node had.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type GraphModel, loadGraphModel as loadWithTf } from "@tensorflow/tfjs-converter";
import type * as tfl from "@tensorflow/tfjs-layers";
import { basename, dirname } from "node:path";
import { BACKEND, registerBackend } from "../../../src/backend/mod.ts";
import { encodeModel } from "../../../src/onnx/file/mod.ts";
import { dropNanGuards } from "../../../src/passes/deploy/drop_nan_guards.ts";
import { mergeReshapes } from "../../../src/passes/merge_reshapes.ts";
import { runPasses } from "../../../src/passes/pass.ts";
import { checkChoice } from "../../../src/text/nearest.ts";
import { inPlainWords, reasonOf } from "../../../src/text/plain_errors.ts";
import { cannotLoad, type GraphJson } from "../_model_json.ts";
import { readWeightBytes } from "../_shards.ts";
import { inputShapeOf } from "../_input_shape.ts";
import type { ImportFacts, SourceAnswers } from "../imported.ts";
import { importGraph } from "../onnx/mod.ts";
import { compareWithTf, randomFeeds } from "./_compare.ts";
import { joinDilated, numbersOf } from "./_dilated.ts";
import { reshapePicked } from "./_only_samples.ts";
import { settle, type SettledWeight, staticNodes } from "./_static_nodes.ts";
import {
  type Border,
  bordersOf,
  giverOf,
  type GraphNodes,
  neededFor,
  plainName,
  readNodes,
  writeNodes,
} from "./_topology.ts";
import { type GraphInput, type SingleNodes, singleNodes, trace } from "./_trace.ts";
import { unfuse, unfuseMisread } from "./_unfuse.ts";

/** How a graph-model is read. */
export interface GraphModelOptions {
  /** Outputs to keep, in this order: the model's own or any node's. Default: all of its own. */
  readonly outputs?: readonly string[];
  /**
   * Shapes of inputs that leave some side open, the batch first, by their names. A node within becomes an input so, and what
   * is before it is left out.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Height and width of pictures where they are open and `shapes` does not say. Default: they are refused. */
  readonly side?: number;
  /** Is told what became of it. */
  readonly onImport?: (facts: ImportFacts) => void;
}

const OPSET = 17;

/**
 * Makes a layers-model of a graph-model, whose answers it has.
 *
 * @throws {ModelFileError} If the files are damaged, or the graph computes what has no layer: one line that says what.
 */
export async function importGraphModel(json: GraphJson, options: GraphModelOptions = {}): Promise<tfl.LayersModel> {
  const current = tf.getBackend();
  const backend = await registerBackend();
  await tf.setBackend(BACKEND);
  try {
    return await inPlainWords(() => load(json, { ...options, backend }));
  } finally {
    if (current !== undefined && current !== BACKEND) await tf.setBackend(current);
  }
}

type Loading = GraphModelOptions & { readonly backend: Awaited<ReturnType<typeof registerBackend>> };

async function load(json: GraphJson, options: Loading): Promise<tfl.LayersModel> {
  const { nodes: asked, inputs: borders, wanted } = partOf(json, options);
  const nodes = unfuseMisread(asked);
  const { data } = await readWeightBytes(json);
  const parts: Parts = { nodes, weights: [], data };
  const given = await open(json, parts);
  const inputs = inputsOf(given, { borders, path: json.path, ...options });
  const feeds = randomFeeds(inputs, { nodes, weights: given.weights });
  try {
    const settled = await settle(nodes, { model: given, feeds });
    const ends = new Set(inputs.map(({ name }) => name));
    const numbers = await numbersOf(given, settled.weights);
    const plain = joinDilated(unfuse(neededFor(settled.nodes, { values: wanted, ends })), numbers);
    const single = singleNodes(plain);
    const model = await open(json, { ...parts, weights: settled.weights, nodes: single.nodes });
    let facts: ImportFacts | undefined;
    try {
      const making = { ...options, inputs, wanted, onImport: (told: ImportFacts) => facts = told };
      const made = await makeLayers(model, json, { ...making, nodes: plain, single });
      const comparing = { feeds, inputs: made.inputs, outputs: wanted, path: json.path };
      const compared = await compareWithTf(made.layers, { ...comparing, model: given });
      const answer = answerOf(() => open(json, parts), { inputs, fed: made.inputs, wanted });
      options.onImport?.({ records: facts?.records ?? [], compared, source: { by: "TensorFlow.js", answer } });
      return made.layers;
    } finally {
      model.dispose();
    }
  } finally {
    tf.dispose(feeds);
    given.dispose();
  }
}

/** The part of a graph that is asked for. */
interface Part {
  readonly nodes: GraphNodes;
  readonly inputs: readonly Border[];
  /** Values. */
  readonly wanted: readonly string[];
}

function partOf(json: GraphJson, { outputs, shapes = {} }: GraphModelOptions): Part {
  const { path } = json;
  const all = readNodes(json);
  const borders = bordersOf(all, json.signature);
  const keys = new Map([...borders.inputs, ...borders.outputs].map(({ key, value }) => [key, value]));
  const valueOf = (name: string, what: string) => {
    const value = keys.get(name) ?? plainName(name);
    const known = [...all.keys()];
    checkChoice(giverOf(value), { of: known, cannot: `Cannot load "${path}": its ${what} "${name}"` });
    return value;
  };
  const wanted = outputs?.map((name) => valueOf(name, "output")) ?? borders.outputs.map(({ value }) => value);
  const within = Object.keys(shapes).map((name) => valueOf(name, "input"))
    .filter((value) => !borders.inputs.some((input) => input.value === value));
  const inputs = [...borders.inputs, ...within.map((value) => ({ value }))];
  const ends = new Set(inputs.map(({ value }) => giverOf(value)));
  const constants = staticNodes(all, ends);
  const decided = outputs === undefined ? wanted.filter((value) => !constants.has(giverOf(value))) : wanted;
  const nodes = neededFor(all, { values: decided, ends });
  const needed = inputs.filter(({ value }) => nodes.has(giverOf(value)));
  if (needed.length === 0) throw cannotLoad(path, "none of its outputs depends on an input");
  return { nodes: withInputs(nodes, ends), inputs: needed, wanted: decided };
}

/** Makes placeholders of nodes that are inputs, and none of others. */
function withInputs(nodes: GraphNodes, ends: ReadonlySet<string>): GraphNodes {
  return new Map([...nodes].map(([name, node]) => {
    const attr = { dtype: { type: "DT_FLOAT" }, ...node.attr };
    if (ends.has(name)) return [name, { ...node, op: "Placeholder", inputs: [], attr }];
    // One with a default is that.
    return [name, node.op === "PlaceholderWithDefault" ? { ...node, op: "Identity" } : node];
  }));
}

/** Types of inputs that layers can have. */
const NUMBERS: ReadonlySet<string> = new Set(["float32", "int32", "bool"]);

function inputsOf(
  { inputs }: GraphModel,
  { borders, path, shapes = {}, side }: Loading & { readonly borders: readonly Border[]; readonly path: string },
): readonly GraphInput[] {
  return borders.map(({ value, key, shape: told }) => {
    const name = giverOf(value);
    const { shape, dtype = "float32" } = inputs.find((input) => plainName(input.name) === name) ?? {};
    if (!NUMBERS.has(dtype)) throw cannotLoad(path, `its input "${name}" has the type "${dtype}", numbers are needed`);
    const asked = shapes[name] ?? shapes[value] ?? (key === undefined ? undefined : shapes[key]);
    return { name, dtype, shape: inputShapeOf({ name, path, shape: shape ?? told ?? asked ?? [], asked, side }) };
  });
}

interface Making extends Loading {
  readonly nodes: GraphNodes;
  readonly single: SingleNodes;
  readonly inputs: readonly GraphInput[];
  readonly wanted: readonly string[];
}

async function makeLayers(
  model: GraphModel,
  { path }: GraphJson,
  { nodes, single, inputs, wanted, backend, onImport }: Making,
): Promise<{ readonly layers: tfl.LayersModel; readonly inputs: readonly string[] }> {
  const { graph: { recorded, plain }, refused } = trace(nodes, { model, single, backend, inputs, wanted });
  const { graph } = runPasses([dropNanGuards, mergeReshapes], reshapePicked(plain));
  const bytes = encodeModel(recorded, { opset: OPSET });
  const layers = await importGraph({ bytes, graph, opset: OPSET }, {
    path,
    name: basename(dirname(path)) || "graph_model",
    inputs: Object.fromEntries(inputs.map(({ name, shape }) => [name, shape])),
    layout: "nhwc",
    refused,
    isNamed: (value) => nodes.has(giverOf(value)),
    // TensorFlow.js itself is asked below.
    tolerance: Infinity,
    ...(onImport === undefined ? {} : { onImport }),
  });
  return { layers, inputs: graph.inputs.filter((name) => graph.nodes.some((node) => node.inputs.includes(name))) };
}

interface Answering {
  readonly inputs: readonly GraphInput[];
  /** The inputs that the layers have. */
  readonly fed: readonly string[];
  readonly wanted: readonly string[];
}

/** Lets TensorFlow.js answer, with a graph-model that is opened for it; inputs that nobody reads are 0. */
function answerOf(reopen: () => Promise<GraphModel>, { inputs, fed, wanted }: Answering): SourceAnswers {
  return async (given) => {
    const model = await reopen();
    const [count] = given[0].shape;
    // A batch that the graph fixes is kept to.
    const size = model.inputs.map(({ shape }) => shape?.[0] ?? 0).find((size) => size > 0) ?? count;
    try {
      return tf.tidy(() => {
        const parts = Array.from({ length: Math.ceil(count / size) }, (_, i) => {
          const feeds = inputs.map(({ name, shape, dtype }) => {
            const x = given[fed.indexOf(name)];
            if (x === undefined) return [name, tf.zeros(shape, dtype)] as const;
            return [name, tf.cast(tf.slice(x, [i * size], [Math.min(size, count - i * size)]), dtype)] as const;
          });
          return [model.execute(Object.fromEntries(feeds), [...wanted])].flat();
        });
        return wanted.map((_, i) => tf.concat(parts.map((part) => part[i])));
      });
    } finally {
      model.dispose();
    }
  };
}

/** What a graph-model is made of. */
interface Parts {
  readonly nodes: GraphNodes;
  readonly weights: readonly SettledWeight[];
  /** Of the file's own weights. */
  readonly data: ArrayBuffer;
}

async function open({ path, topology, groups }: GraphJson, { nodes, weights, data }: Parts): Promise<GraphModel> {
  const own = groups.flatMap((group) => [...group.weights]);
  const whole = weights.length === 0
    ? data
    : await new Blob([data, ...weights.map(({ bytes }) => bytes.slice())]).arrayBuffer();
  const artifacts: tf.io.ModelArtifacts = {
    modelTopology: writeNodes(topology, nodes),
    weightSpecs: [...own, ...weights.map(({ spec }) => spec)],
    weightData: whole,
  };
  try {
    return await loadWithTf({ load: () => Promise.resolve(artifacts) });
  } catch (cause) {
    throw cannotLoad(path, `TensorFlow.js cannot read its graph: ${reasonOf(cause, "it is damaged")}`, cause);
  }
}
