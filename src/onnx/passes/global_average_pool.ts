/** Writes means over a picture's height and width as GlobalAveragePool, which has an int8 kernel; ReduceMean has none. */
import type { Graph } from "../graph.ts";
import { Rewriter } from "./_rewriter.ts";

/** Replaces ReduceMean over axes 2 and 3 of [n, c, h, w]. */
export function globalAveragePool(graph: Graph): Graph {
  const out = new Rewriter(graph);
  for (const node of graph.nodes) {
    const axes = node.op === "ReduceMean" ? node.attrs.axes as readonly number[] : undefined;
    const { shape } = out.typeOf(node.inputs[0] || node.outputs[0]);
    if (axes === undefined || shape.length !== 4 || axes.map((axis) => (axis + 4) % 4).toSorted().join() !== "2,3") {
      out.push(node);
      continue;
    }
    const output = node.outputs[0];
    if (node.attrs.keepdims !== 0) {
      out.push({ ...node, op: "GlobalAveragePool", attrs: {} });
      continue;
    }
    const pooled = out.emit("GlobalAveragePool", [node.inputs[0]], { like: node });
    out.emit("Reshape", [pooled, out.ints(`${output}_shape`, [shape[0], shape[1]])], { output, like: node });
  }
  return out.finish();
}
