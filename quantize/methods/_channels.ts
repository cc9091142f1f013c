/**
 * Which channels of a net can be scaled without changing what it computes.
 *
 * A channel can be given as x/s if the weights that give it are divided by s and those that read it multiplied by s, where
 * all between them is positively homogeneous: f(x/s) = f(x)/s for s > 0. So are ReLU, LeakyReLU, PReLU, pools, padding by
 * 0 and all that moves values; sigmoid is not, nor is ReLU6. Channels that are added, compared or read by the same weights
 * need the same s: they are one set. A set that meets anything else (an input or output of the model, a sigmoid) is
 * pinned: its s is 1.
 *
 * It holds for shared layers too: what several calls of one layer read, and what they give, has one s.
 */
import type { Shape } from "@tensorflow/tfjs-layers";
import { ruleOf } from "../../src/layers/mod.ts";
import {
  activationOf,
  callsOf,
  consumersOf,
  isInput,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  valuesOf,
  weightOf,
} from "../../src/rewrite/mod.ts";
import { groupsOf } from "./_groups.ts";
import { type Row, Sets } from "./_sets.ts";

/** Stands for the set of a channel that is pinned. */
export const PINNED = -1;

/** A linear operation with weights, between the channels that it reads and those that it gives. */
export interface Stage {
  /** The layer that has the weights, by the name of its first call. */
  readonly layer: string;
  /**
   * "full": a kernel [..., in / groups, out]. "depthwise": one [kh, kw, in, multiplier]. "norm": batch normalization on its own.
   * "layer-norm": gives channels by its gamma and beta; what it reads is pinned.
   */
  readonly kind: "full" | "depthwise" | "norm" | "layer-norm";
  /** Of a full kernel: each group of the channels that it gives reads a group of its own. Absent: 1. */
  readonly groups?: number;
  /** Name of the kernel among the layer's weights; "" of a normalization. */
  readonly kernel: string;
  /** Whether the layer's bias, if it has one, is added to what this operation gives. */
  readonly isLast: boolean;
  /** The batch normalization right behind, which a file folds into the weights: it is scaled in their place. */
  readonly norm?: string;
  /** The set of each channel that it reads. */
  readonly input: Row;
  /** The set of each channel that it gives. */
  readonly output: Row;
  /** Of the channels that it reads, absent if none is pinned. */
  readonly pinnedInput?: Pinned;
  /** Of the channels that it gives. */
  readonly pinnedOutput?: Pinned;
}

/** How many channels are pinned, and why the first of them is. */
export interface Pinned {
  readonly channels: number;
  readonly because: string;
}

/** The channels of a net. */
export interface Channels {
  /** In topological order. */
  readonly stages: readonly Stage[];
  /** How many sets are free; they are numbered from 0. */
  readonly sets: number;
  /** The set of each channel of each value that has channels. */
  readonly rows: ReadonlyMap<string, Row>;
}

/** Says why channels are left as they are, and how many if it is not all of them. */
export function whyLeft({ channels, because }: Pinned, { of }: { readonly of: number }): string {
  return channels === of ? because : `of ${channels} of its ${of} channels: ${because}`;
}

type Draft = Omit<Stage, "pinnedInput" | "pinnedOutput">;

interface Walk {
  readonly graph: LayerGraph;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly sets: Sets;
  /** Channels of values; absent where their number is not known. */
  readonly rows: Map<string, Row>;
  /** Operations of layers met, by the layers' names. */
  readonly drafts: Map<string, readonly Draft[]>;
  /** Names of batch normalizations that are part of the layer before them. */
  readonly folded: Set<string>;
  readonly products: Product[];
}

interface Product {
  readonly name: string;
  readonly factors: readonly [Row, Row];
  readonly result: Row;
}

/** Layers whose channels are those that they read, scaled as they are; of several inputs, all alike. */
const HOMOGENEOUS: ReadonlySet<string> = new Set([
  "Add",
  "Average",
  "AveragePooling1D",
  "AveragePooling2D",
  "Cropping2D",
  "GlobalAveragePooling1D",
  "GlobalAveragePooling2D",
  "GlobalMaxPooling1D",
  "GlobalMaxPooling2D",
  "LeakyReLU",
  "MaxPooling1D",
  "MaxPooling2D",
  "Maximum",
  "Minimum",
  "PReLU",
  "RepeatVector",
  "UpSampling2D",
  "ZeroPadding2D",
]);

