/** Which source elements TF.js's resizing reads for every output element, along one axis. */

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
