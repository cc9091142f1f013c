import * as tf from "@tensorflow/tfjs-core";
import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

type Kernel = "ResizeBilinear" | "ResizeNearestNeighbor";

const GRIDS = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: true, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
] as const;

const SIZES: readonly (readonly [from: readonly number[], to: readonly [number, number]])[] = [
  [[2, 3, 4, 2], [6, 8]],
  [[2, 2, 2, 1], [5, 3]],
  [[1, 6, 8, 3], [3, 2]],
  [[1, 5, 7, 2], [3, 10]],
  [[1, 4, 4, 1], [1, 1]],
  [[1, 1, 1, 2], [3, 2]],
  [[1, 3, 3, 2], [3, 3]],
];

type Grid = (typeof GRIDS)[number];

function nameOf(shape: readonly number[], size: readonly number[], grid: Grid): string {
  const way = grid.alignCorners ? ", corners aligned" : grid.halfPixelCenters ? ", half pixels" : "";
  return `[${shape}] to ${size.join("×")}${way}`;
}

function resizings(spec: Partial<InputSpec> = {}): OpCase[] {
  return SIZES.flatMap(([shape, size]) =>
    GRIDS.map((grid): OpCase => ({
      name: `${spec.dtype ?? "float32"}${nameOf(shape, size, grid)}`,
      inputs: { images: { shape, ...spec } },
      attrs: { size, ...grid },
    }))
  );
}

/**
 * The gradient by definition: dx[p] = Σ_q dy[q]·∂y[q]/∂x[p], the derivatives being the images of unit images.
 *
 * The cpu backend's own gradients are wrong for batches (nearest), for h ≠ w (bilinear) and with half pixels (both).
 */
function gradient(kernel: Kernel, { images, dy, attrs }: {
  readonly images: tf.Tensor;
  readonly dy: tf.Tensor;
  readonly attrs: tf.NamedAttrMap;
}): tf.Tensor {
  const [n, h, w, c] = images.shape;
  const pixels = Array.from({ length: h * w }, (_, pixel) => {
    const unit = tf.tensor4d(Float32Array.from({ length: h * w }, (_, i) => +(i === pixel)), [1, h, w, 1]);
    const spread: tf.Tensor = tf.engine().runKernel(kernel, { images: unit }, attrs);
    return tf.sum(tf.mul(dy, spread), [1, 2]);
  });
  return tf.reshape(tf.stack(pixels, 1), [n, h, w, c]);
}

function gradients(kernel: Kernel): OpCase[] {
  return SIZES.flatMap(([shape, size]) =>
    GRIDS.map((grid): OpCase => {
      const attrs = { size: [...size], ...grid };
      return {
        name: nameOf(shape, size, grid),
        inputs: { images: { shape }, dy: { shape: [shape[0], ...size, shape[3]] } },
        attrs,
        oracle: ({ images, dy }) => gradient(kernel, { images, dy, attrs }),
      };
    })
  );
}

/** What the cpu backend's own gradients are right for: one square image, no half pixels. */
const ofOneImage = GRIDS.slice(0, 2).map((grid): OpCase => ({
  name: `one square image, ${grid.alignCorners ? "corners aligned" : "corners not aligned"}, by the kernel itself`,
  inputs: { images: { shape: [1, 3, 3, 2] }, dy: { shape: [1, 7, 7, 2] } },
  attrs: { size: [7, 7], ...grid },
}));

/** The same of gradients that are infinite or NaN at some places, none of them where a weight is 0. */
const ofUnbounded: OpCase = {
  name: "infinities and a NaN, by the kernel itself",
  inputs: {
    images: { shape: [1, 3, 3, 1] },
    dy: {
      shape: [1, 7, 7, 1],
      values: Array.from({ length: 49 }, (_, i) => ({ 8: Infinity, 12: -Infinity, 40: NaN })[i] ?? i),
    },
  },
  attrs: { size: [7, 7], alignCorners: false, halfPixelCenters: false },
};

/** Cases by kernel. */
export const cases: OpCases = {
  ResizeBilinear: [...resizings(), resizings({ dtype: "int32" })[0]],
  ResizeBilinearGrad: [...gradients("ResizeBilinear"), ...ofOneImage, ofUnbounded],
  ResizeNearestNeighbor: [
    ...resizings().map((opCase): OpCase => ({ ...opCase, tolerance: "exact" })),
    resizings({ dtype: "int32" })[0],
    {
      name: "lengths at which float32 and float64 coordinates fall on different elements",
      inputs: { images: { shape: [1, 10, 21, 1] } },
      attrs: { size: [35, 90], alignCorners: false, halfPixelCenters: false },
      tolerance: "exact",
    },
    {
      name: "doubling",
      inputs: { images: { shape: [1, 2, 2, 3] } },
      attrs: { size: [4, 4], alignCorners: false, halfPixelCenters: false },
      tolerance: "exact",
      nodes: ["Transpose", "Resize", "Transpose"],
    },
  ],
  ResizeNearestNeighborGrad: [...gradients("ResizeNearestNeighbor"), ...ofOneImage, ofUnbounded],
};
