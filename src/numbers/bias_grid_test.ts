import assert from "node:assert/strict";
import { biasCode, biasScale, foldedScale, leastWeightScale, MIN_BIAS_SCALE, vanishes } from "./bias_grid.ts";
import { LEAST_SCALE } from "./qparams.ts";
import { LEAST_NORMAL, roundHalfEven } from "./round.ts";

Deno.test("leastWeightScale() keeps the code of a bias within 2^30, of either sign", () => {
  // |b| / 2^30 / s_x
  assert.equal(leastWeightScale(2 ** 31, 0.5), 4);
  assert.equal(leastWeightScale(-(2 ** 20), 0.25), 2 ** -8);
  for (const bias of [3.7, -0.001, 1e6]) {
    const [scale, weight] = [0.037, leastWeightScale(Math.fround(bias), Math.fround(0.037))];
    const code = biasCode(Math.fround(bias), biasScale(Math.fround(scale), weight));
    assert.ok(Math.abs(Math.abs(code) - 2 ** 30) <= 2 ** 8, `${code}`);
  }
});

Deno.test("leastWeightScale() gives no bias a scale below the least one, in units of the input's", () => {
  for (const bias of [0, 1e-30, -1e-30]) assert.equal(leastWeightScale(bias, 0.5), Math.fround(MIN_BIAS_SCALE / 0.5));
  assert.equal(MIN_BIAS_SCALE, 2 * LEAST_SCALE);
});

Deno.test("biasScale() and biasCode() round as float32 does, ties to even", () => {
  assert.equal(biasScale(Math.fround(0.1), Math.fround(0.3)), Math.fround(Math.fround(0.1) * Math.fround(0.3)));
  assert.deepEqual([0.25, 0.75, -0.25, -1.25, 1].map((bias) => biasCode(bias, 0.5)), [0, 2, 0, -2, 2]);
});

Deno.test("foldedScale() multiplies by the factor without its sign, and keeps the least scale", () => {
  assert.equal(foldedScale(0.5, -3), 1.5);
  assert.equal(foldedScale(Math.fround(0.1), 0.1), Math.fround(Math.fround(0.1) * 0.1));
  for (const factor of [0, 1e-40]) {
    assert.equal(foldedScale(0.5, factor), LEAST_SCALE);
    assert.equal(vanishes(0.5, factor), true);
  }
  assert.equal(vanishes(1, LEAST_SCALE), false);
  assert.equal(vanishes(1, -LEAST_SCALE), false);
});

Deno.test("LEAST_NORMAL is the least float32 that has all of its bits", () => {
  const [bits] = new Uint32Array(Float32Array.of(LEAST_NORMAL).buffer);
  assert.equal(bits, 0x00800000);
});

Deno.test("roundHalfEven() rounds to the nearest, ties to even, and has no -0", () => {
  const pairs = [[0.5, 0], [1.5, 2], [2.5, 2], [-0.5, 0], [-1.5, -2], [-2.5, -2], [2.4999999, 2], [-0.2, 0], [7, 7]];
  for (const [x, rounded] of pairs) assert.ok(Object.is(roundHalfEven(x), rounded), `${x}: ${roundHalfEven(x)}`);
});
