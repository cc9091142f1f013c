import assert from "node:assert/strict";
import fc from "fast-check";
import type { Metric } from "../task.ts";
import { accuracy, sequenceAccuracy, tokenAccuracy, topClasses, topKAccuracy } from "./accuracy.ts";

const OUTPUTS = [0.1, 0.7, 0.2, 0.5, 0.2, 0.3, 0.2, 0.2, 0.6];

function measure(metric: Metric, outputs: readonly number[], labels: readonly number[], values = 3): number {
  const answer = { values: Float32Array.from(outputs), shape: [outputs.length / values, values] };
  return metric.measure({ answer, targets: Int32Array.from(labels) });
}

Deno.test("accuracy counts the samples whose largest output is right", () => {
  assert.equal(measure(accuracy, OUTPUTS, [1, 0, 2]), 1);
  assert.equal(measure(accuracy, OUTPUTS, [1, 2, 0]), 1 / 3);
});

Deno.test("accuracy scores each sample, and knows what naming the commonest class would reach", () => {
  const answer = { values: Float32Array.from(OUTPUTS), shape: [3, 3] };
  const targets = Int32Array.of(1, 2, 2);
  assert.deepEqual([...accuracy.scores({ answer, targets })], [1, 0, 1]);
  assert.equal(accuracy.chance!(targets, 3), 2 / 3);
  assert.equal(topKAccuracy(2).chance!(Int32Array.of(1, 2, 2, 0), 3), 3 / 4);
});

Deno.test("accuracy is NaN when there are no samples", () => {
  assert.ok(Number.isNaN(measure(accuracy, [], [])));
});

/** Three samples of two positions each, and what two classes get there. */
const POSITIONS = {
  answer: { values: Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.3, 0.7, 1, 0, 1, 0), shape: [3, 2, 2] },
  targets: Int32Array.of(0, 1, 1, 0, 1, 0),
};

Deno.test("tokenAccuracy() and sequenceAccuracy() count right positions and samples without a wrong one", () => {
  assert.deepEqual([...topClasses(POSITIONS.answer)], [0, 1, 1, 1, 0, 0]);
  const [token, sequence] = [tokenAccuracy(2), sequenceAccuracy(2)];
  assert.deepEqual([...token.scores(POSITIONS)], [1, 0.5, 0.5]);
  assert.equal(token.measure(POSITIONS), 4 / 6);
  assert.deepEqual([...sequence.scores(POSITIONS)], [1, 0, 0]);
  assert.equal(sequence.measure(POSITIONS), 1 / 3);
});

Deno.test("tokenAccuracy() and sequenceAccuracy() know what answers reach that ignore the input", () => {
  // At the first position 1 is the commonest, at the second 0; (1, 0) is right twice.
  assert.equal(tokenAccuracy(2).chance!(POSITIONS.targets, 4), 2 / 3);
  assert.equal(sequenceAccuracy(2).chance!(POSITIONS.targets, 4), 2 / 3);
  assert.equal(tokenAccuracy(2).chance!(Int32Array.of(0, 1, 0, 0, 1, 2), 6), (2 / 3 + 1 / 3) / 2);
});

Deno.test("topClasses() takes the first of equal outputs and -1 where all are NaN", () => {
  const values = Float32Array.of(2, 2, NaN, NaN, NaN, 1, -Infinity, -Infinity);
  assert.deepEqual([...topClasses({ values, shape: [4, 2] })], [0, -1, 1, 0]);
});

Deno.test("topKAccuracy() counts the right class among the k largest", () => {
  assert.deepEqual([1, 2, 3].map((k) => measure(topKAccuracy(k), OUTPUTS, [2, 1, 0])), [0, 1 / 3, 1]);
  assert.equal(topKAccuracy(5).name, "top-5 accuracy");
});

Deno.test("topKAccuracy() gives no credit when all outputs are equal or NaN", () => {
  assert.equal(measure(topKAccuracy(1), [1, 1, NaN, NaN], [0, 1], 2), 0);
});

Deno.test("topKAccuracy() equals accuracy when k is 1 and outputs differ, and never falls as k grows", () => {
  const sample = fc.record({ order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), label: fc.nat(3) });
  fc.assert(fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
    const outputs = samples.flatMap(({ order }) => order);
    const labels = samples.map(({ label }) => label);
    const curve = [1, 2, 3, 4].map((k) => measure(topKAccuracy(k), outputs, labels, 4));
    assert.equal(curve[0], measure(accuracy, outputs, labels, 4));
    assert.deepEqual(curve, [...curve].sort((a, b) => a - b));
    assert.equal(curve[3], 1);
  }));
});

Deno.test("topKAccuracy() refuses k when it is not a positive integer", () => {
  for (const k of [0, -1, 1.5, NaN]) assert.throws(() => topKAccuracy(k), RangeError);
});
