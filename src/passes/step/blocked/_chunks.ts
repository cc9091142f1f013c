/** Transpositions that move whole chunks, as lists of the places that chunks come from. */
import { sizeOf } from "../../../onnx/graph.ts";

/** A transposition as: in each of a batch, chunks in another order. */
export interface Move {
  readonly batch: number;
  /** The dimensions that change places. */
  readonly moved: readonly number[];
  /** Their order afterwards. */
  readonly order: readonly number[];
  /** Elements that stay side by side. */
  readonly chunk: number;
}

/** Fewer elements are not worth a second thread. */
const PARALLEL_ELEMENTS = 1 << 16;

/** More chunks take a megabyte and more to write their places down. */
const MOST_CHUNKS = 1 << 18;

/** Divides the transposition of a value of `shape` by `perm` into what stays and what moves. */
export function moveOf(shape: readonly number[], perm: readonly number[]): Move {
  let [first, end] = [0, perm.length];
  while (first < end && perm[first] === first) first++;
  while (end > first && perm[end - 1] === end - 1) end--;
  return {
    batch: sizeOf(shape.slice(0, first)),
    moved: shape.slice(first, end),
    order: perm.slice(first, end).map((axis) => axis - first),
    chunk: sizeOf(shape.slice(end)),
  };
}

/** Whether the chunks are many enough for threads, and few enough for a list of their places. */
export function isWorthGathering({ batch, moved, chunk }: Move): boolean {
  const chunks = sizeOf(moved);
  return batch * chunks * chunk >= PARALLEL_ELEMENTS && chunks <= MOST_CHUNKS;
}

/** Returns, for each place of the moved dimensions afterwards in row-major order, the place before. */
export function placesAfter({ moved, order }: Move): Int32Array {
  const strides = moved.map((_, i) => sizeOf(moved.slice(i + 1)));
  let places = [0];
  for (const axis of order) {
    places = places.flatMap((place) => Array.from({ length: moved[axis] }, (_, i) => place + i * strides[axis]));
  }
  return Int32Array.from(places);
}
