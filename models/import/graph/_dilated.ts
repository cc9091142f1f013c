/**
 * Dilated convolutions as TensorFlow writes them: SpaceToBatchND parts a picture into batches of every so many pixels, a plain
 * convolution works on each, BatchToSpaceND puts them together. They become one convolution with dilations and paddings.
 */
import type { GraphModel } from "@tensorflow/tfjs-converter";
import type { SettledWeight } from "./_static_nodes.ts";
import { giverOf, type GraphNode, type GraphNodes } from "./_topology.ts";

/** Returns the numbers of a constant. */
export type NumbersOf = (name: string) => readonly number[] | undefined;

/** Most numbers of a constant that are looked at: of shapes and sides there are few. */
const MOST_NUMBERS = 16;

/** Reads the small constants of a model, and those that were computed beforehand. */
export async function numbersOf({ weights }: GraphModel, settled: readonly SettledWeight[]): Promise<NumbersOf> {
  const known = new Map<string, readonly number[]>();
  for (const [name, [tensor]] of Object.entries(weights)) {
    if (tensor.dtype === "int32" && tensor.size <= MOST_NUMBERS) known.set(name, [...await tensor.data()]);
  }
  for (const { spec: { name, dtype }, bytes } of settled) {
    if (dtype === "int32" && bytes.length <= 4 * MOST_NUMBERS) known.set(name, [...new Int32Array(bytes.buffer)]);
  }
  return (name) => known.get(name);
}

/** What works on each number alone, so that it may come before or behind. */
const EACH = new Set(["Elu", "LeakyRelu", "Relu", "Relu6", "Selu", "Sigmoid", "Tanh"]);

const CONVOLUTIONS = new Set(["Conv2D", "DepthwiseConv2dNative"]);

/** Joins all of them that are whole: whose parts nobody else reads. */
export function joinDilated(nodes: GraphNodes, numbersOf: NumbersOf): GraphNodes {
  const joined = new Map(nodes);
  for (const node of nodes.values()) {
    const found = node.op === "BatchToSpaceND" ? dilatedOf(node, { nodes, numbersOf }) : undefined;
    for (const changed of found ?? []) joined.set(changed.name, changed);
  }
  return joined;
}

interface Looking {
  readonly nodes: GraphNodes;
  readonly numbersOf: NumbersOf;
}

/** The nodes that change, if `end` is the end of one. */
function dilatedOf(end: GraphNode, { nodes, numbersOf }: Looking): readonly GraphNode[] | undefined {
  const readers = (name: string) =>
    [...nodes.values()].filter(({ inputs }) => inputs.map(giverOf).includes(name)).length;
  const before = ({ inputs }: GraphNode) => {
    const node = nodes.get(giverOf(inputs[0] ?? ""));
    return node !== undefined && readers(node.name) === 1 ? node : undefined;
  };
  let node = before(end);
  while (node !== undefined && (EACH.has(node.op) || node.op === "BiasAdd" || node.op === "Squeeze")) {
    node = before(node);
  }
  if (node === undefined || !CONVOLUTIONS.has(node.op) || !isPlain(node)) return undefined;
  const conv = node;
  const above = before(conv);
  const expanded = above?.op === "ExpandDims" ? above : undefined;
  const start = expanded === undefined ? above : before(expanded);
  if (start?.op !== "SpaceToBatchND") return undefined;
  const [block, pads] = start.inputs.slice(1).map((input) => numbersOf(giverOf(input)));
  const [sameBlock, crops] = end.inputs.slice(1).map((input) => numbersOf(giverOf(input)));
  if (block === undefined || pads === undefined || crops === undefined || sameBlock?.join() !== block.join()) {
    return undefined;
  }
  // A row is a picture of height 1.
  const isRow = expanded !== undefined;
  if (isRow && ![1, -3].includes(numbersOf(giverOf(expanded.inputs[1]))?.[0] ?? 0)) return undefined;
  if (block.length !== (isRow ? 1 : 2)) return undefined;
  const sides = pads.map((pad, i) => pad - crops[i]);
  if (sides.some((side) => side < 0)) return undefined;
  const around = isRow ? [0, 0, ...sides] : sides;
  const attr = {
    ...conv.attr,
    padding: { s: btoa("EXPLICIT") },
    explicit_paddings: wholes([0, 0, ...around, 0, 0]),
    dilations: wholes([1, ...(isRow ? [1] : []), ...block, 1]),
  };
  const source = start.inputs[0];
  const first = expanded === undefined ? [] : [{ ...expanded, inputs: [source, ...expanded.inputs.slice(1)] }];
  const inputs = expanded === undefined ? [source, ...conv.inputs.slice(1)] : conv.inputs;
  const { T } = end.attr;
  const last = { ...end, op: "Identity", inputs: [end.inputs[0]], attr: T === undefined ? {} : { T } };
  return [...first, { ...conv, inputs, attr }, last];
}

/** Whether a convolution has neither strides, nor dilations, nor a padding of its own. */
function isPlain({ attr }: GraphNode): boolean {
  const areOnes = (value: unknown) => {
    const list: unknown = Object(Object(value).list).i;
    return !Array.isArray(list) || list.every((each) => Number(each) === 1);
  };
  return areOnes(attr.strides) && areOnes(attr.dilations) &&
    [btoa("VALID"), undefined].includes(Object(attr.padding).s);
}

function wholes(values: readonly number[]) {
  return { list: { i: values.map(String) } };
}
