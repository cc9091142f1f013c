import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

function joined(name: string, inputs: readonly InputSpec[], attrs: Readonly<Record<string, unknown>> = {}): OpCase {
  return { name, inputs, attrs, tolerance: "exact" };
}

const bool = (...shape: number[]): InputSpec => ({ shape, dtype: "bool" });
const int = (...shape: number[]): InputSpec => ({ shape, dtype: "int32" });
const float = (...shape: number[]): InputSpec => ({ shape });

function cut(name: string, x: InputSpec, attrs: Readonly<Record<string, unknown>>): OpCase {
  return { name, inputs: { x }, attrs, tolerance: "exact" };
}

function unpacked(x: InputSpec, axis: number): OpCase {
  return {
    name: `${x.dtype ?? "float32"}[${x.shape}] along ${axis}`,
    inputs: { value: x },
    attrs: { axis },
    tolerance: "exact",
  };
}

/** Cases by kernel. */
export const cases: OpCases = {
  AddN: [
    { name: "one input", inputs: [float(2, 3)] },
    { name: "two inputs", inputs: [float(2, 3), float(2, 3)], nodes: ["Add"] },
    { name: "three inputs", inputs: [float(2, 3), float(2, 3), float(2, 3)], nodes: ["Sum"] },
    { name: "int32", inputs: [int(4), int(4), int(4)] },
  ],
  Concat: [
    joined("along the last axis", [float(2, 3), float(2, 1), float(2, 4)], { axis: 1 }),
    joined("along a negative axis", [float(2, 3, 4), float(2, 3, 1)], { axis: -1 }),
    joined("int32", [int(2, 3), int(1, 3)], { axis: 0 }),
    joined("bool", [bool(2, 3), bool(1, 3)], { axis: 0 }),
    joined("an input without elements", [float(0, 3), float(2, 3)], { axis: 0 }),
    joined("no elements at all", [float(0, 3), float(0, 2)], { axis: 1 }),
    joined("channels of images", [float(1, 2, 2, 3), float(1, 2, 2, 2)], { axis: 3 }),
  ],
  Pack: [
    joined("before the first axis", [float(2, 3), float(2, 3), float(2, 3)], { axis: 0 }),
    joined("between axes", [float(2, 3), float(2, 3)], { axis: 1 }),
    joined("behind the last axis", [float(2, 3), float(2, 3)], { axis: 2 }),
    joined("a negative axis", [float(2, 3), float(2, 3)], { axis: -1 }),
    joined("rank 0", [float(), float(), float()], { axis: 0 }),
    joined("one input", [float(2, 3)], { axis: 1 }),
    joined("int32", [int(2), int(2)], { axis: 0 }),
    joined("bool", [bool(2), bool(2)], { axis: 0 }),
    joined("no elements", [float(0, 2), float(0, 2)], { axis: 0 }),
  ],
  SplitV: [
    cut("equal parts", float(2, 6), { numOrSizeSplits: 3, axis: 1 }),
    cut("given sizes", float(7, 2), { numOrSizeSplits: [2, 4, 1], axis: 0 }),
    cut("a size left open", float(7, 2), { numOrSizeSplits: [2, -1, 1], axis: 0 }),
    cut("a negative axis", int(2, 3, 4), { numOrSizeSplits: [1, 3], axis: -1 }),
    cut("one part", float(2, 6), { numOrSizeSplits: 1, axis: 1 }),
    cut("a part of nothing", float(4, 2), { numOrSizeSplits: [0, 4], axis: 0 }),
    cut("bool", bool(4), { numOrSizeSplits: 2, axis: 0 }),
  ],
  Unpack: [
    unpacked(float(3, 4), 0),
    unpacked(float(3, 4), 1),
    unpacked(float(2, 3, 4), -2),
    unpacked(int(3), 0),
    unpacked(bool(3, 2), 0),
  ],
};
