/** Shapes of values, the batch first and open. */
import type * as tfl from "@tensorflow/tfjs-layers";

/** The shape that several broadcast to, as NumPy does; an open side stays open. */
export function broadcastShape(shapes: readonly tfl.Shape[]): tfl.Shape {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, i) => {
    const sides = shapes.flatMap((shape) => {
      const at = shape.length - rank + i;
      return at < 0 ? [] : [shape[at]];
    });
    const known = [...new Set(sides.filter((side) => side !== 1 && side !== null))];
    if (known.length > 1) throw new TypeError(`sides ${known.join(" and ")} are no same and none is 1`);
    return sides.includes(null) ? null : known[0] ?? 1;
  });
}

/** A side that an operation works on, which has to be known. */
export function sideOf(shape: tfl.Shape, axis: number): number {
  const side = shape[axis];
  if (typeof side === "number") return side;
  throw new TypeError(`its axis ${axis} is open or not there, its length is needed`);
}
