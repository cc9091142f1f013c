/**
 * Reasons why ONNX Runtime's CPU provider leaves an operator in float.
 *
 * Source: docs/quantization.md, section 7, measured on 1.30. What stands around an operator is looked up in the exported graph: that
 * is what can be changed, and fusions keep the node's name.
 */
import { codeRangeOf, isCodeType } from "../src/numbers/codes.ts";
import type { Graph, Node } from "../src/onnx/graph.ts";
import { type Index, indexOf } from "../src/onnx/index.ts";

/** Operators with an integer kernel, and which of their inputs must be dequantized for it. */
const OPERANDS: Readonly<Record<string, readonly number[] | "all">> = {
  Conv: [0, 1],
  Gemm: [0, 1],
  MatMul: [0, 1],
  Add: [0, 1],
  Mul: [0, 1],
  Where: [1, 2],
  Concat: "all",
  AveragePool: [0],
  GlobalAveragePool: [0],
  LeakyRelu: [0],
  Sigmoid: [0],
  Softmax: [0],
};

/** Operators that pass codes on, between equal grids. */
const MOVEMENT = new Set(
  ("MaxPool Reshape Flatten Transpose Squeeze Unsqueeze Slice Gather Expand Tile DepthToSpace Split Resize ReduceMax " +
    "ReduceMin").split(" "),
);

/** Activations that are part of the operator before them, where the grid behind them clips as they do. */
const ABSORBED = new Set(["Relu", "Clip"]);

/** Matrix products can give float: the last layer's often do. */
const GIVES_FLOAT = new Set(["Gemm", "MatMul"]);

/** Makes a function that says in one sentence why a node of the optimized graph runs in float. */
export function makeExplainer(exported: Graph): (node: Node) => string {
  const index = indexOf(exported);
  const named = new Map(exported.nodes.map((node) => [node.name, node]));
  return (node) => {
    // FusedConv and their like: the operator with an activation behind it, in float.
    const op = node.op.replace(/^Fused/, "");
    if (op === "Pad") return "Pad has no int8 kernel, and it could not be merged into the operator after it";
    if (op === "Resize" && node.attrs.mode !== "nearest") return `int8 Resize takes the nearest neighbour only`;
    if (op === "Max" && node.inputs.length === 1) {
      return "it keeps ONNX Runtime from rounding the float weights before it";
    }
    if (!MOVEMENT.has(op) && !(op in OPERANDS)) return whyNoKernel(op);
    const source = named.get(withoutFused(node.name));
    if (source === undefined) return "ONNX Runtime put it there while it optimized the graph";
    return whyInputs(source, index) ?? whyOutput(source, index) ??
      (MOVEMENT.has(op) ? whyGrids(source, index) : undefined) ??
      "ONNX Runtime did not fuse its Q/DQ pairs";
  };
}

/** A Gemm with an activation behind it gets a name that begins so (gemm_activation_fusion.cc). */
export function withoutFused(name: string): string {
  return name.replace(/^fused /, "");
}

function whyNoKernel(op: string): string {
  return ABSORBED.has(op)
    ? `ONNX Runtime runs ${op} on codes only as a part of the operator before it`
    : `ONNX Runtime has no int8 kernel for ${op}`;
}

function whyInputs(node: Node, index: Index): string | undefined {
  const operands = OPERANDS[node.op] ?? [0];
  const inputs = operands === "all" ? node.inputs : operands.map((i) => node.inputs[i]);
  for (const input of inputs) {
    const producer = index.producer(input);
    if (producer?.op === "DequantizeLinear") continue;
    if (index.constant(input) !== undefined) return `its constant "${input}" is not quantized`;
    if (producer === undefined) return `the model's input "${input}" is not quantized before it`;
    return `its input comes in float from "${producer.name}" (${producer.op})`;
  }
  return undefined;
}

function whyOutput(node: Node, index: Index): string | undefined {
  const [output] = node.outputs;
  const readers = index.uses(output);
  if (GIVES_FLOAT.has(node.op) && readers.every(({ op }) => op !== "QuantizeLinear")) return whyBias(node, index);
  if (readers.length === 0) return "its output is the model's answer, and is not quantized";
  if (index.isOutput(output)) return "its output is also the model's answer, before it is quantized";
  if (readers.length > 1) return `its output goes to ${readers.length} operators, needed is one QuantizeLinear`;
  const [reader] = readers;
  if (reader.op === "QuantizeLinear") return undefined;
  const behind = index.uses(reader.outputs[0]);
  const quantize = behind.length === 1 && behind[0].op === "QuantizeLinear" ? behind[0] : undefined;
  if (!ABSORBED.has(reader.op) || quantize === undefined) {
    return `"${reader.name}" (${reader.op}) stands between it and a QuantizeLinear`;
  }
  return whyNotAbsorbed(reader, { quantize, index });
}

function whyBias(node: Node, index: Index): string | undefined {
  const bias = node.inputs[2];
  const isFloat = bias !== undefined && index.producer(bias)?.op !== "DequantizeLinear";
  return isFloat ? "its output is not quantized, and its bias is not int32" : undefined;
}

interface Behind {
  readonly quantize: Node;
  readonly index: Index;
}

function whyNotAbsorbed(activation: Node, { quantize, index }: Behind): string | undefined {
  const grid = gridOf(quantize, index);
  if (grid === undefined) return undefined;
  const bound = (i: number) => Number(index.constant(activation.inputs[i])?.data[0] ?? NaN);
  const [low, high] = activation.op === "Relu" ? [0, Infinity] : [bound(1), bound(2)];
  if (grid.min >= low && grid.max <= high) return undefined;
  const text = (x: number) => Number(x.toPrecision(4));
  return `"${activation.name}" (${activation.op}) cannot be absorbed: the grid behind it reaches from ${
    text(grid.min)
  } to ${text(grid.max)}, beyond ${text(low)} to ${text(high)}`;
}

/** Real values that the codes of a QuantizeLinear stand for. */
function gridOf(quantize: Node, index: Index): { readonly min: number; readonly max: number } | undefined {
  const scale = Number(index.constant(quantize.inputs[1])?.data[0]);
  const zero = index.constant(quantize.inputs[2]);
  if (zero === undefined || Number.isNaN(scale)) return undefined;
  if (!isCodeType(zero.dtype)) return undefined;
  const { qmin, qmax } = codeRangeOf(zero.dtype);
  const zeroPoint = Number(zero.data[0]);
  return { min: (qmin - zeroPoint) * scale, max: (qmax - zeroPoint) * scale };
}

function whyGrids(node: Node, index: Index): string | undefined {
  const before = index.producer(node.inputs[0]);
  const [after] = index.uses(node.outputs[0]);
  const isSame = [1, 2].every((i) => {
    const [a, b] = [before, after].map((pair) => index.constant(pair?.inputs[i])?.data[0]);
    return a === b;
  });
  return isSame ? undefined : "the grids before and behind it differ, needed is one";
}
