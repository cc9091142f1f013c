/** ONNX Runtime's trace of a training step, as what each node took, computed and moved. */
import { sizeOf } from "../../src/onnx/graph.ts";

/** A node of a session, over all its runs. */
export interface TracedNode {
  /** What it is there for. */
  readonly group: Group;
  /** Median of its runs. */
  readonly ms: number;
  /** Floating-point operations, two for each multiplication with addition; of products and convolutions alone. */
  readonly flops: number;
  /** Bytes of its inputs and outputs. */
  readonly bytes: number;
}

/** What nodes are there for. */
export const GROUPS = [
  "convolutions",
  "depthwise convolutions",
  "filter gradients",
  "batch norm: multiply, add",
  "sums and extremes",
  "quantization, masks",
  "other elementwise",
  "moving elements",
  "small nodes",
] as const;

/** What a node is there for. */
export type Group = typeof GROUPS[number];

/** Nodes that touch less are counted together: what they cost is not memory or arithmetic. */
const SMALL_BYTES = 1 << 16;

const QUANTIZATION = new Set(["QuantizeLinear", "DequantizeLinear", "Clip", "Equal", "Cast", "Round", "HardSigmoid"]);
const MOVING = new Set(["ReorderInput", "ReorderOutput", "Transpose", "Gather", "Pad", "Slice", "Concat"]);
const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);
const BYTES: Readonly<Record<string, number>> = { float: 4, int32: 4, int64: 8, uint8: 1, int8: 1, bool: 1 };

/** An event as ONNX Runtime writes it. */
interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args: {
    readonly op_name: string;
    readonly input_type_shape: readonly TypeShape[];
    readonly output_type_shape: readonly TypeShape[];
  };
}

/** A tensor: its type, and its shape under it. */
type TypeShape = Readonly<Record<string, readonly number[]>>;

/** Reads the trace of the session with the most nodes among the files of `directory`: the training step's. */
export async function readTrace(directory: string): Promise<readonly TracedNode[]> {
  let most: ReadonlyMap<string, readonly Event[]> = new Map();
  for await (const { name } of Deno.readDir(directory)) {
    // As ONNX Runtime writes it; only the fields above are read.
    const events: readonly Event[] = JSON.parse(await Deno.readTextFile(`${directory}/${name}`));
    const runs = events.filter((event) => event.cat === "Node" && event.name.endsWith("_kernel_time"));
    const nodes = Map.groupBy(runs, (event) => event.name);
    if (nodes.size > most.size) most = nodes;
  }
  return [...most.values()].map(tracedNode);
}

function tracedNode(runs: readonly Event[]): TracedNode {
  const { args } = runs[0];
  const times = runs.map(({ dur }) => dur).sort((a, b) => a - b);
  const isView = VIEWS.has(args.op_name);
  const bytes = [...args.input_type_shape, ...args.output_type_shape].reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  return {
    group: groupOf(args, isView ? 0 : bytes),
    ms: times[times.length >> 1] / 1000,
    flops: flopsOf(args),
    bytes: isView ? 0 : bytes,
  };
}

function bytesOf(tensor: TypeShape): number {
  return Object.entries(tensor).reduce((sum, [type, shape]) => sum + (BYTES[type] ?? 4) * sizeOf(shape), 0);
}

function shapesOf(tensors: readonly TypeShape[]): readonly (readonly number[])[] {
  return tensors.map((tensor) => Object.values(tensor)[0]);
}

function flopsOf({ op_name: op, input_type_shape, output_type_shape }: Event["args"]): number {
  const [x, w] = shapesOf(input_type_shape);
  const [y] = shapesOf(output_type_shape);
  if (op === "Conv") return 2 * sizeOf(y) * sizeOf(w.slice(1));
  if (op === "ConvTranspose") return 2 * sizeOf(x) * sizeOf(w.slice(1));
  if (op === "Gemm" || op.endsWith("MatMul")) {
    // Elements of x and y share the rows, those of w and y the columns.
    const [rowsColumns, inner] = [sizeOf(y), Math.sqrt(sizeOf(x) * sizeOf(w) / sizeOf(y))];
    return 2 * rowsColumns * inner;
  }
  return 0;
}

function groupOf({ op_name: op, input_type_shape, output_type_shape }: Event["args"], bytes: number): Group {
  if (bytes < SMALL_BYTES) return "small nodes";
  if (MOVING.has(op)) return "moving elements";
  if (QUANTIZATION.has(op)) return "quantization, masks";
  if (op.startsWith("Reduce") || op.startsWith("Global")) return "sums and extremes";
  if (op.endsWith("MatMul")) return "filter gradients";
  if (op !== "Conv" && op !== "ConvTranspose") return "other elementwise";
  return convGroup(shapesOf(input_type_shape), shapesOf(output_type_shape)[0]);
}

/** What a convolution is there for, by its shapes: passes/blocked writes several things as convolutions. */
function convGroup([x, w]: readonly (readonly number[])[], y: readonly number[]): Group {
  const isDepthwise = w[1] === 1 && w[0] === x[1];
  const isOfPictures = x[0] === 1 || sizeOf(w.slice(2)) > sizeOf(y.slice(2)) || w[1] > 4096;
  if (isDepthwise && x[0] === 1) return sizeOf(y.slice(2)) === 1 ? "sums and extremes" : "filter gradients";
  if (isDepthwise) return sizeOf(w.slice(2)) === 1 ? "batch norm: multiply, add" : "depthwise convolutions";
  return isOfPictures ? "filter gradients" : "convolutions";
}
