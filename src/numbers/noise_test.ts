import assert from "node:assert/strict";
import { noiseOf, sqnrDb } from "./noise.ts";

Deno.test("noiseOf() adds up squares, of further values to those before", () => {
  const first = noiseOf([3, -4], [3, -2]);
  assert.deepEqual(first, { signal: 25, noise: 4 });
  assert.deepEqual(noiseOf([1], [0.5], first), { signal: 26, noise: 4.25 });
});

Deno.test("sqnrDb() is ten times the logarithm of signal over noise, and null without either", () => {
  assert.equal(sqnrDb({ signal: 1000, noise: 1 }), 30);
  assert.equal(sqnrDb({ signal: 1, noise: 10 }), -10);
  assert.deepEqual([sqnrDb({ signal: 0, noise: 1 }), sqnrDb({ signal: 1, noise: 0 })], [null, null]);
});
