import assert from "node:assert/strict";
import { countConfusion, figuresOf, sectionsOf } from "./confusion.ts";

/** An answer for each label: the class that is said, NaNs for -1. */
function judged(pairs: readonly (readonly [is: number, said: number])[], classes: number) {
  const values = Float32Array.from(
    pairs.flatMap(([, said]) => Array.from({ length: classes }, (_, c) => said < 0 ? NaN : Number(c === said))),
  );
  return { answer: { values, shape: [pairs.length, classes] }, targets: Int32Array.from(pairs, ([is]) => is) };
}

Deno.test("figuresOf() gives precision, recall and F1 of each class, hand-computed", () => {
  const pairs = [[0, 0], [0, 0], [0, 1], [1, 1], [1, 0], [1, -1], [2, 1]] as const;
  const confusion = countConfusion(judged(pairs, 4), 4);
  assert.deepEqual(confusion, {
    counts: [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
    unanswered: [0, 1, 0, 0],
  });
  assert.deepEqual(figuresOf(confusion), [
    { count: 3, precision: 2 / 3, recall: 2 / 3, f1: 4 / 6 },
    { count: 3, precision: 1 / 3, recall: 1 / 3, f1: 2 / 6 },
    { count: 1, precision: null, recall: 0, f1: 0 },
    { count: 0, precision: null, recall: null, f1: null },
  ]);
});

Deno.test("sectionsOf() shows a matrix and all classes where they are few, else the worst ones", () => {
  const few = sectionsOf(countConfusion(judged([[0, 0], [1, 0]], 2), 2), ["cat", "dog"]);
  assert.deepEqual(few.map(({ heading }) => heading), ["Confusion", "Classes"]);
  const table = few[1];
  assert.ok(table.kind === "table");
  assert.deepEqual(table.rows, [
    ["cat", 1, 1 / 2, 1, 2 / 3],
    ["dog", 1, null, 0, 0],
    ["mean of all classes", 2, 1 / 2, 1 / 2, 1 / 3],
  ]);
  // Every class is told but the 50th, which is taken for the first.
  const pairs = Array.from({ length: 50 }, (_, i) => [i, i === 49 ? 0 : i] as const);
  const names = pairs.map(([i]) => `class ${i}`);
  const [worst, ...others] = sectionsOf(countConfusion(judged(pairs, 50), 50), names);
  assert.deepEqual(others, []);
  assert.ok(worst.kind === "table");
  assert.equal(worst.rows.length, 41);
  assert.deepEqual(worst.rows.slice(0, 2).map(([name]) => name), ["class 49", "class 0"]);
  assert.match(worst.lead, /the 40 classes of 50 that it tells worst/);
});
