import assert from "node:assert/strict";
import { describeFailure, OutputError } from "./errors.ts";

const WORDS: readonly (readonly [cause: unknown, words: string])[] = [
  [new Deno.errors.NotFound("x"), "there is no such file or folder"],
  [new Deno.errors.PermissionDenied("x"), "the operating system denies access"],
  [new Deno.errors.NotCapable("x"), "Deno runs without the permission for it"],
  [new Deno.errors.NotADirectory("x"), "a part of the path is a file, a folder is needed"],
  [new Deno.errors.AlreadyExists("x"), "a file of that name exists, a folder is needed"],
  [new Deno.errors.IsADirectory("x"), "it is a folder, a file is needed"],
  [Object.assign(new Error("x"), { code: "ENOSPC" }), "the disk is full"],
  [Object.assign(new Error("x"), { code: "EDQUOT" }), "the disk quota is used up"],
  [new Error("Quota exceeded (os error 122)"), "the disk quota is used up"],
  [Object.assign(new Error("x"), { code: "EFBIG" }), "files may not become so large there"],
  [new Error("File too large (os error 27)"), "files may not become so large there"],
  // What only looks like one of these: another number, a code that has one in it, a word in a text.
  [new Error("odd (os error 271)"), "odd"],
  [new Error("File name too long (os error 36): stat 'a\nb (os error 2)'"), "File name too long"],
  [Object.assign(new Error("odd"), { code: "XENOSPC" }), "odd"],
  [Object.assign(new Error("odd"), { code: "EFBIGGER" }), "odd"],
  [new Error("two\n  lines"), "two lines"],
  ["just\na text", "just a text"],
  [undefined, "undefined"],
];

for (const [cause, words] of WORDS) {
  Deno.test(`describeFailure() words ${String(cause).replace(/\s+/g, " ")} as "${words}"`, () => {
    assert.equal(describeFailure(cause), words);
    assert.equal(OutputError.at("out/a", cause).message, `Cannot write to "out/a": ${words}`);
    assert.equal(OutputError.at("out/a", cause).cause, cause);
  });
}

Deno.test("OutputError.in() says how much a full disk lacked, whoever noticed first", () => {
  const cause = Object.assign(new Error("x"), { code: "ENOSPC" });
  const words = 'Cannot write to "out": the disk is full, 1,234,567 bytes are needed there';
  assert.equal(OutputError.in("out", { bytes: 1234567, cause }).message, words);
  const noticed = OutputError.at("out/a", cause);
  assert.equal(OutputError.in("out", { bytes: 1234567, cause: noticed }).message, words);
});

Deno.test("OutputError.in() keeps what an inner error said, and words what has not been worded", () => {
  const inner = OutputError.at("out/a", new Deno.errors.NotFound("x"));
  assert.equal(OutputError.in("out", { bytes: 1, cause: inner }), inner);
  const message = 'Cannot write to "out": there is no such file or folder';
  assert.equal(OutputError.in("out", { bytes: 1, cause: new Deno.errors.NotFound("x") }).message, message);
});