/** Layers with a kernel whose last axes are [in / groups, out]. */
const FULL: ReadonlySet<string> = new Set(["Conv1D", "Conv2D", "Dense", "GroupConv2D"]);

/**
 * Finds the sets of channels of `graph`.
 *
 * @param shapes Shapes of its values, the batch first.
 */
export function findChannels(graph: LayerGraph, shapes: ReadonlyMap<string, Shape>): Channels {
  const walk: Walk = {
    graph,
    shapes,
    sets: new Sets(),
    rows: new Map(),
    drafts: new Map(),
    folded: new Set(),
    products: [],
  };
  for (const node of graph.nodes) {
    const row = rowOf(walk, node);
    if (row !== undefined) walk.rows.set(node.name, row);
  }
  for (const name of graph.outputs) pin(walk, walk.rows.get(name), `"${name}" is an output of the model`);
  walk.products.forEach((product) => settle(walk.sets, product));
  return numbered(walk);
}

/** The channels that `node` gives. */
function rowOf(walk: Walk, node: LayerNode): Row | undefined {
  const { layer } = node;
  if (isInput(node)) return pinnedRow(walk, node.name, `"${node.name}" is an input of the model`);
  if (node.outputs > 1 || layer.config.dataFormat === "channelsFirst") return opaque(walk, node);
  if (FULL.has(layer.className)) return activated(walk, node, stagesOf(walk, node, fullDrafts));
  if (layer.className === "DepthwiseConv2D") return activated(walk, node, stagesOf(walk, node, depthwiseDrafts));
  if (layer.className === "SeparableConv2D") return activated(walk, node, stagesOf(walk, node, separableDrafts));
  if (layer.className === "BatchNormalization") return normRow(walk, node);
  if (layer.className === "LayerNormalization") return layerNormRow(walk, node);
  if (layer.className === "Concatenate") return joined(walk, node);
  if (layer.className === "Flatten" || layer.className === "Reshape") return reshaped(walk, node);
  if (layer.className === "Multiply") return product(walk, node);
  const isPlain = HOMOGENEOUS.has(layer.className) || ruleOf(layer).kind === "passthrough" || isHomogeneous(layer);
  return isPlain ? alike(walk, node) : opaque(walk, node);
}

function isHomogeneous(layer: LayerSpec): boolean {
  const activation = activationOf(layer);
  return activation?.place === "layer" && (activation.name === "relu" || activation.name === "linear");
}

/** What a fused activation makes of the channels of its layer. */
function activated({ sets }: Walk, { name, layer }: LayerNode, row: Row): Row {
  const activation = activationOf(layer);
  if (activation === undefined || activation.name === "relu") return row;
  for (const id of row) sets.pin(id, whyNot(name, activation.name, layer));
  return row;
}

function whyNot(name: string, what: string, layer: LayerSpec): string {
  const { maxValue } = layer.config;
  if (what === "relu6" || what === "clipped_relu") return `"${name}" cuts off at ${maxValue ?? 6}`;
  return `"${name}" (${what}) does not pass a scale on`;
}

/** A layer of which no more is known: neither what it reads nor what it gives can be scaled. */
function opaque(walk: Walk, node: LayerNode): Row | undefined {
  const { name, layer } = node;
  const activation = activationOf(layer);
  const what = activation === undefined || activation.place === "inner" ? layer.className : activation.name;
  const because = whyNot(name, what, layer);
  for (const value of node.inbound) pin(walk, walk.rows.get(value), because);
  for (const value of valuesOf(node).slice(1)) {
    const row = pinnedRow(walk, value, because);
    if (row !== undefined) walk.rows.set(value, row);
  }
  return pinnedRow(walk, name, because);
}

function pin({ sets }: Walk, row: Row | undefined, because: string): void {
  for (const id of row ?? []) sets.pin(id, because);
}

function pinnedRow({ sets, shapes }: Walk, value: string, because: string): Row | undefined {
  const count = shapes.get(value)?.at(-1);
  if (typeof count !== "number") return undefined;
  const [id] = sets.add(1);
  sets.pin(id, because);
  return Array.from<number>({ length: count }).fill(id);
}

/** The channels that a layer reads, if their number is known and the layer's own number fits. */
function readRow(walk: Walk, { inbound: [value] }: LayerNode, count: number): Row {
  const row = walk.rows.get(value);
  if (row?.length === count) return row;
  pin(walk, row, `"${value}" has another number of channels than its reader`);
  const fresh = walk.sets.add(count);
  pin(walk, fresh, `"${value}" has a number of channels that is not known`);
  return fresh;
}

