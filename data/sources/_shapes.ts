/**
 * The shapes of the generated set as signed distances: negative inside, 0 on the edge, positive outside.
 *
 * Each lies within the unit circle around the origin, y upwards. The distances are exact near the edges, where the drawing needs
 * them; far away they may be bounds. Source of the constructions: I. Quilez, "2D distance functions".
 */

/** Signed distance of the point (x, y) from a shape's edge. */
export type Shape = (x: number, y: number) => number;

const TURN = 2 * Math.PI;

/** A regular polygon with a corner on top: folds the plane into one side's sector. */
function polygon(corners: number): Shape {
  const step = TURN / corners;
  const apothem = Math.cos(step / 2);
  return (x, y) => {
    const angle = Math.atan2(x, y) - step / 2;
    const folded = angle - step * Math.round(angle / step);
    return Math.hypot(x, y) * Math.cos(folded) - apothem;
  };
}

/** A star with a tip on top: folds the plane into half a ray, then measures from the line between its tip and its notch. */
function star(rays: number, notch: number): Shape {
  const step = TURN / rays;
  const [nx, ny] = [notch * Math.cos(step / 2), notch * Math.sin(step / 2)];
  const length = Math.hypot(nx - 1, ny);
  return (x, y) => {
    const angle = Math.atan2(x, y);
    const folded = Math.abs(angle - step * Math.round(angle / step));
    const r = Math.hypot(x, y);
    const [px, py] = [r * Math.cos(folded) - 1, r * Math.sin(folded)];
    // Cross product of the edge (tip to notch) and the point, seen from the tip.
    return (ny * px - (nx - 1) * py) / length;
  };
}

const HEAD = polygon(3);

function box(x: number, y: number, { halfWidth, halfHeight }: { halfWidth: number; halfHeight: number }): number {
  const [dx, dy] = [Math.abs(x) - halfWidth, Math.abs(y) - halfHeight];
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0);
}

/** Two bars of a third of the length. */
function cross(x: number, y: number): number {
  const bar = { halfWidth: 0.92, halfHeight: 0.3 };
  return Math.min(box(x, y, bar), box(y, x, bar));
}

/** A triangle's head on a bar, pointing right. */
function arrow(x: number, y: number): number {
  const head = HEAD(1.4 * y, 1.4 * x - 0.4) / 1.4;
  return Math.min(head, box(x + 0.45, y, { halfWidth: 0.5, halfHeight: 0.2 }));
}

/** A disc less a disc beside it. */
function crescent(x: number, y: number): number {
  return Math.max(Math.hypot(x, y) - 1, 0.85 - Math.hypot(x - 0.5, y));
}

/** A square on its corner and a disc on each of its upper sides. */
function heart(x: number, y: number): number {
  const u = (x + y + 0.1) * Math.SQRT1_2;
  const v = (y - x + 0.1) * Math.SQRT1_2;
  const square = box(u, v, { halfWidth: 0.55, halfHeight: 0.55 });
  return Math.min(square, Math.hypot(u, v - 0.55) - 0.55, Math.hypot(u - 0.55, v) - 0.55) + 0.12;
}

/** An Archimedean spiral of two turns, 0.2 thick: the distance to the nearest turn, along the radius. */
function spiral(x: number, y: number): number {
  const r = Math.hypot(x, y);
  const pitch = 0.46;
  const turns = r / pitch - Math.atan2(y, x) / TURN;
  return Math.max(Math.abs(turns - Math.round(turns)) * pitch - 0.11, r - 1);
}

/** The ten shapes, in the order of their labels. */
export const SHAPES = {
  disc: (x, y) => Math.hypot(x, y) - 0.95,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.72) - 0.22,
  triangle: polygon(3),
  square: (x, y) => box(x, y, { halfWidth: 0.7, halfHeight: 0.7 }),
  arrow,
  star: star(5, 0.45),
  cross,
  crescent,
  heart,
  spiral,
} as const satisfies Readonly<Record<string, Shape>>;
