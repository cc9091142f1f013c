/**
 * Tanh on codes, where a file computes it by a sigmoid.
 *
 * What `src/passes/deploy/tanh_by_sigmoid.ts` writes, and this takes back: codes that are read with twice the scale they
 * were written with, and a sigmoid whose codes, on the grid of scale s/2, are those of the tanh on the grid of scale s.
 */
import { codeRangeOf } from "../../../src/numbers/codes.ts";
import { allocate } from "../../../src/numbers/dtype.ts";
import type { Graph, Node } from "../../../src/onnx/graph.ts";
import { type Index, indexOf } from "../../../src/onnx/index.ts";
import { traitsOf } from "../../../src/onnx/schema/mod.ts";
import { GraphWriter } from "../../../src/onnx/writer.ts";
import { readForm } from "../../../src/passes/deploy/qoperator_forms.ts";

/** Puts a Tanh between pairs, on its own grids, in the place of each such sigmoid. */
export function tanhOfSigmoid(graph: Graph): Graph {
  const index = indexOf(graph);
  const sites = graph.nodes.flatMap((node) => siteOf(node, index) ?? []);
  if (sites.length === 0) return graph;
  const last = new Map(sites.map((site) => [site.last, site]));
  const gone = new Set(sites.flatMap(({ sigmoid }) => sigmoid));
  // What reads the codes for these alone goes with them.
  for (const { read } of sites) {
    if (read !== undefined && index.uses(read.outputs[0]).every((reader) => gone.has(reader))) gone.add(read);
  }
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const site = last.get(node);
    if (site !== undefined) emitTanh(site, out);
    else if (!gone.has(node)) out.push(node);
  }
  return out.finish();
}

/** Names of codes, and of their scale and zero point. */
type OnGrid = readonly [codes: string, scale: string, zeroPoint: string];

interface Site {
  readonly sigmoid: Node;
  /** What reads its codes in, unless it does so itself. */
  readonly read?: Node;
  /** What gives the codes of its answer: itself, or what quantizes it. */
  readonly last: Node;
  /** What it reads, on the grid that this was written on. */
  readonly input: OnGrid;
  /** The grid of the tanh. */
  readonly output: { readonly dtype: "uint8" | "int8"; readonly scale: number; readonly zeroPoint: number };
}

function siteOf(node: Node, index: Index): Site | undefined {
  const form = node.op === "QLinearSigmoid" ? readForm(node) : undefined;
  if (form?.output !== undefined) {
    const ends = endsOf({ read: form.operands[0], written: form.output }, index);
    return ends && { sigmoid: node, last: node, ...ends };
  }
  const [read, last] = node.op === "Sigmoid"
    ? [index.producer(node.inputs[0]), index.soleUse(node.outputs[0])]
    : [undefined, undefined];
  if (read?.op !== "DequantizeLinear" || last?.op !== "QuantizeLinear") return undefined;
  const ends = endsOf({ read: gridOf(read.inputs), written: [last.inputs[1], last.inputs[2] ?? ""] }, index);
  return ends && { sigmoid: node, read, last, ...ends };
}

/** The grids of a tanh, if what is read and written is that of one. */
function endsOf(
  { read: [codes, twice, zero], written: [half, halfZero] }: {
    readonly read: OnGrid;
    readonly written: readonly [scale: string, zeroPoint: string];
  },
  index: Index,
): Pick<Site, "input" | "output"> | undefined {
  const scale = writtenScale(codes, index);
  const [s, y] = [scaleOf(scale, index), scaleOf(half, index)];
  const from = index.constant(halfZero);
  if (s === undefined || y === undefined || scaleOf(twice, index) !== Math.fround(2 * s)) return undefined;
  if (from?.dtype !== "uint8" && from?.dtype !== "int8") return undefined;
  const zeroPoint = Number(from.data[0]) + 1 / (2 * y);
  if (!Number.isInteger(zeroPoint) || zeroPoint > codeRangeOf(from.dtype).qmax) return undefined;
  return { input: [codes, scale!, zero], output: { dtype: from.dtype, scale: 2 * y, zeroPoint } };
}

/** The name of the scale that codes were written with, wherever they were moved since. */
function writtenScale(codes: string, index: Index): string | undefined {
  let node = index.producer(codes);
  while (node !== undefined) {
    if (node.op === "QuantizeLinear") return node.inputs[1];
    const form = readForm(node);
    if (form !== undefined) return form.output?.[0];
    node = traitsOf(node).movement ? index.producer(node.inputs[0]) : undefined;
  }
  return undefined;
}

function gridOf([codes, scale, zero = ""]: readonly string[]): OnGrid {
  return [codes, scale, zero];
}

/** A scale, if there is one for all. */
function scaleOf(name: string | undefined, { constant }: Index): number | undefined {
  const scale = constant(name);
  return scale?.data.length === 1 ? Number(scale.data[0]) : undefined;
}

function emitTanh({ sigmoid, last, input, output: { dtype, scale, zeroPoint } }: Site, out: GraphWriter): void {
  const [codes] = last.outputs;
  const zero = allocate(dtype, 1);
  zero[0] = zeroPoint;
  const constants = [
    out.constant(`${codes}_scale`, "float32", [], Float32Array.of(scale)),
    out.constant(`${codes}_zero_point`, dtype, [], zero),
  ];
  const real = out.emit("DequantizeLinear", input.filter((name) => name !== ""), { like: sigmoid });
  const tanh = out.emit("Tanh", [real], { like: sigmoid });
  out.push({ op: "QuantizeLinear", name: last.name, inputs: [tanh, ...constants], outputs: [codes], attrs: {} });
}
