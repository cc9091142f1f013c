import assert from "node:assert/strict";
import { codeRangeOf } from "./codes.ts";
import { quantizeLinear } from "./quantize.ts";
import {
  faultOfQParams,
  faultOfScheme,
  gridOfInterval,
  INT8_SYMMETRIC,
  INT8_SYMMETRIC_PER_CHANNEL,
  PER_TENSOR,
  perChannel,
  type QuantScheme,
  UINT8_AFFINE,
} from "./scheme.ts";

const INT8_AFFINE: QuantScheme = { ...UINT8_AFFINE, dtype: "int8", ...codeRangeOf("int8") };
const HALF_SPAN: QuantScheme = { ...UINT8_AFFINE, span: 127 };

/** Grids worked out by hand: of [0, 1] and of [-1, 1], scale and zero point. */
const INTERVALS: readonly (readonly [string, QuantScheme, readonly [number, number], readonly [number, number]])[] = [
  ["uint8", UINT8_AFFINE, [1 / 256, 0], [1 / 128, 128]],
  ["int8", INT8_AFFINE, [1 / 256, -128], [1 / 128, 0]],
  ["half of the steps of uint8", HALF_SPAN, [1 / 128, 0], [1 / 64, 64]],
  ["half of the codes of uint8", { ...UINT8_AFFINE, qmax: 127 }, [1 / 128, 0], [1 / 64, 64]],
  ["four bits", { ...UINT8_AFFINE, dtype: "uint4", qmax: 15 }, [1 / 16, 0], [1 / 8, 8]],
  ["four signed bits", { ...INT8_AFFINE, dtype: "int4", ...codeRangeOf("int4") }, [1 / 16, -8], [1 / 8, 0]],
  ["symmetric int8", INT8_SYMMETRIC, [2 / 255, 0], [2 / 255, 0]],
  ["int8 with more codes above 0 than below", { ...INT8_AFFINE, qmin: -100 }, [1 / 228, -100], [1 / 114, 14]],
  ["symmetric uint8", { ...UINT8_AFFINE, qmin: 1, symmetric: true }, [2 / 255, 128], [2 / 255, 128]],
];

for (const [name, scheme, unit, signed] of INTERVALS) {
  Deno.test(`gridOfInterval() follows the codes when they are ${name}`, () => {
    const { qmin, qmax } = scheme;
    for (const [interval, [scale, zeroPoint]] of [["unit", unit], ["signed-unit", signed]] as const) {
      const grid = gridOfInterval(interval, scheme);
      assert.deepEqual(grid, { scale: Math.fround(scale), zeroPoint });
      assert.equal(faultOfQParams(grid, scheme), undefined);
      const codes = quantizeLinear([0, 1], { ...grid, qmin, qmax, granularity: PER_TENSOR });
      assert.deepEqual([...codes], [zeroPoint, scheme === HALF_SPAN ? 128 : qmax]);
    }
  });
}

const FAULTS: readonly (readonly [string, QuantScheme, RegExp])[] = [
  ["qmin above qmax", { ...UINT8_AFFINE, qmin: 300 }, /codes are 300 to 255, two whole numbers in order/],
  ["one code", { ...UINT8_AFFINE, qmin: 255 }, /in order/],
  ["a broken code", { ...UINT8_AFFINE, qmax: 2.5 }, /whole numbers/],
  ["codes beyond the type", { ...INT8_SYMMETRIC, qmax: 128 }, /within -128 to 127 are needed for int8/],
  ["negative codes of uint8", { ...UINT8_AFFINE, qmin: -1 }, /within 0 to 255 are needed for uint8/],
  ["a symmetric grid without 0", { ...INT8_SYMMETRIC, qmax: -1 }, /0 must lie between them/],
  ["a symmetric grid that ends at 0", { ...INT8_SYMMETRIC, qmax: 0 }, /0 must lie between them/],
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

Deno.test("faultOfQParams() wants every code within float32, the smallest and the largest", () => {
  const fault = (scale: number, zeroPoint: number) => faultOfQParams({ scale, zeroPoint }, { qmin: -128, qmax: 127 });
  // 255 steps on one side of 0, or 128 at most: 3.4028e38 is the largest float32.
  assert.equal(fault(1.33e36, 127), undefined);
  assert.equal(fault(1.33e36, -128), undefined);
  for (const zeroPoint of [127, -128]) assert.match(fault(1.34e36, zeroPoint) ?? "", /within float32/);
  assert.equal(fault(2.65e36, 0), undefined);
  assert.match(fault(2.67e36, 0) ?? "", /within float32/);
});
