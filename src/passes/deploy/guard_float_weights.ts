/**
 * Keeps ONNX Runtime's hands off float weights.
 *
 * Between a DequantizeLinear and a QuantizeLinear, ONNX Runtime 1.30 rounds the float weights of a Conv or Gemm itself, to
 * one int8 scale a tensor, and runs it on integers (weight_bias_quantization.cc). A layer that was left in float, because
 * it loses too much by rounding, would lose it all the same, and other numbers would come out than were simulated. A Max
 * of one value, which changes nothing and which no optimization removes, stands between the operator and its
 * quantization.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";
import { pushGuarded, quantizersBehind } from "./_guard.ts";

/** Operators whose weights are rounded. */
const ROUNDED = new Set(["Conv", "ConvTranspose", "Gemm"]);

/** Puts a Max behind every Conv and Gemm whose float weights would be rounded. */
export const guardFloatWeights: Pass = definePass({
  name: "guardFloatWeights",
  requires: [holds.weightCodes],
  rewrite,
});

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    if (isAtRisk(node, index)) pushGuarded(node, out);
    else out.push(node);
  }
  return out.finish();
}

function isAtRisk({ op, inputs, outputs }: Node, index: Index): boolean {
  if (!ROUNDED.has(op) || index.constant(inputs[1])?.dtype !== "float32") return false;
  if (index.producer(inputs[0])?.op !== "DequantizeLinear") return false;
  return quantizersBehind(outputs[0], index).length > 0;
}