type MakeDrafts = (walk: Walk, node: LayerNode) => readonly Draft[];

/** The operations of the layer that `node` calls: made at its first call, and read and given alike by all others. */
function stagesOf(walk: Walk, node: LayerNode, make: MakeDrafts): Row {
  const known = walk.drafts.get(node.layer.name);
  const drafts = known ?? make(walk, node);
  walk.drafts.set(node.layer.name, drafts);
  const [first] = drafts;
  if (known !== undefined) walk.sets.uniteAll(first.input, readRow(walk, node, first.input.length));
  return drafts[drafts.length - 1].output;
}

function fullDrafts(walk: Walk, node: LayerNode): readonly Draft[] {
  const [inputs, outputs] = weightOf(node.layer, "kernel").shape.slice(-2);
  const groups = groupsOf(node.layer);
  const norm = foldedNorm(walk, node);
  return [{
    layer: node.layer.name,
    kind: "full",
    groups,
    kernel: "kernel",
    isLast: true,
    input: readRow(walk, node, groups * inputs),
    output: walk.sets.add(outputs),
    ...(norm === undefined ? {} : { norm }),
  }];
}

function depthwiseDrafts(walk: Walk, node: LayerNode): readonly Draft[] {
  const norm = foldedNorm(walk, node);
  return [{ ...depthwiseDraft(walk, node), isLast: true, ...(norm === undefined ? {} : { norm }) }];
}

function depthwiseDraft(walk: Walk, node: LayerNode): Omit<Draft, "isLast"> {
  const [inputs, multiplier] = weightOf(node.layer, "depthwise_kernel").shape.slice(-2);
  return {
    layer: node.layer.name,
    kind: "depthwise",
    kernel: "depthwise_kernel",
    input: readRow(walk, node, inputs),
    output: walk.sets.add(inputs * multiplier),
  };
}

function separableDrafts(walk: Walk, node: LayerNode): readonly Draft[] {
  const first = { ...depthwiseDraft(walk, node), isLast: false };
  const outputs = weightOf(node.layer, "pointwise_kernel").shape[3];
  const norm = foldedNorm(walk, node);
  return [first, {
    layer: node.layer.name,
    kind: "full",
    kernel: "pointwise_kernel",
    isLast: true,
    input: first.output,
    output: walk.sets.add(outputs),
    ...(norm === undefined ? {} : { norm }),
  }];
}

/** Names the batch normalization that a file folds into the weights of `node`: it alone reads all calls, and nothing else. */
function foldedNorm({ graph, folded }: Walk, node: LayerNode): string | undefined {
  if (activationOf(node.layer) !== undefined) return undefined;
  const [norm] = consumersOf(graph, node.name);
  if (norm?.layer.className !== "BatchNormalization" || (norm.layer.config.axis ?? -1) !== -1) return undefined;
  const calls = callsOf(graph, node);
  const areAlone = calls.every(({ name }) => {
    const readers = consumersOf(graph, name);
    return readers.length === 1 && readers[0].layer.name === norm.layer.name && !isOutput(graph, name);
  });
  if (!areAlone || callsOf(graph, norm).length !== calls.length) return undefined;
  folded.add(norm.layer.name);
  return norm.layer.name;
}

function normRow(walk: Walk, node: LayerNode): Row | undefined {
  const { layer } = node;
  if (walk.folded.has(layer.name)) return walk.rows.get(node.inbound[0]);
  if ((layer.config.axis ?? -1) !== -1) return opaque(walk, node);
  return stagesOf(walk, node, () => {
    const count = weightOf(layer, "moving_mean").shape[0];
    const output = walk.sets.add(count);
    return [{ layer: layer.name, kind: "norm", kernel: "", isLast: true, input: readRow(walk, node, count), output }];
  });
}

function layerNormRow(walk: Walk, node: LayerNode): Row | undefined {
  const { layer: { name, config, weights } } = node;
  const rank = walk.shapes.get(node.name)?.length ?? 0;
  const [axis, ...others] = [config.axis ?? -1].flat();
  const gamma = weights.find((weight) => weight.name === "gamma");
  const scalesChannels = others.length === 0 && (axis === -1 || axis === rank - 1) && gamma !== undefined;
  if (!scalesChannels) return opaque(walk, node);
  pin(walk, walk.rows.get(node.inbound[0]), `"${node.name}" normalizes over the channels`);
  return stagesOf(walk, node, () => {
    const [count] = gamma.shape;
    const output = walk.sets.add(count);
    return [{ layer: name, kind: "layer-norm", kernel: "", isLast: true, input: readRow(walk, node, count), output }];
  });
}

