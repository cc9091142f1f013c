import assert from "node:assert/strict";
import { inPlainWords, inPlainWordsSync } from "./plain_errors.ts";

Deno.test("inPlainWords() keeps an error and its class, and puts its message on one bounded line", async () => {
  const cause = new Error("below");
  const thrown = new TypeError(`Cannot\nread\x1b[2J ${"x".repeat(5000)} is needed`, { cause });
  await assert.rejects(inPlainWords(() => Promise.reject(thrown)), (error) => {
    assert.equal(error, thrown);
    assert.match(thrown.message, /^Cannot read\?\[2J x+ … \(\d+ characters\) … x+ is needed$/);
    assert.equal(thrown.cause, cause);
    return true;
  });
  assert.equal(await inPlainWords(() => Promise.resolve(3)), 3);
  assert.throws(() =>
    inPlainWordsSync(() => {
      throw new RangeError("a\r\nb");
    }), { name: "RangeError", message: "a b" });
});
