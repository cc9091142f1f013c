import { PER_TENSOR, perChannel } from "../numbers/scheme.ts";
import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

interface Grid {
  readonly name: string;
  readonly qmin: number;
  readonly qmax: number;
  readonly scale: number;
  readonly zeroPoint: number;
}

const GRIDS: readonly Grid[] = [
  { name: "uint8", qmin: 0, qmax: 255, scale: 0.013, zeroPoint: 117 },
  { name: "uint8 from 0", qmin: 0, qmax: 255, scale: 0.0071, zeroPoint: 0 },
  { name: "uint8 up to 0", qmin: 0, qmax: 255, scale: 0.0071, zeroPoint: 255 },
  { name: "uint8 without its lowest code", qmin: 1, qmax: 255, scale: 0.013, zeroPoint: 100 },
  { name: "int8", qmin: -128, qmax: 127, scale: 0.01, zeroPoint: 0 },
  { name: "symmetric int8", qmin: -127, qmax: 127, scale: 0.01, zeroPoint: 0 },
  { name: "int8 within 64", qmin: -64, qmax: 64, scale: 0.02, zeroPoint: 0 },
  { name: "symmetric uint8", qmin: 1, qmax: 255, scale: 0.01, zeroPoint: 128 },
  { name: "int8 of 7 bits", qmin: -64, qmax: 63, scale: 0.02, zeroPoint: 0 },
  { name: "uint8 of 7 bits", qmin: 0, qmax: 127, scale: 0.02, zeroPoint: 60 },
  { name: "4 bits", qmin: -7, qmax: 7, scale: 0.2, zeroPoint: 0 },
  { name: "4 bits with a zero point", qmin: 0, qmax: 15, scale: 0.2, zeroPoint: 5 },
  { name: "2 bits", qmin: -1, qmax: 1, scale: 0.7, zeroPoint: 0 },
  { name: "no ends", qmin: -Infinity, qmax: Infinity, scale: 0.013, zeroPoint: 3 },
  { name: "16 bits", qmin: -32767, qmax: 32767, scale: 3e-5, zeroPoint: 0 },
];

/** Real values that lie half-way between two codes, on both sides of zero and beyond both ends. */
const TIES = Array.from({ length: 80 }, (_, i) => i * 7 - 270.5);

const whole = GRIDS.flatMap(({ name, qmin, qmax, scale, zeroPoint }): OpCase[] => {
  const attrs = { qmin, qmax, granularity: PER_TENSOR };
  const parameters = (s: number) => ({
    scale: { shape: [], values: [s] },
    zeroPoint: { shape: [], values: [zeroPoint] },
  });
  return [
    {
      name,
      inputs: { x: { shape: [2, 3, 4, 5], range: [-2.5, 2.5] }, ...parameters(scale) },
      attrs,
      tolerance: "exact",
    },
    {
      name: `${name}, exact ties`,
      inputs: { x: { shape: [80], values: TIES.map((tie) => tie * 0.25) }, ...parameters(0.25) },
      attrs,
      tolerance: "exact",
    },
    {
      name: `${name}, one value`,
      inputs: { x: { shape: [], values: [0.7] }, ...parameters(scale) },
      attrs,
      tolerance: "exact",
    },
    {
      name: `${name}, far beyond the ends`,
      inputs: { x: { shape: [6], values: [1e6, -1e6, Infinity, -Infinity, 0, -0] }, ...parameters(scale) },
      attrs,
      tolerance: "exact",
    },
  ];
});

/** The float32 numbers around `x`, three on each side. */
function neighbours(x: number): number[] {
  const bits = new Int32Array(1);
  const value = new Float32Array(bits.buffer);
  value[0] = x;
  const [middle] = bits;
  return [-3, -2, -1, 0, 1, 2, 3].map((step) => {
    bits[0] = middle + step;
    return value[0];
  });
}

/** Numbers at which codes leave [qmin, qmax], and those next to them, for scales of every rounding. */
const edges = GRIDS.filter(({ qmin }) => Number.isFinite(qmin)).flatMap((
  { name, qmin, qmax, scale, zeroPoint },
): OpCase[] =>
  [scale, scale * 1.37, 1 / 3, 1 / 255, 0.1, 1 / 127.5, 6 / 255, 2 ** -7, 1.1754944e-7, 977.3].map((s) => ({
    name: `${name}, edges of scale ${s}`,
    inputs: {
      x: {
        shape: [14],
        values: [qmin - zeroPoint - 0.5, qmax - zeroPoint + 0.5].flatMap((q) => neighbours(q * Math.fround(s))),
      },
      scale: { shape: [], values: [s] },
      zeroPoint: { shape: [], values: [zeroPoint] },
    },
    attrs: { qmin, qmax, granularity: PER_TENSOR },
    tolerance: "exact",
  }))
);

const SHAPE = [2, 3, 4, 5];

const slices = [0, 1, 2, 3].flatMap((axis) =>
  [
    { name: "symmetric int8", qmin: -127, qmax: 127, zeroPoints: [0, 0, 0, 0, 0] },
    { name: "uint8", qmin: 0, qmax: 255, zeroPoints: [0, 3, 128, 255, 77] },
    { name: "int8 within 64", qmin: -64, qmax: 64, zeroPoints: [0, 0, 0, 0, 0] },
    { name: "symmetric uint8", qmin: 1, qmax: 255, zeroPoints: [128, 128, 128, 128, 128] },
    { name: "4 bits", qmin: -7, qmax: 7, zeroPoints: [0, 0, 0, 0, 0] },
    { name: "no ends", qmin: -Infinity, qmax: Infinity, zeroPoints: [0, 0, 0, 0, 0] },
  ].map(({ name, qmin, qmax, zeroPoints }): OpCase => ({
    name: `${name} along axis ${axis}`,
    inputs: {
      x: { shape: SHAPE, range: [-2.5, 2.5] },
      scale: { shape: [SHAPE[axis]], values: [0.01, 0.002, 0.05, 0.3, 0.0117].slice(0, SHAPE[axis]) },
      zeroPoint: { shape: [SHAPE[axis]], values: zeroPoints.slice(0, SHAPE[axis]) },
    },
    attrs: { qmin, qmax, granularity: perChannel(axis) },
    tolerance: "exact",
  }))
);

const matrix = [0, 1].map((axis): OpCase => ({
  name: `a matrix along axis ${axis}, weights that outgrew their scale`,
  inputs: {
    x: { shape: [6, 4], range: [-3, 3] },
    scale: { shape: [[6, 4][axis]], values: [0.01, 0.005, 0.02, 1 / 127, 0.03, 0.001].slice(0, [6, 4][axis]) },
    zeroPoint: { shape: [[6, 4][axis]], values: new Array([6, 4][axis]).fill(0) },
  },
  attrs: { qmin: -127, qmax: 127, granularity: perChannel(axis) },
  tolerance: "exact",
}));

const forward = [...whole, ...edges, ...slices, ...matrix];

/** Cases by kernel. The cpu kernels come from src/quant. */
export const cases: OpCases = {
  FakeQuantize: forward,
  FakeQuantizeGrad: forward.map((opCase): OpCase => {
    // All cases above name their inputs.
    const inputs = opCase.inputs as Readonly<Record<string, InputSpec>>;
    return { ...opCase, inputs: { ...inputs, dy: { shape: inputs.x.shape } } };
  }),
};