/** A layer that gives its inputs' channels, scaled as they are. */
function alike(walk: Walk, node: LayerNode): Row | undefined {
  const rows = node.inbound.map((value) => walk.rows.get(value));
  const ranks = new Set(node.inbound.map((value) => walk.shapes.get(value)?.length));
  const count = walk.shapes.get(node.name)?.at(-1);
  const [first] = rows;
  if (first === undefined || ranks.size > 1 || rows.some((row) => row?.length !== count)) return opaque(walk, node);
  for (const row of rows) walk.sets.uniteAll(first, row ?? []);
  return first;
}

function joined(walk: Walk, node: LayerNode): Row | undefined {
  const axis = node.layer.config.axis ?? -1;
  if (axis !== -1 && axis !== (walk.shapes.get(node.name)?.length ?? 0) - 1) return alike(walk, node);
  const rows = node.inbound.map((value) => walk.rows.get(value));
  return rows.includes(undefined) ? opaque(walk, node) : rows.flatMap((row) => row ?? []);
}

/** Elements keep their order: the k-th is of channel k mod c before, and of channel k mod d behind. */
function reshaped(walk: Walk, node: LayerNode): Row | undefined {
  const row = walk.rows.get(node.inbound[0]);
  const shape = walk.shapes.get(node.name)?.slice(1) ?? [];
  const count = shape.at(-1);
  if (row === undefined || typeof count !== "number") return opaque(walk, node);
  const [size, d] = [shape.every((dim) => dim !== null) ? shape.reduce((a, b) => a * b, 1) : Infinity, count];
  for (let k = d; k < Math.min(size, row.length * d); k++) {
    walk.sets.unite(row[k % row.length], row[k % d % row.length]);
  }
  return Array.from({ length: d }, (_, k) => row[k % row.length]);
}

/** The product of two values: of one that is pinned and one that is not, as behind a squeeze, it is scaled as the latter. */
function product(walk: Walk, node: LayerNode): Row | undefined {
  const [a, b, ...more] = node.inbound.map((value) => walk.rows.get(value));
  const count = walk.shapes.get(node.name)?.at(-1);
  if (a === undefined || b === undefined || more.length > 0 || a.length !== count || b.length !== count) {
    return opaque(walk, node);
  }
  const result = walk.sets.add(count);
  walk.products.push({ name: node.name, factors: [a, b], result });
  return result;
}

function settle(sets: Sets, { name, factors, result }: Product): void {
  result.forEach((id, c) => {
    const [a, b] = factors.map((row) => row[c]);
    const [isA, isB] = [a, b].map((factor) => sets.reasonOf(factor) !== undefined);
    if (isB) sets.unite(a, id);
    else if (isA) sets.unite(b, id);
    else [a, b, id].forEach((channel) => sets.pin(channel, `"${name}" multiplies it by another value`));
  });
}

function numbered({ sets, drafts, rows }: Walk): Channels {
  const numbers = new Map<number, number>();
  const numberOf = (id: number): number => {
    if (sets.reasonOf(id) !== undefined) return PINNED;
    const root = sets.rootOf(id);
    const number = numbers.get(root) ?? numbers.size;
    numbers.set(root, number);
    return number;
  };
  const pinnedIn = (row: Row): Pinned | undefined => {
    const reasons = row.flatMap((id) => sets.reasonOf(id) ?? []);
    return reasons.length === 0 ? undefined : { channels: reasons.length, because: reasons[0] };
  };
  const stages = [...drafts.values()].flat().map((draft): Stage => {
    const [pinnedInput, pinnedOutput] = [pinnedIn(draft.input), pinnedIn(draft.output)];
    return {
      ...draft,
      input: draft.input.map(numberOf),
      output: draft.output.map(numberOf),
      ...(pinnedInput === undefined ? {} : { pinnedInput }),
      ...(pinnedOutput === undefined ? {} : { pinnedOutput }),
    };
  });
  const values = new Map([...rows].map(([value, row]) => [value, row.map(numberOf)]));
  return { stages, sets: numbers.size, rows: values };
}
