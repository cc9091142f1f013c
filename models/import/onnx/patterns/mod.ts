/**
 * Operators that files write as several: layer normalization before opset 17, GELU before opset 20, and the shares of
 * attention.
 *
 * A node that is the end of such a group becomes one that computes it from the group's start; nodes that nobody reads then
 * are dropped.
 */
import type { Node } from "../../../../src/onnx/graph.ts";
import { shares } from "./_attention.ts";
import { gelu } from "./_gelu.ts";
import { norm, scaledNorm } from "./_norm.ts";
import type { Known, Pattern } from "./_pattern.ts";

export { FAR_BELOW } from "./_attention.ts";

const PATTERNS: readonly Pattern[] = [scaledNorm, norm, gelu, shares];

/** Puts single operators in the place of those that are written as several. */
export function recognize(
  nodes: readonly Node[],
  { statics, shapes, outputs }: Omit<Known, "producers"> & { readonly outputs: readonly string[] },
): readonly Node[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const known: Known = { producers, statics, shapes };
  const found = nodes.map((node) => {
    for (const pattern of PATTERNS) {
      const whole = pattern(node, known);
      if (whole !== undefined) return { ...node, ...whole };
    }
    return node;
  });
  const needed = new Set(outputs);
  return found.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    node.inputs.forEach((name) => needed.add(name));
    return true;
  }).toReversed();
}
