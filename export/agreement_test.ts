import assert from "node:assert/strict";
import { compareAnswers } from "./agreement.ts";
import type { Prediction } from "./deployed.ts";

function prediction(...rows: readonly (readonly number[])[]): Prediction {
  return { values: Float32Array.from(rows.flat()), width: rows[0].length };
}

Deno.test("compareAnswers() counts samples with the same strongest output, the first of equals", () => {
  const a = prediction([1, 2, 3], [5, 5, 0], [0, 1, 0], [9, 0, 0]);
  const b = prediction([0, 0, 1], [5, 4, 0], [1, 0, 0], [9, 9, 9]);
  assert.equal(compareAnswers(a, b).top1, 0.75);
});

Deno.test("compareAnswers() counts codes that differ and the largest difference", () => {
  const grid = { scale: 0.25, zeroPoint: 7 };
  const a = prediction([0, 0.25, 0.5], [1, 2, 3]);
  const b = prediction([0, 0.5, 0.5], [1, 2, 2.25]);
  assert.deepEqual(compareAnswers(a, b, grid).codes, { compared: 6, different: 2, maxDifference: 3 });
});

Deno.test("compareAnswers() takes values within float32's error of one code as equal", () => {
  const scale = Math.fround(0.1);
  const a = prediction([scale * 3, scale * 255]);
  const b = prediction([Math.fround(0.3), Math.fround(25.5)]);
  assert.equal(compareAnswers(a, b, { scale, zeroPoint: 0 }).codes.different, 0);
});

Deno.test("compareAnswers() compares no codes when there is no grid", () => {
  const a = prediction([1, 2]);
  assert.deepEqual(compareAnswers(a, a), { top1: 1, codes: { compared: 0, different: 0, maxDifference: 0 } });
});

Deno.test("compareAnswers() refuses answers of another number, and none", () => {
  assert.throws(
    () => compareAnswers(prediction([1, 2]), prediction([1, 2], [3, 4])),
    new TypeError("Cannot compare answers: one model gave 2 values, the other 4"),
  );
  const none = { values: new Float32Array(0), width: 0 };
  assert.throws(() => compareAnswers(none, none), new TypeError("Cannot compare answers: there are none"));
});
