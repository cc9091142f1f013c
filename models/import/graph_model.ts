/**
 * TF.js graph-models as layers-models.
 *
 * A graph-model is run once on the backend that records: what it computes becomes an ONNX graph by the same lowering that
 * exported files are written by, and that graph is imported as any other. So every kernel of TF.js that can be exported can
 * be imported, whatever name its node had.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type GraphModel, loadGraphModel as loadWithTf } from "@tensorflow/tfjs-converter";
import type * as tfl from "@tensorflow/tfjs-layers";
import { basename, dirname } from "node:path";
import { BACKEND, registerBackend } from "../../src/backend/mod.ts";
import type { Graph, Node } from "../../src/onnx/graph.ts";
import { encodeModel } from "../../src/onnx/file/mod.ts";
import { checkChoice, suggestName } from "../../src/text/nearest.ts";
import { inPlainWords, reasonOf } from "../../src/text/plain_errors.ts";
import { cannotLoad, type GraphJson } from "./_model_json.ts";
import { readWeightBytes } from "./_shards.ts";
import { inputShapeOf } from "./_input_shape.ts";
import { settle } from "./_static_nodes.ts";
import { importGraph } from "./onnx/mod.ts";

/** How a graph-model is read. */
export interface GraphModelOptions {
  /** Outputs to keep, in this order. Default: all. */
  readonly outputs?: readonly string[];
  /** Shapes of inputs that leave some side open, the batch first, by their names. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Height and width of pictures where they are open and `shapes` does not say. Default: they are refused. */
  readonly side?: number;
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
  const { path } = json;
  if (json.topology.node.length === 0) throw cannotLoad(path, "its graph has no nodes, at least one is needed");
  const { data } = await readWeightBytes(json);
  const given: Parts = { topology: json.topology, specs: json.groups.flatMap(({ weights }) => [...weights]), data };
  const first = await open(json, given);
  const inputs = inputsOf(first, { path, ...options });
  const wanted = wantedOutputs(first, json, options);
  const feeds = Object.fromEntries(inputs.map(({ name, shape, dtype }) => [name, tf.zeros(shape, dtype)]));
  try {
    const settled = await settle(json, { model: first, feeds }).catch((cause) => {
      throw cannotLoad(path, `TensorFlow.js cannot run it: ${becauseOf(cause)}`, cause);
    });
    if (settled === undefined) return await makeLayers(first, json, { inputs, wanted, ...options });
    const { topology, weights } = settled;
    const more = await new Blob([data, ...weights.map(({ bytes }) => bytes.slice())]).arrayBuffer();
    const specs = [...given.specs, ...weights.map(({ spec }) => spec)];
    const second = await open(json, { topology, specs, data: more });
    try {
      return await makeLayers(second, json, { inputs, wanted, ...options });
    } finally {
      second.dispose();
    }
  } finally {
    tf.dispose(feeds);
    first.dispose();
  }
}

interface GraphInput {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: tf.DataType;
}

function inputsOf(
  { inputs }: GraphModel,
  { path, shapes = {}, side }: Loading & { readonly path: string },
): readonly GraphInput[] {
  return inputs.map(({ name, shape, dtype }) => {
    const plain = plainName(name);
    return {
      name: plain,
      dtype,
      shape: inputShapeOf({ name: plain, path, shape: shape ?? [], asked: shapes[plain], side }),
    };
  });
}

/** The outputs that are asked for, or all that the model has and that are no constants. */
function wantedOutputs(model: GraphModel, json: GraphJson, { outputs }: GraphModelOptions): readonly string[] {
  const cannot = (name: string) => `Cannot load "${json.path}": its output "${name}"`;
  if (outputs !== undefined) {
    return outputs.map((name) => checkChoice(name, { of: nodeNames(json), cannot: cannot(name) }));
  }
  const constants = new Set(
    json.topology.node.filter((node) => Object(node).op === "Const").map((node) => String(Object(node).name)),
  );
  return model.outputs.map(({ name }) => name).filter((name) => !constants.has(plainName(name)));
}

async function makeLayers(
  model: GraphModel,
  { path }: GraphJson,
  { inputs, wanted, backend }: Loading & Pick<Tracing, "inputs" | "wanted">,
): Promise<tfl.LayersModel> {
  const names = new Map<object, string>();
  for (const [name, tensors] of Object.entries(model.weights)) {
    for (const { dataId } of tensors) names.set(dataId, name);
  }
  const graph = trace(model, { path, inputs, wanted, backend, names });
  const bytes = encodeModel(graph, { opset: OPSET });
  return await importGraph({ bytes, graph, opset: OPSET }, {
    path,
    name: basename(dirname(path)) || "graph_model",
    inputs: Object.fromEntries(inputs.map(({ name, shape }) => [name, shape])),
    layout: "nhwc",
  });
}

