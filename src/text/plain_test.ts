import assert from "node:assert/strict";
import fc from "fast-check";
import { asciiText, countOf, oneLine, plainLine, plainText, showValue } from "./plain.ts";

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

Deno.test("plainLine() is one line of bounded length and whole characters, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 10, max: 250 }), (text, most) => {
      const line = plainLine(text, most);
      assert.ok(line.length <= most + 1);
      assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029\p{Bidi_Control}]/u);
    }),
  );
  assert.equal(plainLine(`${"a".repeat(300)}, b is needed`, 20), "aaaaaaaaaaaaa…needed");
  assert.ok(plainLine("😀".repeat(1000), 500).isWellFormed());
});

Deno.test("showValue() writes any value, shortened, and fails for none", () => {
  const self: unknown[] = [];
  self.push(self);
  assert.equal(showValue("a\nb"), '"a\\nb"');
  assert.equal(showValue(self), "a list");
  assert.equal(showValue({ big: 1n }), "an object");
  assert.equal(showValue(Symbol("x")), "Symbol(x)");
  assert.equal(showValue(1e999), "Infinity");
  assert.ok(showValue({ units: Array(1e5).fill(7) }).length <= 60);
  assert.equal(showValue(null), "null");
});

Deno.test("countOf() counts one thing as one, and takes what is irregular as it is given", () => {
  assert.deepEqual([0, 1, 2].map((count) => countOf(count, "image")), ["0 images", "1 image", "2 images"]);
  assert.deepEqual([1, 2].map((count) => countOf(count, "layer has", "layers have")), ["1 layer has", "2 layers have"]);
});
