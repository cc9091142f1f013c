import assert from "node:assert/strict";
import fc from "fast-check";
import { accuracy, topClasses, topKAccuracy } from "./metrics.ts";

const outputs = Float32Array.of(0.1, 0.7, 0.2, 0.5, 0.2, 0.3, 0.2, 0.2, 0.6);

Deno.test("accuracy() counts the samples whose largest output is right", () => {
  assert.equal(accuracy.measure({ outputs, labels: [1, 0, 2], values: 3 }), 1);
  assert.equal(accuracy.measure({ outputs, labels: Int32Array.of(1, 2, 0), values: 3 }), 1 / 3);
});

Deno.test("accuracy() is NaN when there are no samples", () => {
  assert.ok(Number.isNaN(accuracy.measure({ outputs: new Float32Array(), labels: [], values: 3 })));
});

Deno.test("topClasses() takes the first of equal outputs and -1 where all are NaN", () => {
  assert.deepEqual([...topClasses(Float32Array.of(2, 2, NaN, NaN, NaN, 1, -Infinity, -Infinity), 2)], [0, -1, 1, 0]);
});

Deno.test("topKAccuracy() counts the right class among the k largest", () => {
  const measure = (k: number) => topKAccuracy(k).measure({ outputs, labels: [2, 1, 0], values: 3 });
  assert.deepEqual([measure(1), measure(2), measure(3)], [0, 1 / 3, 1]);
  assert.equal(topKAccuracy(5).name, "top-5 accuracy");
});

Deno.test("topKAccuracy() gives no credit when all outputs are equal or NaN", () => {
  assert.equal(topKAccuracy(1).measure({ outputs: Float32Array.of(1, 1, NaN, NaN), labels: [0, 1], values: 2 }), 0);
});

Deno.test("topKAccuracy() equals accuracy when k is 1 and outputs differ, and never falls as k grows", () => {
  const sample = fc.record({ order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), label: fc.nat(3) });
  fc.assert(fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
    const answers = {
      outputs: Float32Array.from(samples.flatMap(({ order }) => order)),
      labels: samples.map(({ label }) => label),
      values: 4,
    };
    const curve = [1, 2, 3, 4].map((k) => topKAccuracy(k).measure(answers));
    assert.equal(curve[0], accuracy.measure(answers));
    assert.deepEqual(curve, [...curve].sort((a, b) => a - b));
    assert.equal(curve[3], 1);
  }));
});

Deno.test("topKAccuracy() refuses k when it is not a positive integer", () => {
  for (const k of [0, -1, 1.5, NaN]) assert.throws(() => topKAccuracy(k), RangeError);
});
