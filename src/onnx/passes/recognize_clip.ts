/** Writes min(max(x, 0), c) as the one operator that it is: TF.js's layers spell ReLU6 as two. */
import type { Graph } from "../graph.ts";
import { indexOf, removeDeadNodes } from "./_index.ts";
import { Rewriter } from "./_rewriter.ts";

/** Replaces Relu → Min(constant) and Relu → Clip by one Clip with bounds 0 and the constant. */
export function recognizeClip(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new Rewriter(graph);
  for (const node of graph.nodes) {
    const relu = node.inputs.map(index.producer).find((producer) => producer?.op === "Relu");
    const bound = relu === undefined ? undefined : upperBound(node.op, node.inputs, relu.outputs[0]);
    const highest = index.constant(bound);
    if (relu === undefined || highest?.data.length !== 1 || highest.dtype !== "float32") {
      out.push(node);
      continue;
    }
    const zero = out.constant(`${node.outputs[0]}_low`, "float32", [], Float32Array.of(0));
    const high = out.constant(`${node.outputs[0]}_high`, "float32", [], Float32Array.of(Number(highest.data[0])));
    out.push({ ...node, op: "Clip", inputs: [relu.inputs[0], zero, high], attrs: {} });
  }
  return removeDeadNodes(out.finish());
}

/** The value that a Min or Clip keeps `x` below; undefined if the node does anything else. */
function upperBound(op: string, inputs: readonly string[], x: string): string | undefined {
  // ReLU layers with a maximum clip at 0 once more.
  if (op === "Clip" && inputs[0] === x) return inputs[2];
  return op === "Min" && inputs.length === 2 ? inputs.find((name) => name !== x) : undefined;
}
