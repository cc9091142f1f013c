import assert from "node:assert/strict";
import { inPlainWords, inPlainWordsSync, reasonOf } from "./plain_errors.ts";

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

Deno.test("inPlainWordsSync() lets pass whatever is thrown that is no error", () => {
  const thrown = { message: "a\nb" };
  try {
    inPlainWordsSync(() => {
      throw thrown;
    });
    assert.fail("nothing was thrown");
  } catch (error) {
    assert.equal(error, thrown);
    assert.equal(thrown.message, "a\nb");
  }
});

Deno.test("reasonOf() says what a library says on purpose, and otherwise what it is told", () => {
  const reason = (cause: unknown) => reasonOf(cause, "it is damaged");
  assert.equal(reason(new Error("Error in conv2d: depth\nmust be 3")), "depth must be 3");
  assert.equal(reason(new Error("Error in two words: x")), "Error in two words: x");
  for (const kind of [TypeError, RangeError, ReferenceError, SyntaxError]) {
    assert.equal(reason(new kind("x")), "it is damaged");
  }
  for (const cause of ["text", undefined, { message: "x" }, new Error(""), new Error("got [object Object]")]) {
    assert.equal(reason(cause), "it is damaged");
  }
  const long = reason(new Error("x".repeat(1000)));
  assert.ok(long.length <= 300 && long.startsWith("xx"), long);
});
