/** How much memory a graph's values take. */
import { bytesOf, type Graph } from "../onnx/graph.ts";

/**
 * Returns the bytes of the values that are alive at once, at the worst, when the nodes of `graph` run in their order.
 *
 * That is what a session's arena grows to, and keeps between runs. Inputs and outputs are not counted: their arrays are
 * the caller's. Operators that compute in place, or in memory of their own, make it differ.
 */
export function peakBytes(graph: Graph): number {
  const last = new Map<string, number>();
  graph.nodes.forEach(({ inputs }, at) => inputs.forEach((name) => last.set(name, at)));
  for (const name of graph.outputs) last.delete(name);
  const ending = new Map<number, number>();
  let [alive, peak] = [0, 0];
  graph.nodes.forEach(({ outputs }, at) => {
    for (const name of outputs) {
      const bytes = last.has(name) ? bytesOf(graph, name) : 0;
      alive += bytes;
      const end = last.get(name) ?? at;
      ending.set(end, (ending.get(end) ?? 0) + bytes);
    }
    peak = Math.max(peak, alive);
    alive -= ending.get(at) ?? 0;
  });
  return peak;
}
