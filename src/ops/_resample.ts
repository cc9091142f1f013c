/** Which source elements TF.js's resizing reads for every output element, along one axis, and how ONNX is told the size. */
import { vector } from "./_emit.ts";
import type { Emit, Value } from "./op.ts";

/** TF.js's way to lay the new grid over the old one. */
export interface Grid {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** Old and new length of an axis. */
export interface Lengths {
  readonly from: number;
  readonly to: number;
}

/** Source coordinate of output element `i` (TF.js's cpu kernels), without the shift of half a pixel back. */
function coordinate(i: number, { from, to }: Lengths, { alignCorners, halfPixelCenters }: Grid): number {
  const aligned = alignCorners && to > 1;
  const ratio = (aligned ? from - 1 : from) / (aligned ? to - 1 : to);
  return ratio * (halfPixelCenters ? i + 0.5 : i);
}

/** Returns the source element of every output element of nearest-neighbour resizing. */
export function nearestSources(lengths: Lengths, grid: Grid): number[] {
  return Array.from({ length: lengths.to }, (_, i) => {
    const at = coordinate(i, lengths, grid);
    return Math.min(lengths.from - 1, grid.alignCorners ? Math.round(at) : Math.floor(at));
  });
}

/** Returns the weights [to, from], row-major, with which nearest-neighbour resizing adds up source elements. */
export function nearestWeights(lengths: Lengths, grid: Grid): Float32Array {
  const weights = new Float32Array(lengths.to * lengths.from);
  nearestSources(lengths, grid).forEach((source, i) => weights[i * lengths.from + source] = 1);
  return weights;
}

/** Returns the weights [to, from], row-major, with which linear resizing adds up source elements. */
export function linearWeights(lengths: Lengths, grid: Grid): Float32Array {
  const { from, to } = lengths;
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, coordinate(i, lengths, grid) - (grid.halfPixelCenters ? 0.5 : 0));
    const low = Math.min(Math.floor(at), from - 1);
    const high = Math.min(Math.ceil(at), from - 1);
    weights[i * from + low] += 1 - (at - low);
    weights[i * from + high] += at - low;
  }
  return weights;
}

/**
 * Returns the inputs of a Resize of `x` [n, c, h, w] to `size`.
 *
 * Scales where float32 takes them to that size, since they leave the batch open, as sizes do not. ONNX Runtime computes
 * the same coordinates from either.
 */
export function resizeInputs(emit: Emit, x: Value, [height, width]: readonly number[]): readonly (Value | null)[] {
  const [n, c, h, w] = x.shape;
  const scales = [Math.fround(height / h), Math.fround(width / w)];
  const isExact = Math.floor(Math.fround(scales[0] * h)) === height && Math.floor(Math.fround(scales[1] * w)) === width;
  return isExact
    ? [x, null, emit.constant("float32", [4], [1, 1, ...scales])]
    : [x, null, null, vector(emit, [n, c, height, width])];
}
