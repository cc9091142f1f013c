import assert from "node:assert/strict";
import { Random } from "../../src/numbers/random.ts";
import { colourMap, drawColourMap, writeColours, writePlain } from "./colour.ts";

const SAME = { hue: 0, saturation: 1, brightness: 1, contrast: 1 };

/** Values of bytes that tell the channel too. */
const TABLE = Float32Array.from({ length: 768 }, (_, i) => i % 256 + 1000 * Math.floor(i / 256));

function changed(pixel: readonly number[], change: Partial<typeof SAME>): readonly number[] {
  const out = new Float32Array(pixel.length + 1);
  const table = TABLE.subarray(0, 256 * pixel.length);
  writeColours({ bytes: Uint8Array.from(pixel), table, out, to: 1 }, colourMap({ ...SAME, ...change }));
  return [...out.subarray(1)].map((value, channel) => value - 1000 * channel);
}

Deno.test("writeColours() changes brightness, contrast, saturation and hue, by hand", () => {
  assert.deepEqual(changed([10, 100, 200], {}), [10, 100, 200]);
  assert.deepEqual(changed([10, 100, 200], { brightness: 1.5 }), [15, 150, 255]);
  // 127.5 + 0.5 (v - 127.5)
  assert.deepEqual(changed([27, 127, 255], { contrast: 0.5 }), [77, 127, 191]);
  // Luma of (10, 100, 200) is 2.99 + 58.7 + 22.8 = 84.49.
  assert.deepEqual(changed([10, 100, 200], { saturation: 0 }), [84, 84, 84]);
  assert.deepEqual(changed([10, 100, 200], { saturation: 2 }), [0, 116, 255]);
  // A third of a turn makes red green, green blue, blue red.
  assert.deepEqual(changed([10, 100, 200], { hue: 2 * Math.PI / 3 }), [200, 10, 100]);
  assert.deepEqual(changed([80, 80, 80], { hue: 1, saturation: 0.3 }), [80, 80, 80], "grey has no hue");
  assert.deepEqual(changed([100], { brightness: 0.5, contrast: 2, hue: 1, saturation: 0 }), [0], "100 - 127.5 of grey");
  assert.deepEqual(changed([200], { brightness: 0.5 }), [100]);
});

Deno.test("writeColours() writes all pixels of a picture, from its place on", () => {
  const out = new Float32Array(8);
  const halved = colourMap({ ...SAME, brightness: 0.5 });
  writeColours({ bytes: Uint8Array.of(2, 4, 6, 20, 40, 60), table: TABLE, out, to: 2 }, halved);
  assert.deepEqual([...out], [0, 0, 1, 1002, 2003, 10, 1020, 2030]);
  const grey = new Float32Array(4);
  writeColours({ bytes: Uint8Array.of(2, 4), table: TABLE.subarray(0, 256), out: grey, to: 1 }, halved);
  assert.deepEqual([...grey], [0, 1, 2, 0]);
});

Deno.test("writePlain() writes the values that the table has", () => {
  const out = new Float32Array(7);
  writePlain({ bytes: Uint8Array.of(1, 2, 3, 4, 5, 6), table: TABLE, out, to: 1 });
  assert.deepEqual([...out], [0, 1, 1002, 2003, 4, 1005, 2006]);
});

Deno.test("drawColourMap() draws factors around 1, and nothing that is not asked for", () => {
  const random = new Random(3);
  const gains = Array.from({ length: 500 }, () => drawColourMap(random, { brightness: 0.2 }).gain);
  assert.ok(
    Math.min(...gains) > 0.8 && Math.min(...gains) < 0.81 && Math.max(...gains) < 1.2 && Math.max(...gains) > 1.19,
  );
  // A turn moves blue into red, and one the other way green.
  const turns = Array.from({ length: 200 }, () => drawColourMap(random, { hue: 30 }).matrix);
  const degrees = turns.map(([, green, blue]) => Math.asin((blue - green) * Math.sqrt(3) / 2) * 180 / Math.PI);
  assert.ok(Math.min(...degrees) < -25 && Math.max(...degrees) > 25 && Math.max(...degrees.map(Math.abs)) <= 30.001);
  const { matrix, offset } = drawColourMap(random, {});
  assert.ok(matrix.every((value, k) => Math.abs(value - (k % 4 === 0 ? 1 : 0)) < 1e-12));
  assert.equal(offset, 0);
});
