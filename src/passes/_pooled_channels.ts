/** Which means are pools: the deployed file writes them as such, and evaluation computes them as their kernel does. */
import type { Node } from "../onnx/graph.ts";

/**
 * Returns which axis holds the channels of what a ReduceMean averages over all places, 1 of [n, c, …] or the last of
 * [n, …, c]; undefined if it is no pool.
 */
export function pooledChannels(
  { op, inputs, attrs }: Node,
  graph: { typeOf(name: string): { readonly shape: readonly unknown[] } },
): number | undefined {
  if (op !== "ReduceMean" || attrs.axes === undefined) return undefined;
  const { length: rank } = graph.typeOf(inputs[0]).shape;
  const axes = (attrs.axes as readonly number[]).map((axis) => (axis + rank) % rank).toSorted((a, b) => a - b).join();
  const places = Array.from({ length: Math.max(rank - 2, 0) }, (_, i) => i + 1);
  if (places.length === 0) return undefined;
  if (axes === places.map((axis) => axis + 1).join()) return 1;
  return axes === places.join() ? rank - 1 : undefined;
}
