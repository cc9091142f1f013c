/**
 * Holds channels in blocks, the layout in which ONNX Runtime's fastest convolutions on x86 work.
 *
 * ONNX Runtime goes over to it by itself where filters are constants. While a model trains they are not; but its
 * operators for that layout take filters from anywhere, so this pass writes them, with the filters brought into their
 * order by the graph. Measured on two cores with AVX-512 (docs/engine.md): convolutions 1.4 to 1.5 times, depthwise ones
 * 10 times, their gradients by the filter 2 and 10 times as fast.
 *
 * Walking the graph in order, each value is known in plain form, in blocks, or both; operators that work element by
 * element, sums over pixels and batch normalization are computed in blocks when that is the only form that an input has,
 * and a reordering is written only where an operator needs the form that is missing.
 */
import type { Graph } from "../../../onnx/graph.ts";
import { indexOf, removeDeadNodes } from "../../../onnx/index.ts";
import { GraphWriter } from "../../../onnx/writer.ts";
import { holds } from "../../conditions.ts";
import { definePass, type Pass } from "../../pass.ts";
import { BlockedForms } from "./_forms.ts";
import { blockedRuleOf } from "./_rules.ts";

/**
 * Computes convolutions and what stands between them on blocked channels.
 *
 * @param block Channels a block, which is the machine's to say; 1 where ONNX Runtime has no such operators.
 */
export function blockChannels(block: number): Pass {
  return definePass({
    name: "blockChannels",
    requires: [holds.channelsFirst],
    rewrite: (graph) => block === 1 ? graph : rewrite(graph, block),
  });
}

function rewrite(graph: Graph, block: number): Graph {
  const out = new GraphWriter(graph);
  const forms = new BlockedForms(out, indexOf(graph), block);
  for (const node of graph.nodes) {
    if (blockedRuleOf(node)?.(node, forms)) continue;
    out.push({ ...node, inputs: node.inputs.map((name) => name === "" ? name : forms.plain(name)) });
  }
  for (const output of graph.outputs) forms.plain(output);
  return removeDeadNodes(out.finish());
}
