import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { useCpu } from "../quant/_test_support.ts";
import { computeQParams, EMPTY_SCALE, LEAST_SCALE, type Range, rangeOfGrid } from "./qparams.ts";
import { computeTensorQParams } from "../quant/qparams_tensor.ts";
import { realOf, unclampedCode } from "./quantize.ts";
import { codeRangeOf } from "./codes.ts";
import { INT8_SYMMETRIC, type QuantScheme, UINT8_AFFINE } from "./scheme.ts";

const INT8_AFFINE: QuantScheme = { ...UINT8_AFFINE, dtype: "int8", ...codeRangeOf("int8") };
const UINT8_SYMMETRIC: QuantScheme = { ...UINT8_AFFINE, symmetric: true };
const UINT4_AFFINE: QuantScheme = { ...UINT8_AFFINE, dtype: "uint4", ...codeRangeOf("uint4") };
const HALF_SPAN: QuantScheme = { ...UINT8_AFFINE, span: 127 };
const HALF_SPAN_SYMMETRIC: QuantScheme = { ...UINT8_SYMMETRIC, span: 127 };
const SCHEMES = [
  UINT8_AFFINE,
  INT8_AFFINE,
  INT8_SYMMETRIC,
  UINT8_SYMMETRIC,
  UINT4_AFFINE,
  HALF_SPAN,
  HALF_SPAN_SYMMETRIC,
];

const cases: readonly { name: string; range: Range; scheme: QuantScheme; scale: number; zeroPoint: number }[] = [
  { name: "affine", range: { min: -1, max: 254 }, scheme: UINT8_AFFINE, scale: 1, zeroPoint: 1 },
  { name: "affine int8", range: { min: -1, max: 254 }, scheme: INT8_AFFINE, scale: 1, zeroPoint: -127 },
  { name: "range above 0", range: { min: 3, max: 255 }, scheme: UINT8_AFFINE, scale: 1, zeroPoint: 0 },
  { name: "range below 0", range: { min: -255, max: -3 }, scheme: UINT8_AFFINE, scale: 1, zeroPoint: 255 },
  { name: "symmetric", range: { min: -63.5, max: 20 }, scheme: INT8_SYMMETRIC, scale: 0.5, zeroPoint: 0 },
  { name: "symmetric uint8", range: { min: -127.5, max: 0 }, scheme: UINT8_SYMMETRIC, scale: 1, zeroPoint: 128 },
  {
    name: "tie of the zero point to even",
    range: { min: -0.5, max: 254.5 },
    scheme: UINT8_AFFINE,
    scale: 1,
    zeroPoint: 0,
  },
  // Twice as wide a step as over 0..255; PyTorch's fbgemm, "reduce range".
  { name: "affine over 127 steps", range: { min: -2, max: 252 }, scheme: HALF_SPAN, scale: 2, zeroPoint: 1 },
  {
    name: "symmetric over 127 steps",
    range: { min: -63.5, max: 9 },
    scheme: HALF_SPAN_SYMMETRIC,
    scale: 1,
    zeroPoint: 64,
  },
  { name: "width 0", range: { min: 0, max: 0 }, scheme: UINT8_AFFINE, scale: EMPTY_SCALE, zeroPoint: 0 },
  { name: "width 0, symmetric", range: { min: 0, max: 0 }, scheme: INT8_SYMMETRIC, scale: EMPTY_SCALE, zeroPoint: 0 },
  { name: "tiny width", range: { min: 0, max: 255 * 2 ** -100 }, scheme: UINT8_AFFINE, scale: 2 ** -100, zeroPoint: 0 },
  { name: "least width", range: { min: 0, max: 2 ** -124 }, scheme: UINT8_AFFINE, scale: LEAST_SCALE, zeroPoint: 0 },
  { name: "subnormal width", range: { min: 0, max: 1e-44 }, scheme: UINT8_AFFINE, scale: LEAST_SCALE, zeroPoint: 0 },
];

for (const { name, range, scheme, scale, zeroPoint } of cases) {
  Deno.test(`computeQParams() gives the hand-computed grid when the case is ${name}`, () => {
    assert.deepEqual(computeQParams(range, scheme), { scale, zeroPoint });
  });
}

Deno.test("rangeOfGrid() gives the real values of the first and last code", () => {
  assert.deepEqual(rangeOfGrid({ scale: 0.5, zeroPoint: 3, qmin: 0, qmax: 255 }), { min: -1.5, max: 126 });
});

Deno.test("computeQParams() refuses when the range is not finite or swapped", () => {
  for (const range of [{ min: NaN, max: 1 }, { min: 0, max: Infinity }, { min: 2, max: 1 }]) {
    assert.throws(() => computeQParams(range, UINT8_AFFINE), RangeError);
  }
});

const real = fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e6), max: Math.fround(1e6) });
const anyRange = fc.tuple(real, real).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));

Deno.test("computeQParams() keeps 0 exact and the range within half a step of the grid when ranges are random", () => {
  fc.assert(fc.property(anyRange, fc.constantFrom(...SCHEMES), (range, scheme) => {
    const params = computeQParams(range, scheme);
    assert.ok(params.scale > 0);
    assert.ok(params.zeroPoint >= scheme.qmin && params.zeroPoint <= scheme.qmax);
    assert.equal(realOf(unclampedCode(0, params), params), 0);
    if (scheme.symmetric && scheme.qmin === 0) return; // an odd number of steps is not centred: one more below
    for (const end of [range.min, range.max]) {
      const code = Math.min(Math.max(unclampedCode(end, params), scheme.qmin), scheme.qmax);
      // Rounding the zero point moves the ends by up to half a step, rounding the code by another half.
      assert.ok(Math.abs(realOf(code, params) - end) <= params.scale * 1.001, `${end} became ${realOf(code, params)}`);
    }
  }));
});

Deno.test("computeTensorQParams() equals computeQParams() bit for bit when ranges are random", async () => {
  await useCpu();
  fc.assert(fc.property(anyRange, fc.constantFrom(...SCHEMES), (range, scheme) => {
    const [scale, zeroPoint] = tf.tidy(() => {
      const params = computeTensorQParams({ min: tf.scalar(range.min), max: tf.scalar(range.max) }, scheme);
      return [params.scale.dataSync()[0], params.zeroPoint.dataSync()[0]];
    });
    assert.deepEqual({ scale, zeroPoint }, computeQParams(range, scheme));
  }));
  for (const { range, scheme, scale, zeroPoint } of cases) {
    const params = computeTensorQParams({ min: tf.scalar(range.min), max: tf.scalar(range.max) }, scheme);
    assert.deepEqual([params.scale.dataSync()[0], params.zeroPoint.dataSync()[0]], [scale, zeroPoint]);
  }
});

Deno.test("computeTensorQParams() takes 0 for the lower end when there is none", async () => {
  await useCpu();
  fc.assert(
    fc.property(
      fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(...SCHEMES),
      (max, scheme) => {
        const { scale, zeroPoint } = computeTensorQParams({ max: tf.scalar(max) }, scheme);
        const params = { scale: scale.dataSync()[0], zeroPoint: zeroPoint.dataSync()[0] };
        assert.deepEqual(params, computeQParams({ min: 0, max }, scheme));
        tf.dispose([scale, zeroPoint]);
      },
    ),
  );
});
