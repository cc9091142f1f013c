/** ONNX models as TF.js layers-models, channels last. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { basename } from "node:path";
import type { Graph, Node } from "../../../src/onnx/graph.ts";
import { toModel } from "../../../src/rewrite/mod.ts";
import { inPlainWords, reasonOf } from "../../../src/text/plain_errors.ts";
import { checkChoice, lookUp } from "../../../src/text/nearest.ts";
import { checkShapeNames, inputShapeOf } from "../_input_shape.ts";
import { type Difference, differenceOf, type ImportFacts } from "../imported.ts";
import { explaining } from "../probe.ts";
import { recognizeBounds } from "./_bounds.ts";
import { LayerBuilder } from "./_builder.ts";
import { settleBranches } from "./_branches.ts";
import { Call, Refusal, type Row } from "./_call.ts";
import { batchAxes, type BatchFirst, bringBatchFirst, isFirst, type Placed } from "./batch/mod.ts";
import { type Dequantized, dequantizedFile } from "./_dequantize.ts";
import { livingNodes, observe, type Observed } from "./_observe.ts";
import { recognize } from "./patterns/mod.ts";
import { proposedOutputs, refusalOf, type RefusedNode, whyUnknown } from "./_refusals.ts";
import { cannotLoadOnnx, type GraphFile, named, readOnnxFile } from "./_read_file.ts";
import { recordsOf } from "./_records.ts";
import { asStored, sourceOf } from "./_source.ts";
import { recognizeSlopes } from "./_slopes.ts";
import { upgrade } from "./_upgrade.ts";
import { channelsLast, plainOrder, type Value } from "./_value.ts";
import { ATTENTION } from "./ops/attention.ts";
import { CONVOLUTIONS } from "./ops/conv.ts";
import { TRANSPOSED_CONVOLUTIONS } from "./ops/conv_transpose.ts";
import { EINSUMS } from "./ops/einsum.ts";
import { ELEMENTWISE } from "./ops/elementwise.ts";
import { NORMALIZATIONS } from "./ops/normalize.ts";
import { OPERATION_ROWS } from "./ops/operations.ts";
import { RECURRENT } from "./ops/recurrent.ts";
import { POOLS } from "./ops/pool.ts";
import { REDUCTIONS } from "./ops/reduce.ts";
import { RESIZES } from "./ops/resize.ts";
import { SCATTERS } from "./ops/scatter.ts";
import { SHAPES } from "./ops/shape.ts";
import { SLICES } from "./ops/slice.ts";
import { SOFTMAXES } from "./ops/softmax.ts";

/** The operators that can be imported, by their names. */
export const ONNX_ROWS: Readonly<Record<string, Row>> = {
  ...CONVOLUTIONS,
  ...TRANSPOSED_CONVOLUTIONS,
  ...EINSUMS,
  ...ELEMENTWISE,
  ...NORMALIZATIONS,
  ...POOLS,
  ...REDUCTIONS,
  ...RESIZES,
  ...SCATTERS,
  ...SHAPES,
  ...SLICES,
  ...SOFTMAXES,
  ...OPERATION_ROWS,
  ...RECURRENT,
};

/** These, and what is put in the place of several nodes. */
const ROWS: Readonly<Record<string, Row>> = { ...ONNX_ROWS, ...ATTENTION };

/** How a file is read. */
export interface OnnxOptions {
  /** Shapes of inputs whose dimensions are open, the batch excepted, by their names. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Values that are outputs, the model's own or others within it. Default: its own. */
  readonly outputs?: readonly string[];
  /** Height and width of pictures where they are open and `shapes` does not say. Default: they are refused. */
  readonly side?: number;
  /** The largest error that its answers may have, relative to the largest answer. Default 1e-4. */
  readonly tolerance?: number;
  /** Is told what became of it. */
  readonly onImport?: (facts: ImportFacts) => void;
}

/**
 * Loads an ONNX model as layers of TF.js, and compares what it answers with what ONNX Runtime answers.
 *
 * Pictures are channels last at the model's borders and within; nothing is transposed for that. Outputs keep ONNX's order
 * of axes where they are no pictures.
 *
 * @throws {ModelFileError} If the file is damaged, or has operators that cannot be imported: all of them in one line.
 */
export async function loadOnnx(path: string, options: OnnxOptions = {}): Promise<tfl.LayersModel> {
  await tf.ready();
  return await inPlainWords(() => load(path, options));
}

