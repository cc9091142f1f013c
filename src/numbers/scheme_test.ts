import assert from "node:assert/strict";
import { codeRangeOf } from "./codes.ts";
import { dequantizeLinear, quantizeLinear } from "./quantize.ts";
import {
  faultOfQParams,
  faultOfScheme,
  INT8_SYMMETRIC,
  INT8_SYMMETRIC_PER_CHANNEL,
  PER_TENSOR,
  perChannel,
  type QuantScheme,
  signedUnitInterval,
  UINT8_AFFINE,
  unitInterval,
} from "./scheme.ts";

const INT8_AFFINE: QuantScheme = { ...UINT8_AFFINE, dtype: "int8", ...codeRangeOf("int8") };
const HALF_SPAN: QuantScheme = { ...UINT8_AFFINE, span: 127 };

Deno.test("unitInterval() and signedUnitInterval() follow the codes of the scheme", () => {
  assert.deepEqual(unitInterval(INT8_AFFINE), { scale: 1 / 256, zeroPoint: -128 });
  assert.deepEqual(signedUnitInterval(INT8_AFFINE), { scale: 1 / 128, zeroPoint: 0 });
  assert.deepEqual(unitInterval(HALF_SPAN), { scale: 1 / 128, zeroPoint: 0 });
  assert.deepEqual(signedUnitInterval(HALF_SPAN), { scale: 1 / 64, zeroPoint: 64 });
  for (const scheme of [UINT8_AFFINE, INT8_AFFINE]) {
    const { qmin, qmax } = scheme;
    const ends = (params: { scale: number; zeroPoint: number }, values: number[]) => {
      const grid = { ...params, qmin, qmax, granularity: PER_TENSOR };
      return [...dequantizeLinear(quantizeLinear(values, grid), grid)];
    };
    assert.deepEqual(ends(unitInterval(scheme), [0, 0.5, 1]), [0, 0.5, 255 / 256]);
    assert.deepEqual(ends(signedUnitInterval(scheme), [-1, 0, 1]), [-1, 0, 127 / 128]);
  }
});

const FAULTS: readonly (readonly [string, QuantScheme, RegExp])[] = [
  ["qmin above qmax", { ...UINT8_AFFINE, qmin: 300 }, /codes are 300 to 255, two whole numbers in order/],
  ["one code", { ...UINT8_AFFINE, qmin: 255 }, /in order/],
  ["a broken code", { ...UINT8_AFFINE, qmax: 2.5 }, /whole numbers/],
  ["codes beyond the type", { ...INT8_SYMMETRIC, qmax: 128 }, /within -128 to 127 are needed for int8/],
  ["negative codes of uint8", { ...UINT8_AFFINE, qmin: -1 }, /within 0 to 255 are needed for uint8/],
  ["a symmetric grid without 0", { ...INT8_SYMMETRIC, qmax: -1 }, /0 must lie between them/],
  ["no steps", { ...UINT8_AFFINE, span: 0 }, /span is 0, a whole number from 1 to 255/],
  ["more steps than codes", { ...UINT8_AFFINE, span: 256 }, /span is 256/],
  ["part of a step", { ...UINT8_AFFINE, span: 12.5 }, /span is 12.5/],
  ["part of an axis", { ...INT8_SYMMETRIC, granularity: perChannel(0.5) }, /axis is 0.5/],
];

for (const [name, scheme, message] of FAULTS) {
  Deno.test(`faultOfScheme() finds ${name}`, () => assert.match(faultOfScheme(scheme) ?? "", message));
}

Deno.test("faultOfScheme() finds nothing when a scheme is sound", () => {
  const four: QuantScheme = { ...INT8_SYMMETRIC, dtype: "int4", qmin: -7, qmax: 7 };
  for (const scheme of [UINT8_AFFINE, INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL, INT8_AFFINE, HALF_SPAN, four]) {
    assert.equal(faultOfScheme(scheme), undefined);
  }
});

Deno.test("faultOfQParams() finds scales and zero points that no grid can have", () => {
  const fault = (scale: number, zeroPoint: number) => faultOfQParams({ scale, zeroPoint }, UINT8_AFFINE);
  assert.equal(fault(0.1, 0), undefined);
  assert.equal(fault(1e36, 128), undefined); // 128 steps of it are 1.28e38
  for (const scale of [0, -1, NaN, Infinity, 1e38, 1e-60]) assert.match(fault(scale, 128) ?? "", /its scale is/);
  for (const zeroPoint of [-1, 256, 0.5, NaN]) assert.match(fault(0.1, zeroPoint) ?? "", /its zero point is/);
});
