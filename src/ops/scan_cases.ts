import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const WAYS = [
  { exclusive: false, reverse: false },
  { exclusive: true, reverse: false },
  { exclusive: false, reverse: true },
  { exclusive: true, reverse: true },
] as const;

const INPUTS: readonly { readonly x: InputSpec; readonly axis: number }[] = [
  { x: { shape: [7] }, axis: 0 },
  { x: { shape: [3, 8] }, axis: 1 },
  { x: { shape: [5, 2, 3] }, axis: 0 },
  { x: { shape: [2, 5, 3], dtype: "int32" }, axis: 1 },
  { x: { shape: [2, 4], dtype: "bool" }, axis: 1 },
  { x: { shape: [3, 1] }, axis: 1 },
];

const scans: readonly OpCase[] = INPUTS.flatMap(({ x, axis }) =>
  WAYS.map(({ exclusive, reverse }): OpCase => ({
    name: `${x.dtype ?? "float32"}[${x.shape}] along ${axis}${exclusive ? ", exclusive" : ""}${
      reverse ? ", reverse" : ""
    }`,
    inputs: { x },
    attrs: { axis, exclusive, reverse },
  }))
);

/** Cases by kernel. */
export const cases: OpCases = { Cumprod: scans, Cumsum: scans };
