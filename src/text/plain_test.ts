import assert from "node:assert/strict";
import fc from "fast-check";
import { asciiText, oneLine, plainText } from "./plain.ts";

Deno.test("plainText() removes what could steer a terminal or turn the direction of writing", () => {
  assert.equal(plainText("a\x1b[31mb\r\nc\u009bd"), "a?[31mb?c?d");
  assert.equal(plainText("exe\u202egpj.\u2066x\u2069\u200f"), "exe?gpj.?x?");
});

Deno.test("plainText() leaves no control character, and everything else as it is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const plain = plainText(text);
    assert.doesNotMatch(plain, /[\p{Cc}\u2028\u2029\p{Bidi_Control}]/u);
    if (!/[\p{Cc}\u2028\u2029\p{Bidi_Control}]/u.test(text)) assert.equal(plain, text);
  }));
});

Deno.test("oneLine() joins lines with single spaces", () => {
  assert.equal(oneLine("  a\n\tb  c\r\n"), "a b c");
});

Deno.test("asciiText() writes what ASCII has no letter for as what comes nearest", () => {
  assert.equal(asciiText("3.2× …\n10 → 9, −1\u00a0é😀"), "3.2x ...\n10 -> 9, -1\u00a0??");
});
