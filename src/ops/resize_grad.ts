/**
 * Gradients of resizing.
 *
 * Resizing is linear and separable: y = R_h · x · R_wᵀ for every image and channel, with the weights of each axis as a
 * matrix. So dx = R_hᵀ · dy · R_w. TF.js's cpu kernels differ where they are wrong: both ignore halfPixelCenters, the
 * nearest one reads the wrong image of a batch, the bilinear one swaps height and width in the shape that it returns.
 */
import type {
  ResizeBilinearGradAttrs,
  ResizeBilinearGradInputs,
  ResizeNearestNeighborGradAttrs,
  ResizeNearestNeighborGradInputs,
} from "@tensorflow/tfjs-core";
import { needFloat, scalar } from "./_emit.ts";
import { toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { type Grid, type Lengths, linearWeights, nearestSources, nearestWeights } from "./_resample.ts";
import { sumChosen } from "./_scatter.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

interface Axes {
  readonly rows: Lengths;
  readonly columns: Lengths;
  readonly grid: Grid;
}

/** Shapes: images [n, h, w, c], dy [n, h', w', c] → [n, h, w, c]. */
export const resizeNearestNeighborGrad = defineOp<ResizeNearestNeighborGradInputs, ResizeNearestNeighborGradAttrs>({
  kernel: "ResizeNearestNeighborGrad",
  lower: (emit, { images, dy }, attrs) => {
    needFloat("ResizeNearestNeighborGrad", dy);
    const axes = axesOf(images, dy, attrs);
    const x = toChannelsFirst(emit, dy);
    return toChannelsLast(emit, addBlocks(emit, x, axes) ?? throughWeights(emit, x, { axes, weights: nearestWeights }));
  },
});

/** Shapes: images [n, h, w, c], dy [n, h', w', c] → [n, h, w, c]. */
export const resizeBilinearGrad = defineOp<ResizeBilinearGradInputs, ResizeBilinearGradAttrs>({
  kernel: "ResizeBilinearGrad",
  lower: (emit, { images, dy }, attrs) => {
    needFloat("ResizeBilinearGrad", dy);
    const axes = axesOf(images, dy, attrs);
    return toChannelsLast(emit, throughWeights(emit, toChannelsFirst(emit, dy), { axes, weights: linearWeights }));
  },
});

function axesOf(images: Value, dy: Value, { alignCorners, halfPixelCenters }: Grid): Axes {
  return {
    rows: { from: images.shape[1], to: dy.shape[1] },
    columns: { from: images.shape[2], to: dy.shape[2] },
    grid: { alignCorners, halfPixelCenters },
  };
}

/** Adds up blocks of kh·kw elements as their average, where every source element was repeated as one such block. */
function addBlocks(emit: Emit, dy: Value, { rows, columns, grid }: Axes): Value | undefined {
  const kernel = [rows, columns].map(({ from, to }) => to / from);
  const repeats = [rows, columns].every((lengths, i) =>
    Number.isInteger(kernel[i]) &&
    nearestSources(lengths, grid).every((source, at) => source === Math.floor(at / kernel[i]))
  );
  if (!repeats) return undefined;
  const average = emit.node("AveragePool", [dy], { kernel_shape: kernel, strides: kernel });
  return emit.node("Mul", [average, scalar(emit, "float32", kernel[0] * kernel[1])]);
}

/** R_hᵀ · dy · R_w, on [n, c, h', w']. */
function throughWeights(
  emit: Emit,
  dy: Value,
  { axes: { rows, columns, grid }, weights }: { readonly axes: Axes; readonly weights: typeof linearWeights },
): Value {
  const ofColumns = emit.constant("float32", [columns.to, columns.from], weights(columns, grid));
  const ofRows = emit.constant("float32", [rows.from, rows.to], flipped(weights(rows, grid), rows));
  return sumChosen(emit, dy, (part) => emit.node("MatMul", [ofRows, emit.node("MatMul", [part, ofColumns])]));
}

/** [to, from] → [from, to]. */
function flipped(weights: Float32Array, { from, to }: Lengths): Float32Array {
  return weights.map((_, i) => weights[(i % to) * from + Math.floor(i / to)]);
}
