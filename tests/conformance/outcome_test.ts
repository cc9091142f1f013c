import assert from "node:assert/strict";
import { judge, type SpecResult } from "./_outcome.ts";

const passed: SpecResult = { name: "abs basic", status: "passed", messages: [] };
const failed: SpecResult = { name: "tan basic", status: "failed", messages: ["1 is not 2", "3 is not 4"] };
const skipped: SpecResult = { name: "debug", status: "skipped", messages: [] };

Deno.test("judge() counts what passed, failed and was skipped", () => {
  const { complaints, ...counts } = judge([passed, failed, skipped, passed], []);
  assert.deepEqual(counts, { passed: 2, failed: 1, skipped: 1 });
  assert.deepEqual(complaints, ["tan basic\n  1 is not 2\n  3 is not 4"]);
});

Deno.test("judge() counts an expected failure as skipped", () => {
  const { complaints, ...counts } = judge([passed, failed], [{ spec: "tan basic", because: "float32" }]);
  assert.deepEqual(counts, { passed: 1, failed: 0, skipped: 1 });
  assert.deepEqual(complaints, []);
});

for (const result of [passed, { ...skipped, name: passed.name }]) {
  Deno.test(`judge() fails an expected failure that is ${result.status}`, () => {
    const outcome = judge([result], [{ spec: "abs basic", because: "float32" }]);
    assert.equal(outcome.failed, 1);
    assert.match(outcome.complaints[0], /^abs basic\n.*expected to fail \(float32\): drop the entry$/);
  });
}

Deno.test("judge() fails an expected failure that names no spec", () => {
  const outcome = judge([passed], [{ spec: "abs basci", because: "float32" }]);
  assert.equal(outcome.passed, 1);
  assert.deepEqual(outcome.complaints, ["abs basci\n  is expected to fail, but is no spec"]);
});
