/**
 * What the loss of an output takes in place of the boxes of a batch: for each box the anchor that is to find it.
 *
 * A box belongs to the anchor, of those of all outputs, whose size overlaps it most, in the cell where its centre is. Of
 * two boxes that want the same anchor of the same cell the later one has it, as in darknet. Difficult boxes belong to
 * none: nobody learns to find them, and nobody is told that they are not there.
 */
import { type Grid, type Grids, rowsOf, type Size, sizeOverlap, stretchOf, TRUE_NUMBERS } from "./grids.ts";

/** What is said of each box, a column each. */
export const COLUMNS = {
  /** x and y of the centre, width and height, as shares of the picture; zeros where there is no box. */
  box: 4,
  /** What the cell's numbers should be: σ(tx), σ(ty), tw, th. */
  numbers: 4,
  /** The cell's column and row. */
  cell: 2,
  /** The anchor's width and height. */
  anchor: 2,
  /** The class. */
  class: 1,
  /** Which anchor it is, counted over the batch's samples, their cells by rows and the anchors of a cell. */
  row: 1,
  /** 1 where an anchor of this output is to find the box, else 0: then `row` is 0 and means nothing. */
  weight: 1,
} as const;

/** Columns together. */
export const ENCODED = Object.values(COLUMNS).reduce<number>((sum, width) => sum + width, 0);

const AT = startsOf(COLUMNS);

/**
 * Encodes the boxes of a batch for the output `output` of `grids`.
 *
 * Shapes: [n, most, 6] → [n, most, ENCODED].
 */
export function encodeBoxes(
  boxes: ArrayLike<number>,
  { grids, output, most }: { readonly grids: Grids; readonly output: number; readonly most: number },
): Float32Array {
  const count = boxes.length / TRUE_NUMBERS;
  const encoded = new Float32Array(count * ENCODED);
  const finders = grids.grids.flatMap((grid, output) => grid.anchors.map((size, anchor) => ({ size, output, anchor })));
  const grid = grids.grids[output];
  const [factor, less] = stretchOf(grid);
  const taken = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const [x, y, width, height, label, difficult] = Array.from(
      { length: TRUE_NUMBERS },
      (_, k) => boxes[i * TRUE_NUMBERS + k],
    );
    if (label < 0 || !(width > 0 && height > 0)) continue;
    const at = i * ENCODED;
    encoded.set([x, y, width, height], at + AT.box);
    const finder = nearestOf(finders, [width, height]);
    if (difficult === 1 || finder.output !== output) continue;
    const cell = cellOf(grid, { x, y });
    const row = Math.floor(i / most) * rowsOf(grid) +
      (cell.row * grid.width + cell.column) * grid.anchors.length + finder.anchor;
    const before = taken.get(row);
    if (before !== undefined) release(encoded, before);
    taken.set(row, at);
    const [anchorWidth, anchorHeight] = finder.size;
    encoded.set([
      (x * grid.width - cell.column + less) / factor,
      (y * grid.height - cell.row + less) / factor,
      Math.log(width / anchorWidth),
      Math.log(height / anchorHeight),
      cell.column,
      cell.row,
      anchorWidth,
      anchorHeight,
      label,
      row,
      1,
    ], at + AT.numbers);
  }
  return encoded;
}

/** Gives a box's anchor to another box. */
function release(encoded: Float32Array, at: number): void {
  encoded[at + AT.row] = 0;
  encoded[at + AT.weight] = 0;
}

/** An anchor of an output. */
interface Finder {
  readonly size: Size;
  readonly output: number;
  readonly anchor: number;
}

/** Of equally good ones the first. */
function nearestOf(finders: readonly Finder[], size: Size): Finder {
  let [best] = finders;
  let most = sizeOverlap(best.size, size);
  for (const finder of finders) {
    const overlap = sizeOverlap(finder.size, size);
    if (overlap > most) [best, most] = [finder, overlap];
  }
  return best;
}

/** The cell of a centre; of one on the far edge of the picture the last. */
function cellOf({ height, width }: Grid, { x, y }: { readonly x: number; readonly y: number }) {
  const within = (share: number, cells: number) => Math.max(0, Math.min(cells - 1, Math.floor(share * cells)));
  return { column: within(x, width), row: within(y, height) };
}

function startsOf<K extends string>(columns: Readonly<Record<K, number>>): Readonly<Record<K, number>> {
  let next = 0;
  const starts: Record<K, number> = { ...columns };
  for (const key in columns) {
    starts[key] = next;
    next += columns[key];
  }
  return starts;
}
