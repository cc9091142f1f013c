/** What is known to lie in pictures, moved as they are. */
import { BOX_NUMBERS, type Boxes, type Points } from "../samples.ts";
import { movePoint, moveRect } from "./affine.ts";
import type { Tile } from "./tiles.ts";

/** A box with less of its area left within its part of the picture is no longer what it was. */
const LEAST_LEFT = 1 / 3;

/** A row that stands for nothing. */
export const NO_BOX: readonly number[] = [0, 0, 0, 0, -1, 0];

/** Returns the rows of a picture's boxes: moved, clipped to their part of it, and dropped where too little is left. */
export function moveBoxes({ values, most }: Pick<Boxes, "values" | "most">, tiles: readonly Tile[]): readonly number[] {
  const rows: number[] = [];
  for (const { from, map, area } of tiles) {
    for (let row = 0; row < most; row++) {
      const at = (from * most + row) * BOX_NUMBERS;
      const label = values[at + 4];
      if (label < 0) break;
      const [x, y, width, height] = values.subarray(at, at + 4);
      const own = { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
      const moved = moveRect(own, map);
      const left = Math.max(moved.left, area.left);
      const right = Math.min(moved.right, area.right);
      const top = Math.max(moved.top, area.top);
      const bottom = Math.min(moved.bottom, area.bottom);
      const whole = (moved.right - moved.left) * (moved.bottom - moved.top);
      if (!(right > left && bottom > top && (right - left) * (bottom - top) >= LEAST_LEFT * whole)) continue;
      rows.push((left + right) / 2, (top + bottom) / 2, right - left, bottom - top, label, values[at + 5]);
    }
  }
  return rows;
}

/** Returns a picture's points, moved; in a mirrored one each takes the place of what it becomes. */
export function movePoints({ values, names, mirror }: Omit<Points, "kind">, { from, map, change }: Tile): Float32Array {
  const moved = new Float32Array(2 * names.length);
  for (let i = 0; i < names.length; i++) {
    const at = 2 * (from * names.length + i);
    const { x, y } = movePoint({ x: values[at], y: values[at + 1] }, map);
    const to = change.mirror && mirror !== undefined ? mirror[i] : i;
    moved.set([x, y], 2 * to);
  }
  return moved;
}
