import assert from "node:assert/strict";
import fc from "fast-check";
import type { Judged } from "../task.ts";
import { averagePrecision, f1Score, meanAveragePrecision } from "./f1.ts";

function judged(answers: readonly (readonly number[])[], targets: readonly (readonly number[])[]): Judged {
  return {
    answer: { values: Float32Array.from(answers.flat()), shape: [answers.length, answers[0].length] },
    targets: Float32Array.from(targets.flat()),
  };
}

// By hand: said (0,0), (1,0), (1,1); there (0,0), (0,1), (1,1). Two found, one too many, one missed.
const TWO = judged([[0.9, 0.2], [0.6, 0.7]], [[1, 1], [0, 1]]);

Deno.test("F1 is what it is by hand, over all labels and for each sample", () => {
  assert.equal(f1Score().measure(TWO), 2 * 2 / (2 * 2 + 1 + 1));
  assert.deepEqual([...f1Score().scores(TWO)], [2 / 3, 2 / 3]);
  assert.equal(f1Score(0.8).measure(TWO), 2 * 1 / (2 + 0 + 2));
  assert.equal(f1Score().chance!(TWO.targets, 2), 2 * 3 / (2 * 3 + 1));
});

Deno.test("F1 is 1 where nothing is there and nothing was said, 0 where something was", () => {
  assert.equal(f1Score().measure(judged([[0.1]], [[0]])), 1);
  assert.equal(f1Score().measure(judged([[0.9]], [[0]])), 0);
  assert.ok(
    Number.isNaN(
      f1Score().measure({ answer: { values: new Float32Array(), shape: [0, 2] }, targets: new Float32Array() }),
    ),
  );
});

Deno.test("f1Score() refuses a threshold outside of (0, 1)", () => {
  for (const threshold of [0, 1, NaN, -1]) assert.throws(() => f1Score(threshold), RangeError);
});

function precisionOf(answers: number[], targets: number[]): number | undefined {
  return averagePrecision(Float32Array.from(answers), Float32Array.from(targets), { label: 0, width: 1 });
}

Deno.test("averagePrecision() is what it is by hand", () => {
  // Sorted: 1, 0, 1, 0, 1 → precision 1/1, 2/3, 3/5 at those that are there.
  assert.ok(Math.abs(precisionOf([0.9, 0.8, 0.7, 0.3, 0.1], [1, 0, 1, 0, 1])! - (1 + 2 / 3 + 3 / 5) / 3) < 1e-12);
  assert.equal(precisionOf([0.1, 0.2], [0, 0]), undefined);
  assert.equal(precisionOf([0.1, 0.2], [0, 1]), 1);
  // What is no number is said last.
  assert.equal(precisionOf([NaN, 0.1, 0.2], [1, 0, 0]), 1 / 3);
  assert.equal(precisionOf([NaN, NaN, 0.2, -1], [1, 0, 1, 1]), (1 + 1 + 3 / 4) / 3);
  // Equal answers stand in one place: two of four are right there.
  assert.equal(precisionOf([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 1]), 0.5);
});

Deno.test("meanAveragePrecision is the mean over the labels that are there", () => {
  const three = judged([[0.9, 0.1, 0.5], [0.8, 0.2, 0.5]], [[1, 1, 0], [0, 0, 0]]);
  assert.equal(meanAveragePrecision.measure(three), (1 + 0.5) / 2);
  // Of each sample's own labels: 0.9 and 0.1 of (0.9, 0.5, 0.1) are there → (1/1 + 2/3) / 2; none are → 1.
  assert.deepEqual([...meanAveragePrecision.scores(three)], [(1 + 2 / 3) / 2, 1]);
  assert.equal(meanAveragePrecision.chance!(three.targets, 3), 0.5);
});

Deno.test("averagePrecision() does not change with the order of the samples, and lies within (0, 1]", () => {
  const sample = fc.record({ answer: fc.integer({ min: 0, max: 5 }), target: fc.integer({ min: 0, max: 1 }) });
  fc.assert(fc.property(fc.array(sample, { minLength: 1, maxLength: 12 }), (samples) => {
    const of = (list: typeof samples) =>
      precisionOf(list.map(({ answer }) => answer), list.map(({ target }) => target));
    const value = of(samples);
    assert.equal(of([...samples].reverse()), value);
    if (samples.some(({ target }) => target === 1)) assert.ok(value! > 0 && value! <= 1);
    else assert.equal(value, undefined);
  }));
});
