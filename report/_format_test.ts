import assert from "node:assert/strict";
import fc from "fast-check";
import { agreementPercent, byteSize, count, escapeHtml, milliseconds, percent, ratio, significant } from "./_format.ts";

Deno.test("percent(), count() and milliseconds() format what a reader expects", () => {
  assert.equal(percent(0.97612), "97.61%");
  assert.equal(count(1234567), "1,234,567");
  assert.equal(count(-1000), "-1,000");
  assert.equal(milliseconds(0.4461), "0.446 ms");
  assert.equal(milliseconds(171.6), "172 ms");
  assert.equal(milliseconds(2900), "2.90 s");
  assert.equal(byteSize(312_480), "312 kB");
  assert.equal(byteSize(1_162_304), "1.16 MB");
  assert.equal(significant(0.000012), "1.20e-5");
});

Deno.test("significant() keeps three digits, and no exponent between a ten-thousandth and a million", () => {
  const numbers = [0, 1, -1, 99.94, 100, 123_456, 999_999, 1e6, -2.5e6, 0.001234, 0.0001, 0.00009999];
  const texts = [
    "0",
    "1.00",
    "-1.00",
    "99.9",
    "100",
    "123456",
    "999999",
    "1.00e+6",
    "-2.50e+6",
    "0.00123",
    "0.000100",
    "1.00e-4",
  ];
  assert.deepEqual(numbers.map(significant), texts);
});

Deno.test("ratio() keeps a digit behind the point below a hundred", () => {
  assert.deepEqual([3.24, 0.95, 99.4, 99.5, 1234].map(ratio), ["3.2×", "0.9×", "99.4×", "100×", "1234×"]);
});

Deno.test("formatters say n/a for what was not measured", () => {
  for (const value of [null, undefined, NaN, Infinity]) {
    for (const format of [percent, agreementPercent, count, milliseconds, byteSize, significant]) {
      assert.equal(format(value), "n/a");
    }
  }
});

Deno.test("agreementPercent() never rounds up to 100%", () => {
  assert.equal(agreementPercent(0.99999), "99.99%");
  assert.equal(agreementPercent(0.9994), "99.94%");
  assert.equal(agreementPercent(1), "100%");
});

Deno.test("escapeHtml() leaves nothing that can open a tag, end an attribute or begin an entity", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const escaped = escapeHtml(text);
    assert.doesNotMatch(escaped, /[<>"']/);
    const entities = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
    const back = escaped.replace(/&(lt|gt|quot|#39|amp);/g, (entity) => entities[entity as keyof typeof entities]);
    assert.equal(back, text);
  }));
});
