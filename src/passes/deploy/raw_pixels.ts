/**
 * Lets a graph take pictures as bytes, 0 to 255, and do to them what was done before: x = (p / 255 − mean) / std.
 *
 * Where the first that happens to a picture is that it is put on a grid, the bytes may be the very codes (0..1 on a scale of
 * 1/255); or the grid's scale in units of bytes does it (mean 0, one std); else arithmetic goes in before the quantizer:
 * −1..1 has its zero at byte 127.5, which no grid has, and ImageNet's channels have three scales. Each way is tried on all
 * 256 bytes of each channel, and taken if every code, or every number where nothing is quantized, is the one that it was.
 */
import { codeRangeOf, type CodeType, isCodeType } from "../../numbers/codes.ts";
import { codeOf } from "../../numbers/dtype.ts";
import { roundHalfEven } from "../../numbers/round.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { traitsOf } from "../../onnx/schema/mod.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { definePass, type Pass } from "../pass.ts";

/** What a model expects of pixels p from 0 to 1: (p − mean) / std, one number for all channels or one for each. */
export interface Pixels {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** How `rawPixels` works. */
export interface RawPixelsOptions extends Pixels {
  /** Where the channels of pictures are. */
  readonly layout: "nhwc" | "nchw";
}

/** Makes bytes of the graph's pictures, which are its inputs of four dimensions. */
export function rawPixels(options: RawPixelsOptions): Pass {
  return definePass({
    name: "rawPixels",
    rewrite: (graph) => picturesOf(graph).reduce((current, input) => takeBytes(current, { input, options }), graph),
  });
}

/** Names the inputs of `graph` that are pictures. */
export function picturesOf({ inputs, types }: Graph): readonly string[] {
  return inputs.filter((name) => types.get(name)?.shape.length === 4 && types.get(name)?.dtype === "float32");
}

interface Picture {
  readonly input: string;
  readonly options: RawPixelsOptions;
}

function takeBytes(graph: Graph, { input, options }: Picture): Graph {
  const index = indexOf(graph);
  const { shape } = graph.types.get(input)!;
  const channels = Number(shape[options.layout === "nhwc" ? 3 : 1]);
  const first = firstQuantizer(input, index);
  const goal: Goal = { wanted: tableOf(options, channels), grid: first && gridOf(first.quantize, index) };
  const bytes = { dtype: "uint8", shape } as const;
  const types = new Map(graph.types).set(input, bytes);
  if (first !== undefined && isSame(goal, (b) => b)) return withoutQuantizer({ ...graph, types }, first);
  const scale = scaleOfBytes(goal, options);
  const out = new GraphWriter({ ...graph, types });
  const real = out.fresh(`${input}/real`);
  const steps: readonly Step[] = scale === undefined ? stepsFor(goal, { options, channels }) : [];
  writeSteps(out, { input, real, steps, layout: options.layout, type: graph.types.get(input)! });
  for (const node of graph.nodes) {
    const read = { ...node, inputs: node.inputs.map((name) => name === input ? real : name) };
    out.push(node === first?.quantize && scale !== undefined ? withScale(read, scale, out) : read);
  }
  return removeDeadNodes(out.finish());
}

/** What becomes of each byte, by channel; and the grid that it is put on, where it is. */
interface Goal {
  /** Real numbers, 256 a channel. */
  readonly wanted: readonly Float32Array[];
  readonly grid: Grid | undefined;
}

interface Grid {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly dtype: CodeType;
}

/** The numbers that the model was trained on: computed in float64 and rounded once. */
function tableOf({ mean, std }: Pixels, channels: number): readonly Float32Array[] {
  return Array.from(
    { length: channels },
    (_, c) => Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - at(mean, c)) / at(std, c)),
  );
}

function at(values: readonly number[], channel: number): number {
  return values[values.length === 1 ? 0 : channel];
}

function codeOn({ scale, zeroPoint, dtype }: Grid, value: number): number {
  const { qmin, qmax } = codeRangeOf(dtype);
  return Math.min(Math.max(roundHalfEven(Math.fround(value / scale)) + zeroPoint, qmin), qmax);
}

/** Whether `code` gives every byte the code that it is to have. */
function isSame({ wanted, grid }: Goal, code: (byte: number) => number): boolean {
  return grid !== undefined &&
    wanted.every((channel) => channel.every((real, byte) => codeOn(grid, real) === code(byte)));
}

/** A quantizer that reads a picture, through movements at most, and nobody else does. */
interface First {
  readonly moves: readonly Node[];
  readonly quantize: Node;
}

function firstQuantizer(input: string, index: Index): First | undefined {
  const moves: Node[] = [];
  for (let value = input;;) {
    const node = index.soleUse(value);
    if (node?.op === "QuantizeLinear") return gridOf(node, index) === undefined ? undefined : { moves, quantize: node };
    if (node === undefined || !traitsOf(node).movement || node.outputs.length > 1) return undefined;
    moves.push(node);
    value = node.outputs[0];
  }
}

function gridOf({ inputs }: Node, { constant }: Index): Grid | undefined {
  const [scale, zero] = [constant(inputs[1]), constant(inputs[2])];
  if (scale?.data.length !== 1 || zero?.data.length !== 1 || !isCodeType(zero.dtype)) return undefined;
  return { scale: Number(scale.data[0]), zeroPoint: Number(zero.data[0]), dtype: zero.dtype };
}

