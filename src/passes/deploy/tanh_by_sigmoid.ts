/**
 * Computes tanh between grids by sigmoid, which has an int8 kernel.
 *
 * tanh(x) = 2·sigmoid(2x) − 1. The same codes read with twice the scale stand for 2x; and the code of the tanh on a grid
 * of scale s and zero point z, tanh(x)/s + z, is that of the sigmoid on the grid of scale s/2 and zero point z − 1/s:
 * 128·tanh(x) + 128 = 256·sigmoid(2x). So only scales and zero points change, where 1/s is a whole number.
 */
import { codeRangeOf } from "../../numbers/codes.ts";
import { allocate } from "../../numbers/dtype.ts";
import type { QParams } from "../../numbers/scheme.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/** Replaces DQ → Tanh → Q by DQ of twice the scale → Sigmoid → Q, where the sigmoid has a grid for the codes of the tanh. */
export const tanhBySigmoid: Pass = definePass({ name: "tanhBySigmoid", requires: [holds.equalGrids], rewrite });

function rewrite(graph: Graph, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const replaced = new Set<Node>();
  for (const node of graph.nodes) {
    const quantize = node.op === "Tanh" ? index.soleUse(node.outputs[0]) : undefined;
    const source = index.producer(node.inputs[0]);
    const grid = quantize && sigmoidGrid(quantize, index);
    if (grid !== undefined && quantize !== undefined && isDequantized(source, index)) {
      emitSigmoid(node, { source, quantize, grid, index, out });
      replaced.add(quantize);
    } else if (!replaced.has(node)) out.push(node);
    if (node.op === "Tanh" && grid === undefined) {
      decline(node, "its results are on no grid that a sigmoid has as well");
    } else if (node.op === "Tanh" && !isDequantized(source, index)) decline(node, "what it reads is on no grid");
  }
  return removeDeadNodes(out.finish());
}

/** Whether `source` dequantizes by one scale. */
function isDequantized(source: Node | undefined, { constant }: Index): source is Node {
  return source?.op === "DequantizeLinear" && constant(source.inputs[1])?.data.length === 1;
}

interface SigmoidGrid extends QParams {
  readonly dtype: "uint8" | "int8";
}

/** Returns the grid on which a sigmoid has the codes that a tanh has on the grid of `quantize`. */
function sigmoidGrid({ op, inputs }: Node, { constant }: Index): SigmoidGrid | undefined {
  const [scale, zero] = [constant(inputs[1]), constant(inputs[2])];
  if (op !== "QuantizeLinear" || scale?.data.length !== 1) return undefined;
  if (zero?.dtype !== "uint8" && zero?.dtype !== "int8") return undefined;
  const s = Number(scale.data[0]);
  const zeroPoint = Number(zero.data[0]) - 1 / s;
  const isCode = Number.isInteger(zeroPoint) && zeroPoint >= codeRangeOf(zero.dtype).qmin;
  return isCode ? { scale: s / 2, zeroPoint, dtype: zero.dtype } : undefined;
}

interface Emission {
  readonly source: Node;
  readonly quantize: Node;
  readonly grid: SigmoidGrid;
  readonly index: Index;
  readonly out: GraphWriter;
}

function emitSigmoid(node: Node, { source, quantize, grid, index, out }: Emission): void {
  const [codes, scale, ...zero] = source.inputs;
  const twice = Float32Array.of(2 * Number(index.constant(scale)!.data[0]));
  const base = node.outputs[0];
  const real = out.emit(
    "DequantizeLinear",
    [codes, out.constant(`${base}_twice`, "float32", [], twice), ...zero],
    {
      like: node,
    },
  );
  const sigmoid = out.emit("Sigmoid", [real], { like: node });
  const zeroPoint = allocate(grid.dtype, 1);
  zeroPoint[0] = grid.zeroPoint;
  const onGrid = [
    out.constant(`${base}_scale`, "float32", [], Float32Array.of(grid.scale)),
    out.constant(`${base}_zero_point`, grid.dtype, [], zeroPoint),
  ];
  out.push({ ...quantize, inputs: [sigmoid, ...onGrid] });
}
