import assert from "node:assert/strict";
import { addCounts, closingLine, countTests } from "./_count_tests.ts";

Deno.test("countTests() reads the summary of a run that went well", () => {
  const output = "a ... ok (1ms)\n\n\x1b[32mok\x1b[0m | 12 passed (3 steps) | 0 failed (2s)\n\n";
  assert.deepEqual(countTests({ code: 0, output }), { passed: 12, failed: 0, skipped: 0 });
});

Deno.test("countTests() reads failures and skipped tests", () => {
  const output = "FAILED | 2 passed (1 step) | 4 failed (1 step) | 1 ignored | 3 filtered out (329ms)\n";
  assert.deepEqual(countTests({ code: 1, output }), { passed: 2, failed: 4, skipped: 1 });
});

Deno.test("countTests() takes the last summary when a test printed one of its own", () => {
  const output = "ok | 9 passed | 0 failed (1ms)\nFAILED | 1 passed | 1 failed (1ms)\n";
  assert.deepEqual(countTests({ code: 1, output }), { passed: 1, failed: 1, skipped: 0 });
});

Deno.test("countTests() counts a failure when the run broke off", () => {
  assert.deepEqual(countTests({ code: 1, output: "error: Type checking failed.\n" }), {
    passed: 0,
    failed: 1,
    skipped: 0,
  });
  assert.equal(countTests({ code: 137, output: "ok | 3 passed | 0 failed (1s)" }).failed, 1);
});

Deno.test("closingLine() names skipped tests only where there are some", () => {
  assert.equal(closingLine({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assert.equal(closingLine({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
});

Deno.test("addCounts() adds up runs, each count by itself", () => {
  const runs = [{ passed: 5, failed: 0, skipped: 1 }, { passed: 20, failed: 3, skipped: 0 }];
  assert.deepEqual(addCounts(runs), { passed: 25, failed: 3, skipped: 1 });
  assert.deepEqual(addCounts([]), { passed: 0, failed: 0, skipped: 0 });
});
