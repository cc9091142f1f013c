import assert from "node:assert/strict";
import { messageOf } from "./_run.ts";
import { isAscii, isDumb } from "./_terminal.ts";

Deno.test("isAscii() believes the first variable of the locale that is set", () => {
  const of = (env: Readonly<Record<string, string>>) => isAscii((name) => env[name]);
  assert.ok(of({ LANG: "C" }));
  assert.ok(of({ LC_ALL: "POSIX", LANG: "en_US.UTF-8" }));
  assert.ok(of({ LC_ALL: "", LC_CTYPE: "C", LANG: "en_US.UTF-8" }));
  assert.ok(!of({ LC_ALL: "C.UTF-8", LANG: "C" }));
  assert.ok(!of({}));
});

Deno.test("isDumb() believes TERM", () => {
  assert.deepEqual(["dumb", "xterm-256color", undefined].map((term) => isDumb(() => term)), [true, false, false]);
});

Deno.test("messageOf() writes any error as one line of bounded length", () => {
  assert.equal(messageOf(new TypeError("Cannot\n  do \x1b[31m it")), "Cannot do ?[31m it");
  assert.equal(messageOf("no Error"), "no Error");
  assert.equal(messageOf(new Error("")), "unknown, and without a message");
  const long = messageOf(new Error(`Cannot ${"x".repeat(400_000)}, a name is needed`));
  assert.equal(long.length, 1000);
  assert.match(long, /^Cannot x+ … \(400025 characters\) … x+, a name is needed$/);
});
