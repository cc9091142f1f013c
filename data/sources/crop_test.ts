import assert from "node:assert/strict";
import sharp from "sharp";
import { type Crop, decodeCrops } from "./_crop.ts";

/** Cuts a part out of a grey picture whose pixel (x, y) is `pixel(x, y)`. */
async function cut(
  { width, height, pixel }: { width: number; height: number; pixel: (x: number, y: number) => number },
  crop: Crop,
  [wide, high]: readonly [number, number],
): Promise<number[][]> {
  const bytes = Uint8Array.from({ length: width * height }, (_, i) => pixel(i % width, Math.floor(i / width)));
  const file = await Deno.makeTempFile({ suffix: ".png" });
  try {
    await sharp(bytes, { raw: { width, height, channels: 1 } }).png().toFile(file);
    const [pixels] = await decodeCrops([{ file, crop }], {
      ...WHERE,
      shape: { width: wide, height: high, channels: 1 },
    });
    assert.ok(pixels instanceof Uint8Array);
    return Array.from({ length: high }, (_, y) => [...pixels.subarray(y * wide, (y + 1) * wide)]);
  } finally {
    await Deno.remove(file);
  }
}

const WHERE = { name: "crops", cache: undefined, detail: "" };

const RAMP = { width: 8, height: 6, pixel: (x: number, y: number) => 20 * x + 10 * y };

Deno.test("decodeCrops() copies pixels where nothing is scaled", async () => {
  assert.deepEqual(await cut(RAMP, { left: 2, top: 1, width: 3, height: 2 }, [3, 2]), [[50, 70, 90], [60, 80, 100]]);
});

Deno.test("decodeCrops() begins within a pixel, and what it enlarges or shrinks stays a ramp", async () => {
  // Half a pixel to the right is half a step of 20; a quarter of one down a quarter of 10, rounded from 2.5 to 3.
  assert.deepEqual(await cut(RAMP, { left: 2.5, top: 1.25, width: 2, height: 1 }, [2, 1]), [[63, 83]]);
  assert.deepEqual(await cut(RAMP, { left: 2, top: 2, width: 2, height: 2 }, [4, 4]), [
    [53, 63, 73, 83],
    [58, 68, 78, 88],
    [63, 73, 83, 93],
    [68, 78, 88, 98],
  ]);
  assert.deepEqual(await cut(RAMP, { left: 2, top: 2, width: 4, height: 2 }, [2, 1]), [[75, 115]]);
});

Deno.test("decodeCrops() repeats the edge outside of the picture, however far", async () => {
  assert.deepEqual(await cut(RAMP, { left: -2, top: -1, width: 4, height: 2 }, [4, 2]), [[0, 0, 0, 20], [0, 0, 0, 20]]);
  assert.deepEqual(await cut(RAMP, { left: 7, top: 5, width: 2, height: 2 }, [2, 2]), [[190, 190], [190, 190]]);
  assert.deepEqual(await cut(RAMP, { left: 100, top: 50, width: 2, height: 1 }, [2, 1]), [[190, 190]]);
});

Deno.test("decodeCrops() says why there is no picture", async () => {
  const [missing] = await decodeCrops(
    [{ file: "nowhere.png", crop: { left: 0, top: 0, width: 1, height: 1 } }],
    { ...WHERE, shape: { width: 1, height: 1, channels: 3 } },
  );
  assert.deepEqual(missing, { file: "nowhere.png", because: "it does not exist" });
});
