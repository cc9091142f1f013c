import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

function one(name: string, x: InputSpec, attrs: Readonly<Record<string, unknown>>): OpCase {
  return { name, inputs: { x }, attrs, tolerance: "exact" };
}

const bool = (...shape: number[]): InputSpec => ({ shape, dtype: "bool" });
const int = (...shape: number[]): InputSpec => ({ shape, dtype: "int32" });
const float = (...shape: number[]): InputSpec => ({ shape });

const NO_MASKS = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };

function strided(name: string, x: InputSpec, attrs: Readonly<Record<string, unknown>>): OpCase {
  return one(name, x, { ...NO_MASKS, ...attrs });
}

function mirrored(mode: "reflect" | "symmetric"): OpCase[] {
  return [
    one(`${mode}, an image`, float(1, 3, 4, 2), { paddings: [[0, 0], [1, 2], [2, 1], [0, 0]], mode }),
    one(`${mode}, int32`, int(4), { paddings: [[2, 3]], mode }),
    one(`${mode}, one side`, float(3, 3), { paddings: [[0, 2], [1, 0]], mode }),
    one(`${mode}, no padding`, float(3), { paddings: [[0, 0]], mode }),
  ];
}

/** Cases by kernel. */
export const cases: OpCases = {
  BatchToSpaceND: [
    one("blocks of 2×2", float(4, 2, 3, 2), { blockShape: [2, 2], crops: [[0, 0], [0, 0]] }),
    one("crops", float(8, 2, 3, 1), { blockShape: [2, 2], crops: [[1, 0], [0, 2]] }),
    one("one block axis, int32", int(6, 2, 2), { blockShape: [3], crops: [[1, 1]] }),
  ],
  DepthToSpace: [
    one("blocks of 2×2", float(2, 2, 3, 8), { blockSize: 2, dataFormat: "NHWC" }),
    one("blocks of 3×3", float(1, 2, 2, 9), { blockSize: 3, dataFormat: "NHWC" }),
  ],
  Diag: [
    one("a vector", float(4), {}),
    one("a matrix", float(2, 3), {}),
    one("int32", int(3), {}),
    one("bool", bool(3), {}),
    {
      name: "NaN and infinity",
      inputs: { x: { shape: [2], values: [NaN, Infinity] } },
      tolerance: "exact",
    },
  ],
  FlipLeftRight: [{ name: "images", inputs: { image: float(2, 3, 4, 3) }, tolerance: "exact" }],
  MirrorPad: [...mirrored("reflect"), ...mirrored("symmetric")],
  Reverse: [
    one("the last axis", float(2, 3, 4), { dims: [2] }),
    one("a negative axis", int(2, 3), { dims: [-2] }),
    one("all axes", bool(2, 3), { dims: [0, 1] }),
    one("no axis", float(3), { dims: [] }),
    one("rank 0", float(), { dims: [] }),
    one("no elements", float(0, 3), { dims: [0, 1] }),
  ],
  SpaceToBatchND: [
    one("blocks of 2×2", float(1, 4, 6, 2), { blockShape: [2, 2], paddings: [[0, 0], [0, 0]] }),
    one("paddings", float(2, 3, 5, 1), { blockShape: [2, 2], paddings: [[1, 0], [0, 1]] }),
    one("one block axis, int32", int(2, 6, 2), { blockShape: [3], paddings: [[0, 0]] }),
  ],
  StridedSlice: [
    strided("steps of 2", float(5, 6), { begin: [0, 1], end: [5, 6], strides: [2, 2] }),
    strided("steps of 1", float(5, 6), { begin: [1, 1], end: [3, 4], strides: [1, 1] }),
    strided("steps back to the start", float(5), { begin: [4], end: [-6], strides: [-1] }),
    strided("steps back", float(5, 3), { begin: [3, 2], end: [0, 0], strides: [-2, -1] }),
    strided("counting from the end", int(5, 6), { begin: [-3, -4], end: [-1, -1], strides: [1, 2] }),
    strided("open ends", float(4, 5), { begin: [1, 2], end: [2, 3], strides: [1, 1], beginMask: 1, endMask: 2 }),
    strided("an open start of steps back", float(4), { begin: [1], end: [1], strides: [-1], beginMask: 1, endMask: 1 }),
    strided("an axis that goes", float(4, 5), { begin: [2, 0], end: [3, 5], strides: [1, 1], shrinkAxisMask: 1 }),
    strided("an axis that goes before one taken whole", float(2, 2), {
      begin: [0, 0],
      end: [1, 2],
      strides: [1, 1],
      shrinkAxisMask: 1,
    }),
    strided("an axis that comes", float(4, 5), { begin: [0, 1], end: [0, 3], strides: [1, 1], newAxisMask: 1 }),
    strided("an ellipsis", float(2, 3, 4), { begin: [0, 1], end: [0, 3], strides: [1, 1], ellipsisMask: 1 }),
    strided("all of it", float(2, 3), { begin: [0, 0], end: [2, 3], strides: [1, 1] }),
    strided("nothing of it", float(4), { begin: [3], end: [3], strides: [1] }),
  ],
};
