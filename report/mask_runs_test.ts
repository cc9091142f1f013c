import assert from "node:assert/strict";
import fc from "fast-check";
import { readRuns, writeRuns } from "./mask_runs.ts";

Deno.test("readRuns() reads what writeRuns() writes, of as many pixels and no others", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300, max: 3 }), (pixels) => {
      const runs = writeRuns(pixels);
      assert.deepEqual(readRuns(runs, pixels.length), pixels);
      for (const count of [pixels.length - 1, pixels.length + 1]) assert.equal(readRuns(runs, count), undefined);
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("readRuns() takes no memory for what a short text claims", () => {
  assert.equal(readRuns("7×1048576", 2 ** 20)?.length, 2 ** 20);
  for (const count of [2 ** 20 + 1, 1e15, Infinity, NaN]) assert.equal(readRuns("7×999999999", count), undefined);
});
