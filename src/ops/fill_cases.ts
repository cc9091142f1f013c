import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

function like(dtype: "float32" | "int32" | "bool", shape: readonly number[]): OpCase {
  return { name: `${dtype}[${shape}]`, inputs: { x: { shape, dtype } }, tolerance: "exact" };
}

const likes: readonly OpCase[] = [
  like("float32", [2, 3]),
  like("float32", [20, 3]),
  like("int32", [20]),
  like("bool", [20]),
  like("float32", []),
  like("float32", [0, 2]),
];

function fill(name: string, attrs: Readonly<Record<string, unknown>>): OpCase {
  return { name, inputs: {}, attrs, tolerance: "exact" };
}

/** Cases by kernel. */
export const cases: OpCases = {
  Fill: [
    fill("few elements", { shape: [2, 2], value: 2.5, dtype: "float32" }),
    fill("many elements", { shape: [7, 9], value: -1.5, dtype: "float32" }),
    fill("rank 0", { shape: [], value: NaN, dtype: "float32" }),
    fill("no elements", { shape: [0, 3], value: 1, dtype: "float32" }),
    fill("int32", { shape: [30], value: 3.7, dtype: "int32" }),
    fill("bool", { shape: [30], value: 1, dtype: "bool" }),
    fill("a dtype that is inferred", { shape: [3], value: 2 }),
  ],
  OnesLike: likes,
  ZerosLike: likes,
};
