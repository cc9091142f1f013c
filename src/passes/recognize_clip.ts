/** Writes min(max(x, 0), c) as the one operator that it is: TF.js's layers spell ReLU6 as two. */
import type { Graph, Node } from "../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../onnx/index.ts";
import { GraphWriter } from "../onnx/writer.ts";
import { holds } from "./conditions.ts";
import { definePass, type Pass } from "./pass.ts";

/** Replaces Relu → Min(constant) and Relu → Clip(constants) by one Clip, from 0 or the Clip's own lower bound. */
export const recognizeClip: Pass = definePass({ name: "recognizeClip", ensures: [holds.knownClips], rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const relu = node.inputs.map(index.producer).find((producer) => producer?.op === "Relu");
    const bounds = relu === undefined ? undefined : boundsOf(node, relu.outputs[0], index);
    if (relu === undefined || bounds === undefined) {
      out.push(node);
      continue;
    }
    const low = out.constant(`${node.outputs[0]}_low`, "float32", [], Float32Array.of(bounds.low));
    const high = out.constant(`${node.outputs[0]}_high`, "float32", [], Float32Array.of(bounds.high));
    out.push({ ...node, op: "Clip", inputs: [relu.inputs[0], low, high], attrs: {} });
  }
  return removeDeadNodes(out.finish());
}

/** The bounds of what a Min or Clip leaves of `x`, which is not negative; undefined if the node does anything else. */
function boundsOf({ op, inputs }: Node, x: string, index: Index) {
  const constant = (name: string | undefined) => {
    const tensor = index.constant(name);
    return tensor?.dtype === "float32" ? tensor : undefined;
  };
  if (op === "Min" && inputs.length === 2) {
    const high = constant(inputs.find((name) => name !== x));
    return high?.shape.length === 0 ? { low: 0, high: Number(high.data[0]) } : undefined;
  }
  // ReLU layers with a maximum clip at 0 once more.
  if (op !== "Clip" || inputs[0] !== x) return undefined;
  const [low, high] = [constant(inputs[1]), constant(inputs[2])];
  if (high === undefined || (inputs[1] !== "" && low === undefined)) return undefined;
  return { low: Math.max(0, Number(low?.data[0] ?? 0)), high: Number(high.data[0]) };
}
