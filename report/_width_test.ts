import assert from "node:assert/strict";
import fc from "fast-check";
import { cutColumns, shorten, widthOf } from "./_width.ts";

Deno.test("widthOf() counts two columns for wide characters, one for composed ones and none for marks", () => {
  assert.equal(widthOf("conv2d_1"), 8);
  assert.equal(widthOf("畳み込み"), 8);
  assert.equal(widthOf("e\u0301"), 1);
  assert.equal(widthOf("👩‍🔬"), 2);
});

Deno.test("shorten() keeps both ends and stays within the width", () => {
  assert.equal(shorten("block_16_depthwise_relu", { width: 11 }), "block…_relu");
  assert.equal(shorten("畳み込み層の出力", { width: 9 }), "畳み…出力");
  assert.equal(shorten("abcdef", { width: 2, ellipsis: "..." }), "..");
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 30 }), (text, width) => {
    const short = shorten(text, { width });
    assert.ok(widthOf(short) <= width);
    if (widthOf(text) <= width) assert.equal(short, text);
  }));
});

Deno.test("cutColumns() loses nothing, and no piece is too wide unless it is one character", () => {
  assert.deepEqual(cutColumns("畳み込み層", 5), ["畳み", "込み", "層"]);
  assert.deepEqual(cutColumns("層a", 1), ["層", "a"]);
  assert.deepEqual(cutColumns("", 4), [""]);
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 12 }), (text, width) => {
    const pieces = cutColumns(text, width);
    assert.equal(pieces.join(""), text);
    for (const piece of pieces) {
      assert.ok(widthOf(piece) <= width || [...new Intl.Segmenter().segment(piece)].length === 1);
    }
  }));
});
