import assert from "node:assert/strict";
import fc from "fast-check";
import { readGolden } from "../quant/_test_support.ts";
import { dequantizeLinear, quantizeLinear } from "./quantize.ts";
import { codeRangeOf } from "./codes.ts";
import { type Grid, PER_TENSOR, perChannel, type PerSlice } from "./scheme.ts";

interface GoldenCase {
  readonly type: "uint8" | "int8";
  readonly scale: number;
  readonly zeroPoint: number;
  readonly x: readonly number[];
  readonly code: readonly number[];
  readonly y: readonly number[];
}

for (const golden of await readGolden<GoldenCase[]>("quantize_linear.json")) {
  const grid = {
    scale: golden.scale,
    zeroPoint: golden.zeroPoint,
    ...codeRangeOf(golden.type),
    granularity: PER_TENSOR,
  };
  const name = `${golden.type}, scale ${golden.scale}, zero point ${golden.zeroPoint}`;
  Deno.test(`quantizeLinear() gives ONNX Runtime's codes when the grid is ${name}`, () => {
    assert.deepEqual([...quantizeLinear(golden.x, grid)], golden.code);
  });
  Deno.test(`dequantizeLinear() gives ONNX Runtime's values when the grid is ${name}`, () => {
    assert.deepEqual([...dequantizeLinear(golden.code, grid)], golden.y.map(Math.fround));
  });
}

Deno.test("quantizeLinear() rounds ties to even before adding the zero point when it is odd", () => {
  const grid = { scale: 2, zeroPoint: 1, qmin: 0, qmax: 255, granularity: PER_TENSOR };
  assert.deepEqual(quantizeLinear([1, 3, 5, 7], grid), new Uint8Array([1, 3, 3, 5]));
});

Deno.test("quantizeLinear() clamps to the codes in use when values are far outside", () => {
  const grid = { scale: 1e-3, zeroPoint: 0, qmin: -127, qmax: 127, granularity: PER_TENSOR };
  assert.deepEqual(quantizeLinear([-Infinity, -1e30, 1e30, Infinity], grid), new Int8Array([-127, -127, 127, 127]));
});

Deno.test("quantizeLinear() uses each channel's scale when the axis is in the middle", () => {
  const grid = { scale: [1, 2, 4], zeroPoint: 0, qmin: -127, qmax: 127, granularity: perChannel(1) };
  const codes = quantizeLinear([8, 8, 8, 8, 8, 8, 16, 16, 16, 16, 16, 16], grid, { shape: [2, 3, 2] });
  assert.deepEqual([...codes], [8, 8, 4, 4, 2, 2, 16, 16, 8, 8, 4, 4]);
});

Deno.test("quantizeLinear() picks the narrowest array when codes need 8, 16 or 32 bits", () => {
  const of = (qmin: number, qmax: number) =>
    quantizeLinear([0], { scale: 1, zeroPoint: 0, qmin, qmax, granularity: PER_TENSOR }).constructor;
  assert.equal(of(-7, 7), Int8Array);
  assert.equal(of(0, 255), Uint8Array);
  assert.equal(of(0, 65535), Uint16Array);
  assert.equal(of(-32768, 32767), Int16Array);
  assert.equal(of(-(2 ** 31), 2 ** 31 - 1), Int32Array);
});

Deno.test("quantizeLinear() refuses when the scale is not above 0 or the channels do not fit", () => {
  const grid: Grid<PerSlice> = { scale: 0, zeroPoint: 0, qmin: 0, qmax: 255, granularity: PER_TENSOR };
  assert.throws(() => quantizeLinear([1], grid), /scale of channel 0 is 0/);
  assert.throws(() => quantizeLinear([1], { ...grid, scale: NaN }), RangeError);
  assert.throws(
    () => quantizeLinear([1], { ...grid, scale: 1, granularity: perChannel(0) }),
    /shape of the values is needed/,
  );
  assert.throws(
    () => quantizeLinear([1, 2], { ...grid, scale: [1, 1, 1], granularity: perChannel(0) }, { shape: [2] }),
    /3 scales/,
  );
  assert.throws(
    () => quantizeLinear([1, 2], { ...grid, scale: 1, granularity: perChannel(3) }, { shape: [2] }),
    /axis 3/,
  );
});

const scale = fc.float({ min: Math.fround(1e-6), max: 1000, noNaN: true });
const grids = fc.oneof(
  fc.record({ scale, zeroPoint: fc.integer({ min: 0, max: 255 }), qmin: fc.constant(0), qmax: fc.constant(255) }),
  fc.record({ scale, zeroPoint: fc.constant(0), qmin: fc.constant(-127), qmax: fc.constant(127) }),
).map((grid): Grid => ({ ...grid, granularity: PER_TENSOR }));
const value = fc.float({ noNaN: true, noDefaultInfinity: true });

Deno.test("quantizeLinear() gives every code back when it is dequantized first", () => {
  fc.assert(fc.property(grids, (grid) => {
    const codes = Array.from({ length: grid.qmax - grid.qmin + 1 }, (_, i) => grid.qmin + i);
    assert.deepEqual([...quantizeLinear(dequantizeLinear(codes, grid), grid)], codes);
  }));
});

Deno.test("quantizeLinear() is monotone and bounded when values are random", () => {
  fc.assert(fc.property(grids, fc.array(value, { minLength: 2 }), (grid, values) => {
    const codes = [...quantizeLinear([...values].sort((a, b) => a - b), grid)];
    for (const [i, code] of codes.entries()) {
      assert.ok(code >= grid.qmin && code <= grid.qmax);
      if (i > 0) assert.ok(code >= codes[i - 1]);
    }
  }));
});
