import assert from "node:assert/strict";
import type { Answers } from "../models/answers.ts";
import type { QParams } from "../src/numbers/scheme.ts";
import { classification } from "../tasks/classification/classification.ts";
import { compareAnswers } from "./agreement.ts";

/** Answers of one output, a row a sample. */
function answers(rows: readonly (readonly number[])[], grid?: QParams): Answers {
  const shape = [rows.length, rows[0].length];
  return { out: { values: Float32Array.from(rows.flat()), shape, ...(grid === undefined ? {} : { grid }) } };
}

Deno.test("compareAnswers() counts samples that the task takes for the same", () => {
  const task = classification().bind([{ name: "out", shape: [3] }], "net");
  const a = answers([[1, 2, 3], [5, 5, 0], [0, 1, 0], [9, 0, 0]]);
  const b = answers([[0, 0, 1], [5, 4, 0], [1, 0, 0], [9, 9, 9]]);
  const [{ output, samples, same }] = compareAnswers(a, b, task);
  assert.deepEqual([output, samples, same], ["out", 4, 0.75]);
  assert.equal(compareAnswers(a, b)[0].same, undefined);
});

Deno.test("compareAnswers() counts codes that differ and the largest difference", () => {
  const grid = { scale: 0.25, zeroPoint: 7 };
  const a = answers([[0, 0.25, 0.5], [1, 2, 3]], grid);
  const b = answers([[0, 0.5, 0.5], [1, 2, 2.25]], grid);
  assert.deepEqual(compareAnswers(a, b)[0].compared, { kind: "codes", count: 6, different: 2, maxDifference: 3 });
});

Deno.test("compareAnswers() takes values within float32's error of one code as equal", () => {
  const grid = { scale: Math.fround(0.1), zeroPoint: 0 };
  const a = answers([[grid.scale * 3, grid.scale * 255]], grid);
  const b = answers([[Math.fround(0.3), Math.fround(25.5)]], { ...grid, scale: 0.1 });
  assert.deepEqual(compareAnswers(a, b)[0].compared, { kind: "codes", count: 2, different: 0, maxDifference: 0 });
});

Deno.test("compareAnswers() rounds to the nearest step, from both sides", () => {
  const grid = { scale: 0.25, zeroPoint: 0 };
  // float32 leaves a little less or more than whole steps: 0.99, 1.01, -0.99 and 1.99 are 1, 1, 1 and 2.
  const a = answers([[0.2475, 0.2525, -0.2475, 0.4975, 0.0025]], grid);
  const b = answers([[0, 0, 0, 0, 0]], grid);
  assert.deepEqual(compareAnswers(a, b)[0].compared, { kind: "codes", count: 5, different: 4, maxDifference: 2 });
});

Deno.test("compareAnswers() takes grids for one if their scales differ by float32's rounding, and zero points by nothing", () => {
  const kindOf = (a: QParams, b: QParams) => compareAnswers(answers([[1]], a), answers([[1]], b))[0].compared.kind;
  const grid = { scale: 0.1, zeroPoint: 3 };
  for (const factor of [1 - 9e-7, 1 + 9e-7]) assert.equal(kindOf(grid, { ...grid, scale: 0.1 * factor }), "codes");
  for (const factor of [1 - 3e-6, 1 + 3e-6]) assert.equal(kindOf(grid, { ...grid, scale: 0.1 * factor }), "values");
  assert.equal(kindOf(grid, { ...grid, zeroPoint: 4 }), "values");
});

Deno.test("compareAnswers() compares values where the models share no grid, and never nothing", () => {
  const grid = { scale: 0.25, zeroPoint: 0 };
  const rows = [[0, 3, Infinity], [4, 0, 0]];
  const others = [[0, 0, Infinity], [0, 0, 0]];
  const compared = { kind: "values", count: 6, maxDifference: 4, rmsDifference: Math.sqrt(25 / 6) };
  for (const [a, b] of [[undefined, undefined], [grid, undefined], [grid, { ...grid, scale: 0.5 }]]) {
    assert.deepEqual(compareAnswers(answers(rows, a), answers(others, b))[0].compared, compared);
  }
});

Deno.test("compareAnswers() compares every output by its name", () => {
  const [out] = Object.values(answers([[1, 2]]));
  const a = { first: out, second: { ...out, grid: { scale: 1, zeroPoint: 0 } } };
  const b = { second: { ...a.second, values: Float32Array.of(1, 5) }, first: out, third: out };
  assert.deepEqual(
    compareAnswers(a, b).map(({ output, compared }) => [output, compared.kind, compared.maxDifference]),
    [
      ["first", "values", 0],
      ["second", "codes", 3],
    ],
  );
  assert.throws(
    () => compareAnswers(b, a),
    new TypeError('Cannot compare answers: only one model has the output "third"'),
  );
});

Deno.test("compareAnswers() refuses answers of another number, and none", () => {
  assert.throws(
    () => compareAnswers(answers([[1, 2]]), answers([[1, 2], [3, 4]])),
    new TypeError(
      'Cannot compare answers: one model gave 2 values for output "out" ([1,2]), the other 4 ([2,2])',
    ),
  );
  const none = { out: { values: new Float32Array(0), shape: [0, 2] } };
  assert.throws(() => compareAnswers(none, none), /there are none for output "out"/);
  assert.throws(() => compareAnswers({}, {}), new TypeError("Cannot compare answers: there are none"));
});
