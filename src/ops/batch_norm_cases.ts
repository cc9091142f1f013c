import * as tf from "@tensorflow/tfjs-core";
import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { Random } from "../numbers/random.ts";
import { sizeOf } from "../onnx/graph.ts";
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

const PICTURES: readonly (readonly number[])[] = [[3, 5, 4, 3], [1, 4, 4, 2], [2, 1, 1, 4], [7, 3], [2, 6, 5, 1], [
  3,
  6,
  2,
], [2, 3, 2, 2, 3]];

/** How far means lie from 0, in deviations. */
const FAR = [0, 100, 1e4, 1e6] as const;

interface Batch {
  readonly name: string;
  readonly x: InputSpec & { readonly values: readonly number[] };
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/** Batches of `shape` whose channels lie around means `far` deviations from 0, with the statistics in float64. */
function batchesOf(shape: readonly number[]): Batch[] {
  return FAR.map((far, seed): Batch => {
    const random = new Random(seed, shape);
    const channels = shape.at(-1)!;
    const deviations = Array.from({ length: channels }, () => random.between(0.5, 2));
    const means = deviations.map((deviation, c) => far * deviation * (c % 2 === 0 ? 1 : -1));
    const values = Array.from({ length: sizeOf(shape) }, (_, i) => {
      const c = i % channels;
      return Math.fround(means[c] + deviations[c] * random.between(-2, 2));
    });
    const ofChannel = (c: number) => values.filter((_, i) => i % channels === c);
    const average = (list: readonly number[]) => list.reduce((a, b) => a + b) / list.length;
    const mean = deviations.map((_, c) => average(ofChannel(c)));
    const variance = mean.map((m, c) => average(ofChannel(c).map((value) => (value - m) ** 2)));
    return { name: `[${shape}], means ${far} deviations from 0`, x: { shape, values }, mean, variance };
  });
}

const BATCHES = PICTURES.flatMap(batchesOf);

/** The deviation of x's own rounding is in what the cpu kernel is given as well: both compute from the same float32. */
const training = BATCHES.map(({ name, x }): OpCase => ({
  name,
  inputs: { x, gamma: { shape: x.shape.slice(-1) }, beta: { shape: x.shape.slice(-1) } },
  attrs: { epsilon: 1e-3 },
  tolerance: { relative: 1e-5, absolute: 2e-5 },
}));

const constant: OpCase = {
  name: "a channel of one value, whose variance is 0",
  inputs: {
    x: { shape: [2, 4, 4, 2], values: Array.from({ length: 64 }, (_, i) => i % 2 === 0 ? 100.3 : i / 32) },
    gamma: { shape: [2] },
    beta: { shape: [2] },
  },
  attrs: { epsilon: 1e-3 },
  tolerance: { relative: 1e-5, absolute: 2e-5 },
};

const EPSILON = 1e-3;

/**
 * The gradient by definition, in float64: dγ·Σdy·x̂ and so on.
 *
 * The kernel on typed arrays is given the mean in float32, which far from 0 is off by a share of the deviation.
 */
function gradientOf({ x, mean, variance }: Batch, [dy, gamma]: readonly Float32Array[]): number[][] {
  const channels = mean.length;
  const count = x.values.length / channels;
  const deviation = variance.map((value) => Math.sqrt(value + EPSILON));
  const normal = x.values.map((value, i) => (value - mean[i % channels]) / deviation[i % channels]);
  const sum = (of: (i: number) => number, c: number) =>
    Array.from({ length: count }, (_, row) => of(row * channels + c)).reduce((a, b) => a + b);
  const dbeta = mean.map((_, c) => sum((i) => dy[i], c));
  const dgamma = mean.map((_, c) => sum((i) => dy[i] * normal[i], c));
  const dx = Array.from(dy, (value, i) => {
    const c = i % channels;
    return gamma[c] / deviation[c] * (value - (dbeta[c] + normal[i] * dgamma[c]) / count);
  });
  return [dx, dgamma, dbeta];
}

const gradient = BATCHES.map((batch): OpCase => {
  const { name, x, mean, variance } = batch;
  const shape = x.shape.slice(-1);
  return {
    name,
    inputs: {
      x,
      dy: { shape: x.shape },
      gamma: { shape },
      mean: { shape, values: mean },
      variance: { shape, values: variance },
    },
    attrs: { epsilon: EPSILON },
    tolerance: { relative: 1e-5, absolute: 3e-5 },
    oracle: ({ dy, gamma }) => {
      const results = gradientOf(batch, [dy, gamma].map((tensor) => tensor.dataSync<"float32">()));
      return results.map((values, i) => tf.tensor(Float32Array.from(values), i === 0 ? [...x.shape] : [...shape]));
    },
  };
});

/** Cases by kernel. The last two families have their cpu kernels from src/quant. */
export const cases: OpCases = {
  FusedBatchNorm: given,
  BatchNormTraining: [...training, constant],
  BatchNormTrainingGrad: gradient,
};
