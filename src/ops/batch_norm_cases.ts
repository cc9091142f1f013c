import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { SUMS } from "./conv2d_cases.ts";

const positive = { range: [0.1, 3] } as const;

function normalized(x: readonly number[], options: {
  readonly of?: readonly number[];
  readonly without?: readonly string[];
  readonly epsilon?: number;
} = {}): OpCase {
  const { of = x.slice(-1), without = [], epsilon = 1e-3 } = options;
  const all: Record<string, InputSpec> = {
    x: { shape: x },
    mean: { shape: of },
    variance: { shape: of, ...positive },
    scale: { shape: of },
    offset: { shape: of },
  };
  const lacking = without.length === 0 ? "" : ` without ${without.join(" and ")}`;
  return {
    name: `[${x}] by statistics of [${of}]${lacking}, ε = ${epsilon}`,
    inputs: Object.fromEntries(Object.entries(all).filter(([key]) => !without.includes(key))),
    attrs: { varianceEpsilon: epsilon },
    tolerance: SUMS,
  };
}

const given: readonly OpCase[] = [
  normalized([2, 4, 5, 3]),
  normalized([1, 4, 5, 3], { epsilon: 1e-5 }),
  normalized([2, 4, 5, 1]),
  normalized([6, 3]),
  normalized([2, 7, 3]),
  normalized([5]),
  normalized([2, 3, 4, 5], { without: ["scale"] }),
  normalized([2, 3, 4, 5], { without: ["offset"] }),
  normalized([6, 3], { without: ["scale", "offset"] }),
  normalized([2, 7, 3], { without: ["scale", "offset"] }),
  normalized([2, 3, 4, 5], { of: [2, 3, 4, 5] }),
  {
    name: "a variance and a scale of 0",
    inputs: {
      x: { shape: [2, 3, 3, 2] },
      mean: { shape: [2] },
      variance: { shape: [2], values: [0, 1] },
      scale: { shape: [2], values: [1, 0] },
      offset: { shape: [2] },
    },
    attrs: { varianceEpsilon: 1e-3 },
    // The deviation is the root of ε alone: x is multiplied by 32.
    tolerance: { relative: 1e-5, absolute: 1e-4 },
  },
];

const PICTURES: readonly (readonly number[])[] = [[3, 5, 4, 3], [1, 4, 4, 2], [2, 1, 1, 4], [7, 3], [2, 6, 5, 1]];

const training = PICTURES.map((x): OpCase => ({
  name: `[${x}]`,
  inputs: { x: { shape: x }, gamma: { shape: x.slice(-1) }, beta: { shape: x.slice(-1) } },
  attrs: { epsilon: 1e-3 },
  // mean² is taken from the mean of the squares, and the root of the variance magnifies what is lost.
  tolerance: { relative: 1e-5, absolute: 2e-5 },
}));

const constant: OpCase = {
  name: "a channel of one value, whose variance must not turn negative",
  inputs: {
    x: { shape: [2, 4, 4, 2], values: Array.from({ length: 64 }, (_, i) => i % 2 === 0 ? 100.3 : i / 32) },
    gamma: { shape: [2] },
    beta: { shape: [2] },
  },
  attrs: { epsilon: 1e-3 },
  // The mean is off by some 5e-5, which the root of ε makes 2e-3. E[x²] - mean² comes out as -2e-3, more than ε.
  tolerance: { relative: 1e-5, absolute: 5e-3 },
};

const gradient = PICTURES.map((x): OpCase => ({
  name: `[${x}]`,
  inputs: {
    x: { shape: x },
    dy: { shape: x },
    gamma: { shape: x.slice(-1) },
    mean: { shape: x.slice(-1), range: [-0.5, 0.5] },
    variance: { shape: x.slice(-1), range: [0.5, 2] },
  },
  attrs: { epsilon: 1e-3 },
  tolerance: { relative: 1e-5, absolute: 3e-5 },
}));

/** Cases by kernel. The last two families have their cpu kernels from src/quant. */
export const cases: OpCases = {
  FusedBatchNorm: given,
  BatchNormTraining: [...training, constant],
  BatchNormTrainingGrad: gradient,
};
