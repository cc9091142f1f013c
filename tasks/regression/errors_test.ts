import assert from "node:assert/strict";
import fc from "fast-check";
import type { Judged } from "../task.ts";
import { columnMeans, meanAbsoluteError, rootMeanSquaredError, rSquared } from "./errors.ts";

function judged(answers: readonly number[], targets: readonly number[], width = 1): Judged {
  return {
    answer: { values: Float32Array.from(answers), shape: [answers.length / width, width] },
    targets: Float32Array.from(targets),
  };
}

function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${actual} for ${expected}`);
}

// By hand: errors 1, −2, 3 of targets 1, 2, 6 (mean 3, spread 4 + 1 + 9 = 14).
const THREE = judged([2, 0, 9], [1, 2, 6]);

Deno.test("MAE, RMSE and R² are what they are by hand", () => {
  close(meanAbsoluteError().measure(THREE), 2);
  close(rootMeanSquaredError().measure(THREE), Math.sqrt(14 / 3));
  close(rSquared.measure(THREE), 1 - 14 / 14);
});

Deno.test("MAE, RMSE and R² of several columns are means over them", () => {
  // Columns: errors 1, 3 of targets 0, 2 (spread 2); errors 0, 0 of targets 5, 7.
  const two = judged([1, 5, 5, 7], [0, 5, 2, 7], 2);
  close(meanAbsoluteError().measure(two), (2 + 0) / 2);
  close(rootMeanSquaredError().measure(two), Math.sqrt((5 + 0) / 2));
  close(rSquared.measure(two), ((1 - 10 / 2) + 1) / 2);
  assert.deepEqual([...meanAbsoluteError().scores(two)], [0.5, 1.5]);
  assert.deepEqual([...rootMeanSquaredError().scores(two)], [0.5, 4.5]);
});

Deno.test("R² of a column that never changes is 1 if it is answered right, else 0", () => {
  close(rSquared.measure(judged([4, 4], [4, 4])), 1);
  close(rSquared.measure(judged([4, 5], [4, 4])), 0);
});

Deno.test("chance is what answering the means would reach", () => {
  const { targets } = THREE;
  close(meanAbsoluteError().chance!(targets, 1), (2 + 1 + 3) / 3);
  close(rootMeanSquaredError().chance!(targets, 1), Math.sqrt(14 / 3));
  assert.equal(rSquared.chance!(targets, 1), 0);
  assert.deepEqual(columnMeans(Float32Array.of(1, 10, 3, 30), 2), [2, 20]);
});

Deno.test("R² is at most 1, 0 at the means, and does not change when all is scaled and shifted", () => {
  const whole = fc.integer({ min: -50, max: 50 });
  fc.assert(fc.property(fc.array(fc.tuple(whole, whole), { minLength: 2, maxLength: 20 }), whole, (pairs, shift) => {
    const targets = pairs.map(([, target]) => target);
    fc.pre(new Set(targets).size > 1);
    const answers = pairs.map(([answer]) => answer);
    const value = rSquared.measure(judged(answers, targets));
    assert.ok(value <= 1);
    const moved = (values: number[]) => values.map((x) => 4 * x + shift);
    assert.ok(
      Math.abs(rSquared.measure(judged(moved(answers), moved(targets))) - value) < 1e-6 * (1 + Math.abs(value)),
    );
    const scores = rSquared.scores(judged(answers, targets));
    close(scores.reduce((sum, score) => sum + score, 0) / scores.length, value);
  }));
});
