/**
 * Writes biases as int32 on the grid of the accumulator: scale s_x·s_w per channel, zero point 0.
 *
 * A bias beyond int32 on that grid belongs to a channel whose weights are next to nothing: the channel's weight scale is
 * raised until it fits and its codes are rounded anew (as onnxruntime's own quantizer does, docs/quantization.md, section 6).
 */
import { biasCode, biasScale, leastWeightScale } from "../../numbers/bias_grid.ts";
import { allocate } from "../../numbers/dtype.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { emitQuantized, forEachChannel, type QuantizedConstant, quantizedConstant } from "./_quantized_constant.ts";
import { refuseLoss } from "./_lost_weights.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { roundHalfEven } from "../../numbers/round.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/**
 * Quantizes the float biases of Conv and Gemm whose input and weights are dequantized.
 *
 * It throws a RangeError where the weights are lost that way though they show.
 */
export const quantizeBias: Pass = definePass({
  name: "quantizeBias",
  requires: [holds.weightCodes, holds.completeBiases],
  ensures: [holds.biasCodes],
  rewrite,
});

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) out.push(withIntegerBias(node, index, out) ?? node);
  return removeDeadNodes(out.finish());
}

function withIntegerBias(node: Node, index: Index, out: GraphWriter): Node | undefined {
  if (node.op !== "Conv" && node.op !== "Gemm") return undefined;
  const bias = biasOf(node, index, out);
  const weights = quantizedConstant(index.producer(node.inputs[1]), index.constant);
  const input = index.producer(node.inputs[0]);
  const inputScale = input?.op === "DequantizeLinear" ? index.constant(input.inputs[1]) : undefined;
  if (bias === undefined || weights === undefined || inputScale?.data.length !== 1) return undefined;
  const base = node.layer ?? node.name;
  const sx = Number(inputScale.data[0]);
  const fitted = fitScales(weights, bias, sx);
  if (fitted !== weights) refuseLoss({ node, trained: weights, written: fitted }, index);
  const weightName = fitted === weights
    ? node.inputs[1]
    : emitQuantized(out, fitted, { base: `${base}/kernel_fitted` });
  const scales = Float32Array.from(bias, (_, c) => biasScale(sx, fitted.scale[fitted.scale.length === 1 ? 0 : c]));
  const codes = Int32Array.from(bias, (b, c) => biasCode(b, scales[c]));
  const biasConstant: QuantizedConstant = {
    codes: { dtype: "int32", shape: [bias.length], data: codes },
    scale: scales,
    zeroPoint: new Int32Array(bias.length),
    channels: { inner: 1, count: bias.length },
    node,
  };
  const biasName = emitQuantized(out, biasConstant, { base: `${base}/bias` });
  return { ...node, inputs: [node.inputs[0], weightName, biasName] };
}

/** Returns the float bias with one element a channel, or undefined if there is none of that form. */
function biasOf(node: Node, { constant }: Index, out: GraphWriter): Float32Array | undefined {
  const bias = constant(node.inputs[2]);
  // Both operators have their channels along axis 1; Gemm broadcasts its bias, integers do not.
  const channels = out.typeOf(node.outputs[0]).shape[1];
  if (bias?.dtype !== "float32" || (bias.data.length !== 1 && bias.shape[bias.shape.length - 1] !== bias.data.length)) {
    return undefined;
  }
  return bias.data.length === channels
    ? bias.data as Float32Array
    : new Float32Array(channels).fill(Number(bias.data[0]));
}

/** Raises the scales of channels whose bias would overflow or whose scale vanishes, rounding their codes anew. */
function fitScales(weights: QuantizedConstant, bias: Float32Array, inputScale: number): QuantizedConstant {
  const { channels, scale } = weights;
  const least = bias.map((b) => leastWeightScale(b, inputScale));
  const raised = channels === undefined
    ? Float32Array.of(least.reduce((most, s) => Math.max(most, s), scale[0]))
    : scale.map((s, c) => Math.max(s, least[c]));
  return raised.every((s, c) => s === scale[c]) ? weights : rescaled(weights, raised);
}

function rescaled(weights: QuantizedConstant, scale: Float32Array): QuantizedConstant {
  const { codes, zeroPoint, channels = { inner: codes.data.length, count: 1 } } = weights;
  const data = allocate(codes.dtype, codes.data.length);
  forEachChannel(channels, data.length, (c, from, to) => {
    const zero = Number(zeroPoint[c]);
    for (let i = from; i < to; i++) {
      data[i] = zero + roundHalfEven((Number(codes.data[i]) - zero) * weights.scale[c] / scale[c]);
    }
  });
  return { ...weights, codes: { ...codes, data }, scale };
}