/** Bytes that are codes are quantized by nobody. */
function withoutQuantizer(graph: Graph, { moves, quantize }: First): Graph {
  const [codes] = quantize.outputs;
  const source = quantize.inputs[0];
  const types = new Map(graph.types);
  for (const { outputs: [moved] } of moves) types.set(moved, { ...types.get(moved)!, dtype: "uint8" });
  types.delete(codes);
  const nodes = graph.nodes.filter((node) => node !== quantize).map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => name === codes ? source : name),
  }));
  return removeDeadNodes({ ...graph, nodes, types });
}

/** Returns the scale by which bytes, read as real numbers, have the wanted codes; undefined if there is none. */
function scaleOfBytes(goal: Goal, { std }: Pixels): number | undefined {
  const { grid } = goal;
  if (grid === undefined) return undefined;
  const scale = Math.fround(grid.scale * 255 * std[0]);
  // The product is rounded once: a neighbour of it may be what fits.
  return [scale, scale * (1 - 2 ** -24), scale * (1 + 2 ** -23)].map(Math.fround).find((scale) =>
    isSame(goal, (byte) => codeOn({ ...grid, scale }, byte))
  );
}

function withScale(quantize: Node, scale: number, out: GraphWriter): Node {
  const [x, , zeroPoint] = quantize.inputs;
  const name = out.constant(`${quantize.inputs[1]}_of_bytes`, "float32", [], Float32Array.of(scale));
  return { ...quantize, inputs: [x, name, zeroPoint] };
}

/** An operator and its numbers, one a channel. */
interface Step {
  readonly op: "Sub" | "Div";
  readonly by: readonly number[];
  readonly dtype: "float32" | "float64";
}

interface Numbers {
  readonly options: Pixels;
  readonly channels: number;
}

/** Finds the fewest operators that give what is wanted. The last way, in float64, is the definition itself. */
function stepsFor(goal: Goal, { options: { mean, std }, channels }: Numbers): readonly Step[] {
  const each = (value: (channel: number) => number) => Array.from({ length: channels }, (_, c) => value(c));
  const [means, stds] = [each((c) => at(mean, c)), each((c) => at(std, c))];
  const white = each(() => 255);
  const inBytes = (values: readonly number[]) => values.map((value) => 255 * value);
  const ways = [
    ["float32", ["Sub", inBytes(means)], ["Div", inBytes(stds)]],
    ["float32", ["Div", white], ["Sub", means], ["Div", stds]],
    ["float64", ["Div", white], ["Sub", means], ["Div", stds]],
  ] as const;
  const all = ways.map(([dtype, ...steps]) =>
    steps.map(([op, by]): Step => ({ op, by: dtype === "float32" ? by.map(Math.fround) : by, dtype }))
      .filter(({ op, by }) => by.some((value) => value !== (op === "Sub" ? 0 : 1)))
  );
  return all.find((steps) => gives(steps, goal)) ?? all[all.length - 1];
}

function gives(steps: readonly Step[], { wanted, grid }: Goal): boolean {
  return wanted.every((channel, c) =>
    channel.every((real, byte) => {
      const value = Math.fround(steps.reduce((x, step) => apply(step, x, c), byte));
      return grid === undefined ? Object.is(value + 0, real + 0) : codeOn(grid, value) === codeOn(grid, real);
    })
  );
}

function apply({ op, by, dtype }: Step, x: number, channel: number): number {
  const result = op === "Sub" ? x - by[channel] : x / by[channel];
  return dtype === "float32" ? Math.fround(result) : result;
}

interface Writing {
  readonly input: string;
  /** The value that they end in. */
  readonly real: string;
  readonly steps: readonly Step[];
  readonly layout: "nhwc" | "nchw";
  readonly type: NonNullable<ReturnType<Graph["types"]["get"]>>;
}

function writeSteps(out: GraphWriter, { input, real, steps, layout, type }: Writing): void {
  const dtype = steps[0]?.dtype ?? "float32";
  const isDouble = dtype === "float64";
  const chain: Omit<Node, "name" | "outputs">[] = [
    { op: "Cast", inputs: [], attrs: { to: codeOf(dtype) } },
    ...steps.map(({ op, by }) => ({ op, inputs: [constantOf(out, { input, by, layout, dtype })], attrs: {} })),
    ...(isDouble ? [{ op: "Cast", inputs: [], attrs: { to: codeOf("float32") } }] : []),
  ];
  chain.reduce((x, { op, inputs, attrs }, i) => {
    const isLast = i === chain.length - 1;
    const output = isLast ? real : out.fresh(`${input}/real`);
    out.types.set(output, isLast ? type : { ...type, dtype });
    out.push({ op, name: out.fresh(`${input}/${op}`), inputs: [x, ...inputs], outputs: [output], attrs });
    return output;
  }, input);
}

function constantOf(
  out: GraphWriter,
  { input, by, layout, dtype }: Pick<Step, "by" | "dtype"> & Pick<Writing, "input" | "layout">,
): string {
  const isOne = by.every((value) => value === by[0]);
  const shape = isOne ? [] : layout === "nhwc" ? [by.length] : [by.length, 1, 1];
  const values = isOne ? by.slice(0, 1) : by;
  return out.constant(
    `${input}/pixels`,
    dtype,
    shape,
    dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values),
  );
}
