/**
 * The stages of a net: its parts between which pictures, or sequences, change their size.
 *
 * A layer's stage is how often the size has changed on the longest way to it, by half as much again at least: padding, and
 * what a convolution takes off the edges, begins no stage. Numbered from 1, without gaps. What only pads or moves numbers
 * before the size changes is in the stage that it leads to. What has no sides left, as behind global pooling, is in none.
 *
 *     ResNet-18 at 112²   1: the first convolution (56²)   2 to 5: pooling and blocks at 28², 14², 7², 4²
 *     a U-Net             down, and up again: a stage for each size on the way down, others for those on the way up
 */
import { ruleOf } from "../src/layers/mod.ts";
import { isConstant, isInput, type LayerGraph, type LayerNode, sourceOf } from "../src/rewrite/mod.ts";

/** Shapes of what nodes give, the batch first, by the nodes' names. */
export type NodeShapes = ReadonlyMap<string, readonly (number | null)[]>;

/** Sides that change by less have lost no more than their edges. */
const CHANGED = 1.5;

/** Returns the stage of each node of `graph` that is in one. */
export function stagesOf(graph: LayerGraph, shapes: NodeShapes): ReadonlyMap<string, number> {
  const changes = new Map<string, number>();
  for (const node of graph.nodes) {
    const before = node.inbound.map((value) => sourceOf(value).node);
    const counts = before.map((name) =>
      (changes.get(name) ?? 0) + (isOther(sidesOf(shapes.get(name)), sidesOf(shapes.get(node.name))) ? 1 : 0)
    );
    changes.set(node.name, Math.max(0, ...counts));
  }
  const staged = graph.nodes.filter((node) => isStaged(node, shapes));
  const countOf = ({ name }: LayerNode) => changes.get(name) ?? 0;
  const working = staged.filter(({ layer }) => !MOVES.has(layer.className) && ruleOf(layer).kind !== "passthrough");
  const numbers = [...new Set((working.length === 0 ? staged : working).map(countOf))].toSorted((a, b) => a - b);
  return new Map(staged.map((node) => {
    const next = numbers.findIndex((count) => count >= countOf(node));
    return [node.name, next === -1 ? numbers.length : next + 1];
  }));
}

/** Layers that compute nothing. */
const MOVES: ReadonlySet<string> = new Set(["Cropping2D", "Permute", "Reshape", "ZeroPadding2D"]);

function isStaged(node: LayerNode, shapes: NodeShapes): boolean {
  return !isInput(node) && !isConstant(node) && sidesOf(shapes.get(node.name)).some((side) => side !== 1);
}

/** The dimensions between the batch and the channels; null is open. */
function sidesOf(shape: readonly (number | null)[] = []): readonly (number | null)[] {
  return shape.slice(1, -1);
}

function isOther(before: readonly (number | null)[], after: readonly (number | null)[]): boolean {
  if (before.length !== after.length || before.every((side) => side === 1)) return false;
  return before.some((side, i) => {
    const other = after[i];
    return side !== null && other !== null && Math.max(side / other, other / side) >= CHANGED;
  });
}
