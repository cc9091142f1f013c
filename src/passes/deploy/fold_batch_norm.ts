/**
 * Folds batch normalization into the convolution or matrix product before it.
 *
 * BN(y) = k·y + β − k·μ with k = γ / √(σ² + ε) per output channel. For float weights, W ← k·W. For weights on a
 * symmetric grid, quantizing commutes with folding: the scale takes |k|, the codes its sign, so the integers are those
 * that training saw. k = 0 is a dead channel: codes 0, and the bias alone remains.
 */
import { codeRangeOf } from "../../numbers/codes.ts";
import { allocate } from "../../numbers/dtype.ts";
import type { Graph, Node, Tensor } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import {
  commonZeroPoint,
  emitQuantized,
  type QuantizedConstant,
  quantizedConstant,
  scaleChannels,
} from "./_quantized_constant.ts";
import { refuseLoss } from "./_lost_weights.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/** ONNX BatchNormalization-15. */
const DEFAULT_EPSILON = 1e-5;

/** Axis of the output channels in each operator's weights. */
const CHANNEL_AXIS: Readonly<Record<string, number>> = { Conv: 0, Gemm: 1 };

/**
 * Folds every BatchNormalization whose input is a Conv or Gemm that nothing else reads.
 *
 * It throws a RangeError where weights are lost that way though they show.
 */
export const foldBatchNorm: Pass = definePass({
  name: "foldBatchNorm",
  requires: [holds.weightCodes, holds.completeBiases],
  ensures: [holds.completeBiases],
  rewrite,
});

function rewrite(graph: Graph, decline: Decline): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const folded = new Set<Node>();
  for (const node of graph.nodes) {
    const bn = node.op in CHANNEL_AXIS ? normOf(node, index) : undefined;
    const isFolded = bn !== undefined && fold(node, bn, { index, out });
    if (isFolded) folded.add(bn);
    else if (!folded.has(node)) out.push(node);
    if (node.op === "BatchNormalization" && !folded.has(node)) decline(node, whyNotFolded(node, index));
  }
  return removeDeadNodes(out.finish());
}

/** Returns the normalization of what `node` gives, if nothing else reads that. */
function normOf(node: Node, { soleUse }: Index): Node | undefined {
  const bn = soleUse(node.outputs[0]);
  return bn?.op === "BatchNormalization" && bn.inputs[0] === node.outputs[0] ? bn : undefined;
}

function whyNotFolded(bn: Node, index: Index): string {
  const node = index.producer(bn.inputs[0]);
  if (node === undefined || !(node.op in CHANNEL_AXIS)) return "no convolution or product stands right before it";
  const before = `"${node.name}" (${node.op}) before it`;
  if (normOf(node, index) === undefined) return `what ${before} gives is read by others too`;
  const isKnown = [...bn.inputs.slice(1), ...node.inputs.slice(2)].every((name) => index.constant(name) !== undefined);
  return isKnown ? `the weights of ${before} have no codes for its factors` : `it or the bias of ${before} is computed`;
}

/** Writes the folded operator in place of `node`, under the output name of `bn`. Returns whether it could. */
function fold(node: Node, bn: Node, { index, out }: { readonly index: Index; readonly out: GraphWriter }): boolean {
  if (node.inputs[2] !== undefined && index.constant(node.inputs[2]) === undefined) return false;
  const parameters = bn.inputs.slice(1).map((name) => index.constant(name)?.data as Float32Array | undefined);
  if (parameters.some((p) => p === undefined)) return false;
  const [gamma, beta, mean, variance] = parameters as Float32Array[];
  const epsilon = (bn.attrs.epsilon as number | undefined) ?? DEFAULT_EPSILON;
  const factors = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon));
  const weights = scaledWeights(node, factors, { index, out });
  if (weights === undefined) return false;
  const bias = index.constant(node.inputs[2])?.data as Float32Array | undefined;
  const folded = Float32Array.from(beta, (b, c) => b + factors[c] * ((bias?.[c] ?? 0) - mean[c]));
  const biasName = out.constant(`${node.layer ?? node.name}/bias_folded`, "float32", [folded.length], folded);
  out.push({ ...node, inputs: [node.inputs[0], weights, biasName], outputs: bn.outputs });
  return true;
}

function scaledWeights(
  node: Node,
  factors: Float64Array,
  { index, out }: { readonly index: Index; readonly out: GraphWriter },
): string | undefined {
  const axis = CHANNEL_AXIS[node.op];
  const base = `${node.layer ?? node.name}/kernel_folded`;
  const float = index.constant(node.inputs[1]);
  if (float !== undefined) {
    return out.constant(base, "float32", float.shape, scaleFloat(float, factors, axis));
  }
  const quantized = quantizedConstant(index.producer(node.inputs[1]), index.constant);
  if (quantized === undefined || !canScale(quantized, factors)) return undefined;
  const scaled = scaleChannels(quantized, factors, axis);
  refuseLoss({ node, trained: quantized, factors, written: scaled }, index);
  return emitQuantized(out, scaled, { base, like: node });
}

/** Whether the type has a code for every scaled value: where a sign turns, the code as far beyond the zero point. */
function canScale(constant: QuantizedConstant, factors: Float64Array): boolean {
  const zero = commonZeroPoint(constant);
  const { dtype, data } = constant.codes;
  if (zero === undefined || (dtype !== "int8" && dtype !== "uint8")) return false;
  if (factors.every((factor) => factor >= 0)) return true;
  const { qmin, qmax } = codeRangeOf(dtype);
  return (data as Int8Array).every((code) => 2 * zero - code >= qmin && 2 * zero - code <= qmax);
}

function scaleFloat({ data, shape }: Tensor, factors: Float64Array, axis: number): Float32Array {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const scaled = allocate("float32", data.length) as Float32Array;
  for (let i = 0; i < data.length; i++) scaled[i] = Number(data[i]) * factors[Math.floor(i / inner) % shape[axis]];
  return scaled;
}
