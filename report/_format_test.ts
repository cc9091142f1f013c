import assert from "node:assert/strict";
import fc from "fast-check";
import { agreementPercent, byteSize, count, escapeHtml, milliseconds, percent, significant } from "./_format.ts";

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
