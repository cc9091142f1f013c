import assert from "node:assert/strict";
import fc from "fast-check";
import { normalizeTable, parseNormalize } from "./normalize.ts";

/** The value of `byte` in channel `ch` after the normalization `text`. */
function value(text: string, byte: number, { channels = 1, ch = 0 } = {}): number {
  return normalizeTable(parseNormalize(text), channels)[256 * ch + byte];
}

Deno.test("normalizeTable() maps the ends of the ranges exactly and the middle by proportion", () => {
  assert.deepEqual([value("0..1", 0), value("0..1", 255), value("0..1", 51)], [0, 1, Math.fround(0.2)]);
  assert.deepEqual([value("-1..1", 0), value("-1..1", 255), value("-1..1", 51)], [-1, 1, Math.fround(-0.6)]);
  for (let byte = 0; byte < 256; byte++) assert.equal(value("0..255", byte), byte);
});

Deno.test("normalizeTable() subtracts means and divides by deviations, by channel", () => {
  // (0.5 - 0.1307) / 0.3081 at p = 127.5; bytes 0 and 255 by hand: -0.42421 and 2.82149 (PyTorch's MNIST constants).
  assert.ok(Math.abs(value(".1307:.3081", 0) + 0.4242129) < 1e-6);
  assert.ok(Math.abs(value(".1307:.3081", 255) - 2.8214867) < 1e-6);
  const blue = value("0.49,0.48,0.44:0.2,0.2,0.25", 255, { channels: 3, ch: 2 });
  assert.ok(Math.abs(blue - 2.24) < 1e-6);
  // ImageNet's green, byte 0: -0.456 / 0.224.
  assert.ok(Math.abs(value("imagenet", 0, { channels: 3, ch: 1 }) + 2.0357142) < 1e-6);
});

Deno.test("normalizeTable() broadcasts one mean or one deviation over the channels", () => {
  assert.equal(value("0.5:0.5", 255, { channels: 3, ch: 2 }), 1);
  assert.equal(value("0.5,0.25,0:0.5", 255, { channels: 3, ch: 2 }), 2);
});

Deno.test("parseNormalize() takes any low..high, and zero stays zero", () => {
  fc.assert(fc.property(fc.integer({ min: -300, max: 300 }), fc.integer({ min: 1, max: 300 }), (low, width) => {
    const text = `${low}..${low + width}`;
    assert.ok(Math.abs(value(text, 0) - low) <= 1e-5 * Math.abs(low));
    assert.ok(Math.abs(value(text, 255) - low - width) <= 1e-4);
  }));
  assert.ok(Object.is(value("0..1", 0), 0), "not -0");
});

Deno.test("parseNormalize() refuses what is no normalization and says which forms there are", () => {
  const bad = [
    "",
    "0..",
    "..1",
    "1..0",
    "1..1",
    "a..b",
    "0..1..2",
    "imagnet",
    "0.5",
    ":",
    "0.5:",
    "x:1",
    "0.5:0",
    "0.5:-1",
  ];
  for (const text of [...bad, "1,2:1,2,3", "0.1,0.2:1,1,1", "0.5:inf", "123:58", "0.5:1:2", "-.1:1"]) {
    assert.throws(() => parseNormalize(text), (error: Error) => {
      return error instanceof RangeError && error.message.includes(`"${text}"`) && error.message.includes("needed is");
    }, text);
  }
});

Deno.test("normalizeTable() refuses a list for another number of channels", () => {
  assert.throws(() => normalizeTable(parseNormalize("imagenet"), 1), /is for 3 channels, the images have 1/);
});

Deno.test("parseNormalize() refuses what float32 cannot hold, and numbers that are not decimal", () => {
  const refused = ["-1e308..1e308", "0..1e39", "0..1e-60", "0.5:1e-300", "0.5:1e300", "0x0..0x1", "0..0b1", "0..1_0"];
  for (const text of refused) assert.throws(() => parseNormalize(text), RangeError, text);
  for (const text of ["0..1e30", "-1e-30..1e-30", "0.5,0.4,0.3:1e-20", "+0..+.5"]) parseNormalize(text);
});
