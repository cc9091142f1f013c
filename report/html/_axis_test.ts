import assert from "node:assert/strict";
import fc from "fast-check";
import { chooseAxis, endOfShares, endsOf } from "./_axis.ts";

Deno.test("chooseAxis() gives an axis around the values with round ends and a round middle", () => {
  const { min, max, step } = chooseAxis([3.398, 3.412, 3.441]);
  assert.deepEqual([min, max, step].map((value) => Number(value.toFixed(6))), [3.39, 3.45, 0.01]);
  const accuracy = chooseAxis([0.9334, 0.8871, 0.9326], { min: 0, max: 1 });
  assert.deepEqual([accuracy.min, accuracy.max].map((value) => Number(value.toFixed(6))), [0.88, 0.94]);
});

Deno.test("chooseAxis() leaves a quarter of a step beyond the values, and takes an even number of steps", () => {
  // Of steps of 1, six end at 6: 5.75 leaves a quarter, and 5.8 does not.
  assert.deepEqual(chooseAxis([0, 5.75]), { min: 0, max: 6, step: 1 });
  assert.deepEqual(chooseAxis([0, 5.8]), { min: 0, max: 8, step: 1 });
  assert.deepEqual(chooseAxis([1.25, 6]), { min: 1, max: 7, step: 1 });
  assert.deepEqual(chooseAxis([1.2, 6]), { min: 0, max: 8, step: 1 });
  // What has no room beyond 0 is on the other side.
  assert.deepEqual(chooseAxis([-5.75, 0]), { min: -8, max: 0, step: 1 });
});

Deno.test("chooseAxis() stays within its bounds, and on the values' side of 0", () => {
  const top = chooseAxis([0.999, 1, 0.93], { min: 0, max: 1 });
  assert.ok(top.max === 1 && top.min <= 0.93);
  assert.equal(chooseAxis([0.001, 4]).min, 0);
  assert.ok(chooseAxis([-0.2, 4]).min <= -0.2);
});

Deno.test("chooseAxis() survives equal values, none, and 0", () => {
  for (const values of [[5, 5], [], [0], [-3], [1e-12], [1e12, 1e12]]) {
    const { min, max } = chooseAxis(values);
    assert.ok(Number.isFinite(min) && Number.isFinite(max) && max > min, `${values}: ${min} to ${max}`);
    for (const value of values) assert.ok(min <= value && value <= max, `${value} in ${min} to ${max}`);
  }
});

Deno.test("chooseAxis() holds all values with little room to spare", () => {
  const numbers = fc.double({ noNaN: true, min: -1e6, max: 1e6 }).filter((x) => x === 0 || Math.abs(x) > 1e-6);
  fc.assert(fc.property(fc.array(numbers, { minLength: 1, maxLength: 8 }), (values) => {
    const { min, max, step } = chooseAxis(values);
    assert.ok(values.every((value) => value >= min - step * 1e-6 && value <= max + step * 1e-6));
    assert.ok((max - min) / step <= 12);
  }));
});

Deno.test("endsOf() keeps axes of shares within 0 and 1, and no others", () => {
  // Six steps of 0.2 from 0.2 on would end at 1.4.
  const values = [0.3, 0.95];
  const { min, max } = chooseAxis(values, endsOf(values, "fraction"));
  assert.ok(min >= 0 && min <= 0.3 && max === 1, `${min} to ${max}`);
  assert.deepEqual([endsOf([0.3, 1.2], "fraction"), endsOf([-0.1], "fraction"), endsOf(values, "px")], [{}, {}, {}]);
  const share = fc.double({ noNaN: true, min: 0, max: 1 });
  fc.assert(fc.property(fc.array(share, { maxLength: 6 }), (shares) => {
    const axis = chooseAxis(shares, endsOf(shares, "fraction"));
    assert.ok(axis.min >= 0 && axis.max <= 1 && axis.max > axis.min, `${axis.min} to ${axis.max}`);
    assert.ok(shares.every((value) => value >= axis.min - 1e-9 && value <= axis.max + 1e-9));
  }));
});

Deno.test("endOfShares() ends at 1 what ECharts would end beyond it", () => {
  const end = (values: readonly number[], unit = "fraction") => endOfShares(values, { unit, from: 0, splits: 4 }).max;
  // Steps of 0.3, of 0.2, and of 0.1; equal values; what is no share.
  assert.deepEqual([end([0, 1]), end([0, 0.9]), end([0.5]), end([0])], [1, undefined, undefined, 1]);
  assert.deepEqual([end([0, 1.2]), end([0, 1], "px"), end([])], [undefined, undefined, undefined]);
});
