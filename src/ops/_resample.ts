/** Which source elements TF.js's resizing reads for every output element, along one axis, and how ONNX is told the size. */
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
 * Returns the factor that takes an axis to its new length in a Resize, as float32.
 *
 * The new length is the floor of old length and factor's product, which ONNX Runtime's kernel takes in float32 and its
 * shape inference in float64. A quotient that was rounded down can fall short in either (62 → 128 and some 10,000 pairs
 * more below 256): the next float32 is above the quotient, so neither product is below the length.
 */
export function resizeScale({ from, to }: Lengths): number {
  const scale = Math.fround(to / from);
  return lengthBy(scale, from) === to && Math.floor(scale * from) === to ? scale : nextUp(scale);
}

/** The length that ONNX Runtime's kernel makes of `from`. */
function lengthBy(scale: number, from: number): number {
  return Math.floor(Math.fround(scale * from));
}

/** The next float32 above a positive one. */
function nextUp(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0]++;
  return new Float32Array(bits.buffer)[0];
}

/**
 * Returns the inputs of a Resize of `x` [n, c, h, w] to `size`.
 *
 * Scales, since they leave the batch open, as sizes do not.
 */
export function resizeInputs(emit: Emit, x: Value, [height, width]: readonly number[]): readonly (Value | null)[] {
  const [, , h, w] = x.shape;
  const scales = [1, 1, resizeScale({ from: h, to: height }), resizeScale({ from: w, to: width })];
  return [x, null, emit.constant("float32", [4], scales)];
}
