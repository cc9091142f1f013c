/** What this room's tests share. */
import assert from "node:assert/strict";

/** Asserts that two lists are as long and nowhere differ by more than `tolerance` of their largest magnitude. */
export function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const magnitude = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]) / magnitude;
    assert.ok(difference <= tolerance, `at ${i}: ${actual[i]}, expected ${expected[i]}, off by ${difference}`);
  }
}
