import assert from "node:assert/strict";
import { describeValues, fits, shapeOfTarget } from "./target_values.ts";
import type { TargetSpec } from "./task.ts";

/** Which of `values` may stand at `at`. */
const fitting = (spec: TargetSpec, values: readonly number[], at = 0) =>
  values.filter((value) => fits(value, { spec, at }));

Deno.test("fits() takes classes that there are, and numbers that are finite", () => {
  const values = [-2, -1, 0, 0.5, 1, 2, 3, NaN, Infinity];
  assert.deepEqual(fitting({ kind: "map", count: 3, height: 1, width: 1 }, [-2, -1, 0, 2, 3]), [-1, 0, 2]);
  assert.deepEqual(fitting({ kind: "index", count: 3 }, [-1, 0, 2, 3]), [0, 2]);
  assert.deepEqual(fitting({ kind: "flags", width: 1 }, values), [0, 1]);
  assert.deepEqual(fitting({ kind: "reals", width: 1 }, values), [-2, -1, 0, 0.5, 1, 2, 3]);
});

Deno.test("fits() takes for the fifth number of each box a class or -1, and for the others what is finite", () => {
  const spec = { kind: "boxes", most: 2, classes: 2 } as const;
  const values = [-2, -1, 0, 0.5, 1, 2, NaN];
  for (const at of [0, 3, 5, 6, 9, 11]) assert.deepEqual(fitting(spec, values, at), [-2, -1, 0, 0.5, 1, 2]);
  for (const at of [4, 10, 16]) assert.deepEqual(fitting(spec, values, at), [-1, 0, 1]);
  assert.deepEqual(shapeOfTarget(spec), [2, 6]);
  assert.equal(describeValues(spec), "a finite number, as a class 0 to 1, or -1 for no box");
});