async function load(path: string, { shapes = {}, outputs, side, ...options }: OnnxOptions) {
  const read = await readOnnxFile(path);
  const quantized = dequantizedFile(read, { path, keep: [...read.graph.outputs, ...outputs ?? []] });
  const file = quantized ?? read;
  const { graph } = file;
  checkShapeNames(shapes, { of: graph.inputs, path });
  const dims = graph.inputs.map((name) => ({ name, shape: graph.types.get(name)?.shape ?? [] }));
  const inputs = Object.fromEntries(dims.map(({ name, shape }) => [
    name,
    inputShapeOf({ name, path, shape, asked: lookUp(shapes, name), side }),
  ]));
  const batches = Object.fromEntries(dims.map(({ name, shape }) => [name, batchAxes(lookUp(shapes, name) ?? shape)]));
  const known = graph.nodes.flatMap((node) => node.outputs);
  const wanted = outputs?.map((name) =>
    checkChoice(name, { of: known, cannot: `Cannot load "${path}": its value "${name}"` })
  );
  const name = basename(path, ".onnx");
  return await importGraph(file, {
    path,
    inputs,
    batches,
    name,
    layout: "nchw",
    ...options,
    ...(quantized === undefined ? {} : { quantized: { ...quantized, original: read.bytes } }),
    ...(wanted === undefined ? {} : { outputs: wanted }),
  });
}

/** The largest error, relative to the largest answer. */
const TOLERANCE = 1e-4;

/** How a graph is imported. */
export interface ImportOptions {
  /** What messages call the model. */
  readonly path: string;
  /** The name of the model that is made. */
  readonly name: string;
  /** The shape of each input, the batch first. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** The axes of each input that may be its batch, the likeliest first. Default: the first one. */
  readonly batches?: Readonly<Record<string, readonly number[]>>;
  /** Values that are outputs. Default: the graph's own. */
  readonly outputs?: readonly string[];
  /** Where pictures have their channels at the borders of the graph. */
  readonly layout: "nchw" | "nhwc";
  /** Default 1e-4. */
  readonly tolerance?: number;
  /** What a quantized file has beside the float graph that it stands for. */
  readonly quantized?: Omit<Dequantized, "graph"> & { readonly original: Uint8Array };
  /** Nodes of the source that are not in the graph, since they cannot be; its outputs are what they read. */
  readonly refused?: readonly RefusedNode[];
  /** Is told what became of it. */
  readonly onImport?: (facts: ImportFacts) => void;
  /** Whether a value has a name that users know. Default: all have. */
  readonly isNamed?: (value: string) => boolean;
}

/**
 * Makes layers of a graph, and compares what they answer with what ONNX Runtime does.
 *
 * @throws {ModelFileError} If nodes cannot be imported: all of them in one line.
 */
export async function importGraph(file: GraphFile, options: ImportOptions): Promise<tfl.LayersModel> {
  const { path, inputs, batches = {}, outputs = file.graph.outputs, tolerance = TOLERANCE, refused = [] } = options;
  if (outputs.length === 0 && refused.length > 0) throw cannotLoadOnnx(path, refusalOf(refused, []));
  if (outputs.length === 0) throw cannotLoadOnnx(path, "it has no outputs, at least one is needed");
  let settled: Omit<GraphFile, "opset">;
  let observed: Observed;
  try {
    settled = settleBranches(file, inputs);
    observed = observe(settled.bytes, { graph: settled.graph, inputs, outputs });
  } catch (cause) {
    if (refused.length > 0) throw cannotLoadOnnx(path, refusalOf(refused, []));
    throw cannotLoadOnnx(path, `ONNX Runtime cannot run it: ${reasonOf(cause, "it is damaged")}`, cause);
  }
  const { bytes, graph: read } = settled;
  const ownNames = named(read);
  const graph = { ...upgrade(ownNames, file.opset), outputs };
  const statics = new Map([...graph.initializers, ...observed.statics]);
  const nodes = livingNodes(graph, statics);
  const flow = bringBatchFirst(
    { ...observed, nodes, statics },
    readInputs(graph, nodes).map((name) => ({ name, axes: batches[name] ?? [0] })),
  );
  checkOpen(flow, { path, types: graph.types, batches });
  const sloped = recognizeBounds(recognizeSlopes(flow));
  const recognized = recognize(sloped.nodes, { ...sloped, outputs });
  const built = translate({ ...graph, nodes: recognized }, { ...options, flow: sloped });
  if (built.inputs.length === 0) throw cannotLoadOnnx(path, "none of its outputs depends on an input");
  const model = explaining(path, () => toModel(built.layers));
  const compared = await compare(model, { observed, ...built, path, tolerance });
  const living = new Set([...nodes, ...recognized].map((node) => node.name));
  options.onImport?.({
    records: recordsOf(ownNames, { living, statics, layersOf: built.layersOf }),
    compared,
    source: { by: "ONNX Runtime", answer: sourceOf(bytes, { ...built, feeds: observed.feeds }) },
    ...gridsFor(model, { built, feeds: observed.feeds, quantized: options.quantized }),
  });
  return model;
}

