import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const AXES: readonly { readonly axis: number | readonly number[]; readonly shape: readonly number[] }[] = [
  { axis: [0], shape: [4, 6] },
  { axis: [1], shape: [4, 6] },
  { axis: -1, shape: [2, 3, 4] },
  { axis: [0, 1, 2], shape: [3, 4, 5, 2] },
  { axis: [0, 2], shape: [3, 4, 5] },
  { axis: [], shape: [2, 3] },
  { axis: [1], shape: [5, 1, 2] },
  { axis: [0], shape: [1] },
  { axis: [], shape: [] },
];

/** The axis pattern, with and without kept dimensions, on float32 and on `others`. */
function reductions(
  options: { readonly key?: "axis" | "reductionIndices"; readonly dtypes: readonly InputSpec["dtype"][] },
): OpCase[] {
  const { key = "axis", dtypes } = options;
  return dtypes.flatMap((dtype) =>
    AXES.flatMap(({ axis, shape }) =>
      [false, true].map((keepDims): OpCase => ({
        name: `${dtype}[${shape}] over [${axis}]${keepDims ? ", dimensions kept" : ""}`,
        inputs: { x: { shape, dtype } },
        attrs: { [key]: axis, keepDims },
      }))
    )
  );
}

const numbers = ["float32", "int32", "bool"] as const;

/** Rows of 20, one of which has a NaN at `at`. */
function withNan(name: string, at: number): OpCase {
  const values = Array.from({ length: 40 }, (_, i) => i === at ? NaN : i);
  return { name, inputs: { x: { shape: [2, 20], values } } };
}

const extremes: readonly OpCase[] = [
  { name: "infinities", inputs: { x: { shape: [2, 2], values: [Infinity, 1, -Infinity, -1] } } },
  withNan("NaN in the middle", 7),
  withNan("NaN at the end", 39),
];

function ofNothing(key = "axis"): readonly OpCase[] {
  return [
    { name: "no elements in a row", inputs: { x: { shape: [3, 0] } }, attrs: { [key]: [1], keepDims: false } },
    { name: "no rows", inputs: { x: { shape: [0, 3] } }, attrs: { [key]: [1], keepDims: true } },
  ];
}

function arg(axis: number, spec: InputSpec): OpCase {
  return { name: `${spec.dtype ?? "float32"}[${spec.shape}] along ${axis}`, inputs: { x: spec }, attrs: { axis } };
}

const args: readonly OpCase[] = [
  arg(0, { shape: [4, 6] }),
  arg(1, { shape: [4, 6] }),
  arg(-1, { shape: [2, 3, 5] }),
  arg(1, { shape: [2, 3, 5, 4] }),
  arg(0, { shape: [7] }),
  arg(1, { shape: [6, 9], dtype: "int32", range: [0, 3] }),
  arg(1, { shape: [6, 3], dtype: "bool" }),
  { ...withNan("NaN, which is never chosen", 39), attrs: { axis: 1 } },
  { name: "infinities", inputs: { x: { shape: [2, 2], values: [Infinity, 1, -Infinity, -1] } }, attrs: { axis: 1 } },
  { name: "ties", inputs: { x: { shape: [2, 4], values: [1, 2, 2, 1, 0, 0, 0, 0] } }, attrs: { axis: 1 } },
];

const nans = [withNan("NaN in the middle", 7), withNan("NaN at the end", 39)].map((opCase) => ({
  ...opCase,
  attrs: { axis: [1], keepDims: false },
}));

/** Cases by kernel. */
export const cases: OpCases = {
  All: [...reductions({ dtypes: ["bool"] })],
  Any: [...reductions({ dtypes: ["bool"] })],
  ArgMax: args,
  ArgMin: args,
  Max: [
    ...reductions({ key: "reductionIndices", dtypes: ["float32", "int32"] }),
    ...ofNothing("reductionIndices"),
    ...extremes.map((opCase) => ({ ...opCase, attrs: { reductionIndices: [1], keepDims: false } })),
  ],
  Mean: [...reductions({ dtypes: numbers }), ...ofNothing(), ...nans],
  Min: [
    ...reductions({ dtypes: ["float32", "int32"] }),
    ...ofNothing(),
    ...extremes.map((opCase) => ({ ...opCase, attrs: { axis: [1], keepDims: false } })),
  ],
  Prod: [...reductions({ dtypes: numbers }), ...ofNothing(), ...nans],
  Sum: [...reductions({ dtypes: numbers }), ...ofNothing(), ...nans],
};
