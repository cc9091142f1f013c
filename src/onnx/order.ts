/** The order of nodes. */
import type { Node } from "./graph.ts";

/**
 * Returns `nodes` so ordered that each stands behind those whose outputs it reads; otherwise their order is kept.
 *
 * @throws {RangeError} If nodes read each other's outputs in a circle. The nodes are named.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { topologicalOrder } from "./order.ts";
 *
 * const late = { op: "Relu", name: "late", inputs: ["h"], outputs: ["y"], attrs: {} };
 * const early = { op: "Neg", name: "early", inputs: ["x"], outputs: ["h"], attrs: {} };
 * assert.deepEqual(topologicalOrder([late, early]), [early, late]);
 * ```
 */
export function topologicalOrder(nodes: readonly Node[]): readonly Node[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const ordered = new Set<Node>();
  /** The nodes from a root down to where the walk stands. */
  const path: Node[] = [];
  const onPath = new Set<Node>();
  for (const root of nodes) {
    path.push(root);
    while (path.length > 0) {
      const node = path[path.length - 1];
      onPath.add(node);
      const next = ordered.has(node) ? undefined : pending(node);
      if (next !== undefined && onPath.has(next)) {
        throw new RangeError(`Cannot order the nodes: ${circle(path, next)} read each other`);
      }
      if (next !== undefined) path.push(next);
      else {
        ordered.add(node);
        onPath.delete(node);
        path.pop();
      }
    }
  }
  return [...ordered];

  function pending(node: Node): Node | undefined {
    for (const input of node.inputs) {
      const producer = input === "" ? undefined : producers.get(input);
      if (producer !== undefined && !ordered.has(producer)) return producer;
    }
    return undefined;
  }
}

function circle(path: readonly Node[], from: Node): string {
  return path.slice(path.indexOf(from)).map((node) => `"${node.name}"`).join(", ");
}