interface Gridded {
  readonly built: Translated;
  readonly feeds: Observed["feeds"];
  readonly quantized: ImportOptions["quantized"];
}

/** The grids of a quantized file, by the layers of the model that was made of it. */
function gridsFor(model: tfl.LayersModel, { built, feeds, quantized }: Gridded): Pick<ImportFacts, "grids"> {
  if (quantized === undefined) return {};
  const { isDynamic, original } = quantized;
  const values = [...quantized.values].flatMap(([name, grid]) => {
    const layer = built.layerOf(name);
    return layer === undefined ? [] : [[layer, grid] as const];
  });
  const weights = [...quantized.weights].flatMap(([node, grid]) =>
    built.layersOf(node).filter((layer) => model.getLayer(layer).weights.length > 0).map((layer) =>
      [layer, grid] as const
    )
  );
  const answer = sourceOf(original, { ...built, feeds });
  return { grids: { values: new Map(values), weights: new Map(weights), isDynamic, answer } };
}

interface Translated {
  readonly layers: ReturnType<LayerBuilder["build"]>;
  /** Names the layers that a node made or changed. */
  readonly layersOf: (node: string) => readonly string[];
  /** Names the layer that gives a value, if there is one. */
  readonly layerOf: (value: string) => string | undefined;
  /** The inputs of the graph that the model has, in its order. */
  readonly inputs: readonly { readonly name: string; readonly value: Value }[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
}

/** Lists the inputs that nodes read. */
function readInputs({ inputs }: Graph, nodes: readonly Node[]): readonly string[] {
  return inputs.filter((name) => nodes.some((node) => node.inputs.includes(name)));
}

interface Translating extends Pick<ImportOptions, "path" | "name" | "layout" | "refused" | "isNamed"> {
  readonly flow: BatchFirst;
}

/** @param graph Its nodes are those that compute something, with the batch first. */
function translate(
  graph: Graph,
  { flow, path, name: modelName, layout, refused = [], isNamed = () => true }: Translating,
): Translated {
  const { shapes, places } = flow;
  const { nodes } = graph;
  const builder = new LayerBuilder(graph.outputs);
  const values = new Map<string, Value>();
  const inputs = readInputs(graph, nodes).map((name) => {
    const shape = shapes.get(name) ?? [];
    const order = layout === "nhwc" ? plainOrder(shape.length) : inputOrder(name, shape, nodes);
    const { made, read } = builder.input(name, order.map((axis) => shape[axis]));
    const value: Value = { shape, order, read: () => read, ...batchOf(places.get(name)) };
    values.set(name, value);
    return { name, value, made };
  });
  const readers = new Map<string, number>();
  for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...graph.outputs]) {
    readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  const sources = { ...flow, values, readers };
  const refusals = [...refused];
  const unknown = new Set<string>();
  for (const node of nodes) {
    if (node.inputs.some((name) => unknown.has(name))) {
      node.outputs.forEach((name) => unknown.add(name));
      continue;
    }
    try {
      builder.base = node.name;
      const because = flow.refused.get(node.name);
      if (because !== undefined) throw new Refusal(because);
      const given = importNode(new Call(node, builder, sources));
      given.forEach((value, i) => {
        if ((node.outputs[i] ?? "") !== "") values.set(node.outputs[i], value);
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push({ node: node.name, op: node.op, because: error.message });
      node.outputs.forEach((name) => unknown.add(name));
    }
  }
  if (refusals.length > 0) {
    const proposed = proposedOutputs(graph, { nodes, unknown, isValue: (value) => values.has(value), isNamed });
    throw cannotLoadOnnx(path, refusalOf(refusals, proposed));
  }
  const outputs = graph.outputs.map((name) => {
    const value = values.get(name);
    if (value === undefined) throw cannotLoadOnnx(path, `its output "${name}" does not depend on an input`);
    builder.base = name;
    // Pictures stay as TF.js has them, anything else is as the file says.
    const order = layout === "nchw" && value.shape.length === 4 && value.order.join() === channelsLast(4).join()
      ? value.order
      : plainOrder(value.shape.length);
    return { name, value: { ...value, order, ...batchOf(places.get(name)) }, stored: builder.stored(value, order) };
  });
  const given = new Map(inputs.map(({ made }) => [made, made]));
  const named = outputs.map(({ name, stored }) => {
    const known = given.get(stored);
    builder.base = name;
    // Outputs of one value, or of an input, are layers of their own, for each has a name.
    const own = known === undefined ? builder.nameOutput(stored, name) : builder.nameOutput(
      builder.layer({ className: "Activation", config: { activation: "linear" }, inbound: [known] }),
      name,
    );
    if (known === undefined) given.set(stored, own);
    return own;
  });
  const layers = builder.build(modelName, { inputs: inputs.map(({ made }) => made), outputs: named });
  const kept = new Set(layers.nodes.map(({ name }) => name));
  const layersOf = (node: string) => builder.madeBy(node).filter((layer) => kept.has(layer));
  const layerOf = (name: string) => {
    const value = values.get(name);
    const layer = value === undefined ? undefined : builder.nameNow(value.row ?? value.read());
    return layer !== undefined && kept.has(layer) ? layer : undefined;
  };
  return { layers, layersOf, layerOf, inputs, outputs };
}

function batchOf(place: Placed | undefined): Pick<Value, "batch"> {
  return place === undefined || isFirst(place.batch) ? {} : { batch: place.batch };
}

interface Opened extends Pick<ImportOptions, "path" | "batches"> {
  readonly types: Graph["types"];
}

/** Holds that an axis which was taken for the batch since it is the only open one can be it. */
function checkOpen({ problems }: BatchFirst, { path, batches = {}, types }: Opened): void {
  const odd = Object.keys(batches).find((name) => !batches[name].includes(0));
  if (problems === 0 || odd === undefined) return;
  const dims = (types.get(odd)?.shape ?? []).map((side) => side === "" ? "?" : side);
  throw cannotLoadOnnx(
    path,
    `its input "${odd}" is [${dims}], needed are numbers behind the batch (--shape ${odd}=1,…)`,
  );
}

function importNode(call: Call): readonly Value[] {
  const { op, domain } = call.node;
  const row = domain === undefined && Object.hasOwn(ROWS, op) ? ROWS[op] : undefined;
  if (row === undefined) {
    throw new Refusal(domain === undefined ? whyUnknown(op) : `its domain is "${domain}"`);
  }
  const given = row(call);
  return Array.isArray(given) ? given : [given as Value];
}

/** Pictures are stored channels last, unless the model has them so itself, and transposes them first. */
function inputOrder(name: string, shape: readonly number[], nodes: readonly Node[]): readonly number[] {
  if (shape.length !== 4) return plainOrder(shape.length);
  const readers = nodes.filter(({ inputs }) => inputs.includes(name));
  const isLast = readers.every(({ op, attrs }) => op === "Transpose" && String(attrs.perm) === "0,3,1,2");
  return isLast ? plainOrder(4) : channelsLast(4);
}

interface Comparing extends Pick<Translated, "inputs" | "outputs"> {
  readonly observed: Observed;
  readonly path: string;
  readonly tolerance: number;
}

/** Holds what the model answers to what ONNX Runtime did. */
async function compare(
  model: tfl.LayersModel,
  { observed, inputs, outputs, path, tolerance }: Comparing,
): Promise<readonly Difference[]> {
  const fed = inputs.map(({ name, value }) => asStored(observed.feeds[name], value));
  const answers = explaining(path, () => [model.predict(fed.length === 1 ? fed[0] : fed)].flat());
  const known = outputs.map(({ name, value }) => asStored(observed.outputs[name], value));
  try {
    const differences = await Promise.all(outputs.map(async ({ name: output }, i) => ({
      output,
      error: differenceOf(await answers[i].data(), await known[i].data()),
    })));
    const wrong = differences.find(({ error }) => !(error <= tolerance));
    if (wrong === undefined) return differences;
    throw cannotLoadOnnx(
      path,
      `its output "${wrong.output}" would be wrong by ${wrong.error.toExponential(1)} of its largest number`,
    );
  } finally {
    tf.dispose([fed, answers, known]);
  }
}
