import * as tf from "@tensorflow/tfjs-core";
import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const { NaN: nan, Infinity: inf } = { NaN, Infinity };
const SPECIAL = [nan, inf, -inf, 0, -0, 1, -1, 0.5, -0.5, 6, 7, -7, 1e-3, -1e-3, 30, -30];
const NUMBERS = SPECIAL.filter((x) => !Number.isNaN(x));

const special: OpCase = { name: "special values", inputs: { x: { shape: [16], values: SPECIAL } } };
/** Long enough for the vectorized loops of ONNX Runtime and what they leave over. */
const long: OpCase = {
  name: "special values, over and over",
  inputs: { x: { shape: [333], values: Array.from({ length: 333 }, (_, i) => SPECIAL[i % 16]) } },
};
const random: OpCase = { name: "random values of rank 4", inputs: { x: { shape: [2, 3, 5, 7], range: [-9, 9] } } };
const rank0: OpCase = { name: "rank 0", inputs: { x: { shape: [], values: [-0.25] } } };
const empty: OpCase = { name: "no elements", inputs: { x: { shape: [0, 3] } } };
const integers: OpCase = { name: "int32", inputs: { x: { shape: [2, 9], dtype: "int32", range: [-9, 9] } } };

const everywhere = [special, long, random, rank0, empty];

function withAttrs(cases: readonly OpCase[], attrs: Readonly<Record<string, unknown>>): OpCase[] {
  const named = Object.entries(attrs).map(([key, value]) => `${key} ${value}`).join(", ");
  return cases.map((opCase) => ({ ...opCase, name: `${opCase.name}, ${named}`, attrs }));
}

const softmaxInputs: readonly OpCase[] = [
  { name: "rows", inputs: { logits: { shape: [5, 10], range: [-9, 9] } } },
  { name: "rank 1", inputs: { logits: { shape: [7] } } },
  { name: "rank 4", inputs: { logits: { shape: [2, 3, 2, 5] } } },
  { name: "one class", inputs: { logits: { shape: [4, 1] } } },
  { name: "large logits", inputs: { logits: { shape: [2, 3], values: [1000, 999, -1000, -1000, -1001, -1000] } } },
];

/** Cases by kernel. */
export const cases: OpCases = {
  ClipByValue: [
    ...withAttrs(everywhere, { clipValueMin: -0.5, clipValueMax: 6.5 }),
    ...withAttrs([special], { clipValueMin: -inf, clipValueMax: 1 }),
    ...withAttrs([integers], { clipValueMin: -2.5, clipValueMax: 4 }),
    ...withAttrs([integers], { clipValueMin: 0, clipValueMax: inf }),
  ],
  EluGrad: [
    { name: "outputs of both signs", inputs: { dy: { shape: [3, 20] }, y: { shape: [3, 20], range: [-1, 2] } } },
    { name: "0 and the lower bound", inputs: { dy: { shape: [4] }, y: { shape: [4], values: [0, -0, -1, nan] } } },
  ],
  LeakyRelu: [...withAttrs([...everywhere, integers], { alpha: 0.1 }), ...withAttrs([random], { alpha: 0 })],
  // The cpu backend has no kernel of this name: tf.logSoftmax is made of others.
  LogSoftmax: softmaxInputs.map((opCase) => ({
    ...opCase,
    attrs: { axis: -1 },
    oracle: ({ logits }) => tf.logSoftmax(logits),
  })),
  Prelu: [
    { name: "a slope a channel", inputs: { x: { shape: [2, 3, 4, 5] }, alpha: { shape: [5] } } },
    { name: "a slope an element", inputs: { x: { shape: [2, 6] }, alpha: { shape: [2, 6] } } },
    { name: "slopes that make the result larger", inputs: { x: { shape: [1, 6] }, alpha: { shape: [4, 1] } } },
    { name: "special values", inputs: { x: { shape: [15], values: NUMBERS }, alpha: { shape: [1], values: [0.25] } } },
  ],
  Relu6: [...everywhere, integers],
  Rsqrt: [special, random, { name: "positive values", inputs: { x: { shape: [30], range: [1e-3, 5] } } }],
  Expm1: [special, random, {
    name: "small values",
    inputs: { x: { shape: [50], range: [-1e-4, 1e-4] } },
    tolerance: { relative: 1e-6, absolute: 0 },
  }],
  Log1p: [special, random, {
    name: "small values",
    inputs: { x: { shape: [50], range: [-1e-4, 1e-4] } },
    tolerance: { relative: 1e-6, absolute: 0 },
  }],
  Sign: [...everywhere, integers],
  Softmax: softmaxInputs.map((opCase) => ({ ...opCase, attrs: { dim: -1 } })),
  Square: [...everywhere, integers],
  Step: [
    ...withAttrs([random, rank0, empty], { alpha: 0 }),
    ...withAttrs([random], { alpha: -1 }),
    ...withAttrs([{ name: "numbers", inputs: { x: { shape: [15], values: NUMBERS } } }], { alpha: 0 }),
    ...[0, -1].map((alpha) => ({
      name: `NaN, with alpha ${alpha}`,
      inputs: { x: { shape: [3], values: [nan, 1, -1] } },
      attrs: { alpha },
    })),
    {
      name: "the least normal numbers and a subnormal one",
      inputs: { x: { shape: [3], values: [2 ** -126, -(2 ** -126), 2 ** -127] } },
      attrs: { alpha: 0 },
    },
  ],
};
