import assert from "node:assert/strict";
import { weightError } from "./_layers_report.ts";

Deno.test("weightError() gives signal to noise in dB, null where there is no noise", () => {
  // Signal 5, noise 0.05: a factor of 100.
  assert.ok(Math.abs(weightError([1, 2], [1, 2 + Math.sqrt(0.05)]).sqnrDb! - 20) < 1e-9);
  assert.equal(weightError([1, 2], [1, 2]).sqnrDb, null);
  assert.equal(weightError([0, 0], [0, 0]).sqnrDb, null);
});