/** What a graph-model is made of. */
interface Parts {
  readonly topology: GraphJson["topology"];
  readonly specs: readonly tf.io.WeightsManifestEntry[];
  readonly data: ArrayBuffer;
}

async function open({ path, signature }: GraphJson, { topology, specs, data }: Parts): Promise<GraphModel> {
  const artifacts: tf.io.ModelArtifacts = {
    modelTopology: topology,
    ...(signature === undefined ? {} : { signature }),
    weightSpecs: [...specs],
    weightData: data,
  };
  try {
    return await loadWithTf({ load: () => Promise.resolve(artifacts) });
  } catch (cause) {
    throw cannotLoad(path, `TensorFlow.js cannot read its graph: ${reasonOf(cause, "it is damaged")}`, cause);
  }
}

/** TensorFlow's names of first outputs end in ":0". */
function plainName(name: string): string {
  return name.replace(/:0$/, "");
}

function nodeNames({ topology }: GraphJson): readonly string[] {
  return topology.node.map((node) => String(Object(node).name));
}

interface Tracing {
  readonly path: string;
  readonly inputs: readonly GraphInput[];
  readonly wanted: readonly string[];
  readonly backend: Loading["backend"];
  /** Of weights, by where their elements are. */
  readonly names: ReadonlyMap<object, string>;
}

function trace(model: GraphModel, { path, inputs, wanted, backend, names }: Tracing): Graph {
  try {
    const graph = backend.trace(inputs, (tensors) => {
      const feeds = Object.fromEntries(inputs.map(({ name }, i) => [name, tensors[i]]));
      return [model.execute(feeds, [...wanted])].flat();
    }, { nameOf: (dataId) => names.get(dataId) });
    const nodes = namedByWeights(graph);
    return renamed({ ...graph, nodes }, wanted.map(plainName));
  } catch (cause) {
    const because = becauseOf(cause);
    throw cannotLoad(path, `${because}; ${whichOutputs(model, because)}`, cause);
  }
}

/** What TensorFlow.js says of a graph that it cannot run. */
function becauseOf(cause: unknown): string {
  const [, op] = /^Unknown op '([^']+)'/.exec(cause instanceof Error ? cause.message : "") ?? [];
  return op === undefined ? reasonOf(cause, "it computes what cannot be recorded") : `it has no operator "${op}"`;
}

/** What to ask for where a tail cannot be recorded: boxes that are picked by their values, loops. */
function whichOutputs(model: GraphModel, because: string): string {
  const { nodes = {} } = Object(Object(model).executor).graph ?? {};
  const names = Object.keys(nodes);
  const blamed = names.find((name) => because.includes(name));
  const before = blamed === undefined ? [] : readBy(nodes[blamed]);
  return before.length > 0
    ? `needed are outputs before it (--outputs ${before.join(",")})`
    : `needed are outputs before what it is about (--outputs names nodes${
      blamed === undefined ? "" : `, ${suggestName(blamed, names)}`
    })`;
}

function readBy(node: unknown): readonly string[] {
  const names: unknown = Object(node).inputNames;
  return Array.isArray(names) ? names.map((name) => plainName(String(name))) : [];
}

/** Operators that lay a weight out as ONNX wants it. */
const LAYOUTS = new Set(["Transpose", "Reshape", "Identity"]);

/** Names nodes after the weights that they read, as far as they have names. */
function namedByWeights({ nodes, initializers }: Graph): readonly Node[] {
  const taken = new Set(nodes.map(({ name }) => name));
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const weightOf = (name: string): string | undefined => {
    const producer = producers.get(name);
    if (producer !== undefined) return LAYOUTS.has(producer.op) ? weightOf(producer.inputs[0]) : undefined;
    return initializers.has(name) && name.includes("/") ? name : undefined;
  };
  return nodes.map((node) => {
    const weight = LAYOUTS.has(node.op) ? undefined : node.inputs.map(weightOf).find((name) => name !== undefined);
    const base = weight?.slice(0, weight.lastIndexOf("/"));
    if (base === undefined || base === "" || taken.has(base)) return node;
    taken.add(base);
    return { ...node, name: base };
  });
}

/** Gives the outputs of a graph the names that they had. */
function renamed(graph: Graph, wanted: readonly string[]): Graph {
  const known = new Set([...graph.inputs, ...graph.initializers.keys()]);
  const names = new Map(graph.outputs.flatMap((name, i) => known.has(name) ? [] : [[name, wanted[i]] as const]));
  const used = new Set(graph.types.keys());
  for (const [from, to] of names) if (used.has(to)) names.delete(from);
  const rename = (name: string) => names.get(name) ?? name;
  return {
    ...graph,
    outputs: graph.outputs.map(rename),
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) })),
    types: new Map([...graph.types].map(([name, type]) => [rename(name), type])),
  };
}
