/**
 * Keeps softmax from ONNX Runtime's int8 kernel where that is wrong: on other grids than it was made for.
 *
 * QLinearSoftmax (1.30, CPU) rounds 1/scale down to a whole number, multiplies shares by that and lets codes wrap that are too
 * large. With 1/256 for shares from the smallest code on, or 1/128, it is right. With other scales codes are off by one or
 * more, and where the grid ends before 1 large shares become small ones. There the softmax is computed in float: a Max of
 * one value, which changes nothing and which no optimization removes, stands between it and its quantization.
 */
import { codeRangeOf, isCodeType } from "../../numbers/codes.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds, ofNodes } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";
import { pushGuarded, quantizersBehind } from "./_guard.ts";

/** Puts a Max behind every Softmax of codes whose grid is none of its int8 kernel's. */
export const guardSoftmax: Pass = definePass({
  name: "guardSoftmax",
  requires: [holds.equalGrids],
  ensures: [ofNodes("every Softmax of codes has a grid of its kernel's behind it", isWrong)],
  rewrite(graph: Graph, decline) {
    const index = indexOf(graph);
    const out = new GraphWriter(graph);
    for (const node of graph.nodes) {
      if (!isWrong(node, index)) {
        out.push(node);
        continue;
      }
      pushGuarded(node, out);
      decline(node, "ONNX Runtime's int8 kernel is wrong on its grid, steps of 1/256 or 1/128 are needed");
    }
    return out.finish();
  },
});

function isWrong({ op, inputs, outputs }: Node, index: Index): boolean {
  return op === "Softmax" && index.producer(inputs[0])?.op === "DequantizeLinear" &&
    quantizersBehind(outputs[0], index).some((quantize) => !isOfKernel(quantize, index));
}

/** Whether the kernel is right on the grid of `quantize`: those of `gridOfInterval`, for eight bits and for seven. */
function isOfKernel({ inputs }: Node, { constant }: Index): boolean {
  const [scale, zero] = [constant(inputs[1]), constant(inputs[2])];
  if (scale?.data.length !== 1 || zero === undefined || !isCodeType(zero.dtype)) return false;
  const fromSmallest = Number(zero.data[0]) - codeRangeOf(zero.dtype).qmin;
  const steps = 1 / Number(scale.data[0]);
  return steps === 256 ? fromSmallest === 0 : steps === 128 && (fromSmallest === 0 || fromSmallest === 128);
}
