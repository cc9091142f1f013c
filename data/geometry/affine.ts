/** Affine maps of the plane: what moves pictures, and all that lies in them. */

/** The map (x, y) → (xx · x + xy · y + x0, yx · x + yy · y + y0). */
export interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly x0: number;
  readonly yx: number;
  readonly yy: number;
  readonly y0: number;
}

/** A point, or a step. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Edges of what has its sides along the axes. */
export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What moves nothing. */
export const IDENTITY: Affine = { xx: 1, xy: 0, x0: 0, yx: 0, yy: 1, y0: 0 };

/** Everything, in shares of a picture's sides. */
export const WHOLE: Rect = { left: 0, top: 0, right: 1, bottom: 1 };

/** Returns the map that moves by a step. */
export function moveBy({ x, y }: Point): Affine {
  return { ...IDENTITY, x0: x, y0: y };
}

/** Returns the map that stretches both axes from the origin. */
export function stretchBy({ x, y }: Point): Affine {
  return { ...IDENTITY, xx: x, yy: y };
}

/** Returns the map that turns around the origin, from x towards y. */
export function turnBy(radians: number): Affine {
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return { xx: cos, xy: -sin, x0: 0, yx: sin, yy: cos, y0: 0 };
}

/** Returns the map that applies `maps` one after another, the first of them first. */
export function inTurn(...maps: readonly Affine[]): Affine {
  return maps.reduce((first, then) => ({
    xx: then.xx * first.xx + then.xy * first.yx,
    xy: then.xx * first.xy + then.xy * first.yy,
    x0: then.xx * first.x0 + then.xy * first.y0 + then.x0,
    yx: then.yx * first.xx + then.yy * first.yx,
    yy: then.yx * first.xy + then.yy * first.yy,
    y0: then.yx * first.x0 + then.yy * first.y0 + then.y0,
  }), IDENTITY);
}

/** Returns the map that takes back what `map` does, which must not flatten the plane. */
export function inverse({ xx, xy, x0, yx, yy, y0 }: Affine): Affine {
  const area = xx * yy - xy * yx;
  return {
    xx: yy / area,
    xy: -xy / area,
    x0: (xy * y0 - yy * x0) / area,
    yx: -yx / area,
    yy: xx / area,
    y0: (yx * x0 - xx * y0) / area,
  };
}

/** Moves a point. */
export function movePoint({ x, y }: Point, { xx, xy, x0, yx, yy, y0 }: Affine): Point {
  return { x: xx * x + xy * y + x0, y: yx * x + yy * y + y0 };
}

/** Returns the edges around what becomes of a rectangle. */
export function moveRect({ left, top, right, bottom }: Rect, map: Affine): Rect {
  const corners = [[left, top], [right, top], [left, bottom], [right, bottom]].map(([x, y]) =>
    movePoint({ x, y }, map)
  );
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}
