import { sizeOf } from "../onnx/graph.ts";
import { backend_util } from "@tensorflow/tfjs-core";
import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { EXPLICIT, SUMS } from "./conv2d_cases.ts";

interface PoolCase {
  readonly name: string;
  /** [n, h, w, c]. */
  readonly x: readonly [number, number, number, number];
  readonly filterSize: number | readonly [number, number];
  readonly strides?: number | readonly [number, number];
  readonly pad?: "same" | "valid" | number | typeof EXPLICIT;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

const POOLS: readonly PoolCase[] = [
  { name: "2×2, even size", x: [3, 6, 8, 3], filterSize: 2, strides: 2 },
  { name: "2×2, odd size, valid", x: [1, 5, 7, 2], filterSize: 2, strides: 2 },
  { name: "2×2, odd size, same", x: [2, 5, 7, 2], filterSize: 2, strides: 2, pad: "same" },
  { name: "3×3, stride 2, overlapping, same", x: [2, 6, 7, 3], filterSize: 3, strides: 2, pad: "same" },
  { name: "3×3, stride 2, overlapping, valid", x: [2, 7, 8, 3], filterSize: 3, strides: 2 },
  { name: "3×3, stride 1, same", x: [2, 5, 4, 2], filterSize: 3, strides: 1, pad: "same" },
  { name: "2×3 with strides [1, 2]", x: [2, 6, 7, 2], filterSize: [2, 3], strides: [1, 2], pad: "same" },
  { name: "overlapping in one direction", x: [1, 6, 7, 2], filterSize: [2, 3], strides: [2, 1] },
  { name: "overlapping in the other direction", x: [1, 7, 6, 2], filterSize: [3, 2], strides: [1, 2] },
  { name: "1×1", x: [2, 3, 4, 2], filterSize: 1, strides: 1 },
  { name: "1×1, stride 2", x: [2, 5, 4, 2], filterSize: 1, strides: 2 },
  { name: "stride greater than the window", x: [1, 8, 8, 2], filterSize: 2, strides: 3 },
  { name: "window as large as the picture", x: [2, 4, 3, 2], filterSize: [4, 3], strides: 1 },
  { name: "window larger than the picture, same", x: [2, 2, 3, 2], filterSize: 5, strides: 1, pad: "same" },
  { name: "pad 1", x: [2, 5, 6, 2], filterSize: 3, strides: 2, pad: 1 },
  { name: "explicit pads", x: [1, 5, 6, 2], filterSize: 3, strides: 1, pad: EXPLICIT },
  { name: "size rounded up", x: [1, 5, 6, 2], filterSize: 2, strides: 2, pad: 0, dimRoundingMode: "ceil" },
];

function attrsOf({ filterSize, strides = 1, pad = "valid", dimRoundingMode }: PoolCase) {
  return { filterSize, strides, pad, ...(dimRoundingMode === undefined ? {} : { dimRoundingMode }) };
}

function outShape(pool: PoolCase): readonly number[] {
  const { filterSize, strides, pad, dimRoundingMode } = attrsOf(pool);
  const info = backend_util.computePool2DInfo(
    [...pool.x],
    filterSize as number,
    strides as number,
    1,
    pad as "same",
    dimRoundingMode,
  );
  return info.outShape;
}

const forward = POOLS.map((pool): OpCase => ({
  name: pool.name,
  inputs: { x: { shape: pool.x } },
  attrs: attrsOf(pool),
}));

const negative: OpCase = {
  name: "negative numbers under padding",
  inputs: { x: { shape: [2, 5, 5, 2], range: [-9, -1] } },
  attrs: { filterSize: 3, strides: 2, pad: "same" },
};

/** TF.js's cpu kernel takes its geometry without the rounding mode. */
const averaged = POOLS.filter(({ dimRoundingMode }) => dimRoundingMode === undefined);

const averageGrad = averaged.map((pool): OpCase => ({
  name: pool.name,
  inputs: { dy: { shape: outShape(pool) }, input: { shape: pool.x } },
  attrs: attrsOf(pool),
}));

/** MaxPoolGrad of numbers that all differ, of few different ones, and of zeros alone, as behind a ReLU. */
const maxGrad = POOLS.flatMap((pool): OpCase[] => {
  const size = pool.x.reduce((a, b) => a * b, 1);
  const dy = { shape: outShape(pool) };
  const inputsWith = (values?: readonly number[]) => ({
    dy,
    input: { shape: pool.x, ...(values === undefined ? {} : { values }) },
    output: dy,
  });
  const attrs = attrsOf(pool);
  return [
    { name: pool.name, inputs: inputsWith(), attrs, tolerance: SUMS },
    { name: `${pool.name}, all zero`, inputs: inputsWith(new Array(size).fill(0)), attrs, tolerance: SUMS },
    {
      name: `${pool.name}, many ties`,
      inputs: inputsWith(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 2)) % 3)),
      attrs,
      tolerance: SUMS,
    },
    {
      name: `${pool.name}, infinite gradients`,
      inputs: { ...inputsWith(), dy: { ...dy, values: withInfinities(sizeOf(dy.shape)) } },
      attrs,
      tolerance: SUMS,
    },
  ];
});

/** Every fifth number is infinite. */
function withInfinities(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i % 5 === 3 ? Infinity : i - 4);
}

/** Cases by kernel. */
export const cases: OpCases = {
  MaxPool: [...forward, negative],
  AvgPool: [...forward, negative],
  MaxPoolGrad: maxGrad,
  AvgPoolGrad: averageGrad,
};
