import assert from "node:assert/strict";
import sharp from "sharp";
import type { PictureAnswer } from "./answer.ts";
import { drawAnswers, drawMask } from "./draw.ts";

/** Runs `test` with a picture of 40 × 20, red on the left and transparent on the right. */
async function withPicture(test: (file: string) => Promise<void>): Promise<void> {
  const dir = Deno.makeTempDirSync();
  try {
    const pixels = Uint8Array.from(
      { length: 4 * 40 * 20 },
      (_, i) => Math.floor(i / 4) % 40 >= 20 ? 0 : [200, 0, 0, 255][i % 4],
    );
    await sharp(pixels, { raw: { width: 40, height: 20, channels: 4 } }).png().toFile(`${dir}/a.png`);
    await test(`${dir}/a.png`);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** What is drawn, and the pixel at a place. */
async function draw(file: string, answers: readonly PictureAnswer[]) {
  const drawn = await drawAnswers(file, answers);
  assert.ok("png" in drawn);
  const { data, info: { width, height, channels } } = await sharp(drawn.png).raw().toBuffer({
    resolveWithObject: true,
  });
  assert.equal(channels, 3);
  return {
    width,
    height,
    at: (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)],
  };
}

const [RED, WHITE, BAND] = [[200, 0, 0], [255, 255, 255], [0x1c, 0x1c, 0x1e]];

Deno.test("drawAnswers() draws small pictures large with their pixels as they are, on white", () =>
  withPicture(async (file) => {
    const { width, height, at } = await draw(file, []);
    assert.deepEqual([width, height], [320, 160]);
    assert.deepEqual([at(0, 0), at(159, 159), at(160, 0), at(319, 159)], [RED, RED, WHITE, WHITE]);
  }));

Deno.test("drawAnswers() makes room for words below the picture", () =>
  withPicture(async (file) => {
    const { height, at } = await draw(file, [{ kind: "class", output: "out", name: "cat", probability: 1, next: [] }]);
    assert.equal(height, 184);
    assert.deepEqual([at(0, 159), at(0, 160), at(319, 183)], [RED, BAND, BAND]);
  }));

Deno.test("drawAnswers() draws marks where things are", () =>
  withPicture(async (file) => {
    const box = { name: "cat", probability: 1, group: 0, x: 25, y: 10, width: 10, height: 5 };
    const { height, at } = await draw(file, [{ kind: "boxes", boxes: [box] }]);
    assert.equal(height, 160);
    const colour = [61, 184, 245];
    // Two pixels wide, on the edges of the box.
    assert.deepEqual([at(199, 100), at(200, 100), at(279, 100), at(240, 119)], [colour, colour, colour, colour]);
    assert.deepEqual([at(198, 100), at(201, 100), at(240, 100)], [WHITE, WHITE, WHITE]);
    const points = await draw(file, [{ kind: "points", output: "out", points: [{ name: "p", x: 30, y: 5 }] }]);
    assert.deepEqual(points.at(240, 40), [0x39, 0xff, 0x14]);
  }));

Deno.test("drawAnswers() lays classes of pixels over the picture, as coarse as they are", () =>
  withPicture(async (file) => {
    const mask = { width: 2, height: 1, classes: Uint8Array.of(1, 0) };
    const { at } = await draw(file, [{ kind: "mask", output: "out", classes: [], mask }]);
    // 120 of 255 parts of the class's colour, the rest of the picture's; parts are rounded twice.
    const mixed = (picture: readonly number[], colour: readonly number[]) =>
      picture.map((value, i) => (135 * value + 120 * colour[i]) / 255);
    const near = (actual: readonly number[], expected: readonly number[]) =>
      assert.ok(actual.every((value, i) => Math.abs(value - expected[i]) <= 2), `${actual}, expected ${expected}`);
    for (const x of [0, 159]) near(at(x, 80), mixed(RED, [245, 61, 130]));
    for (const x of [160, 319]) near(at(x, 80), mixed(WHITE, [61, 184, 245]));
  }));

Deno.test("drawAnswers() says why a picture cannot be read", () =>
  withPicture(async (file) => {
    await Deno.writeTextFile(file, "no picture");
    assert.ok("because" in await drawAnswers(file, []));
  }));

Deno.test("drawMask() writes a byte a pixel, the class itself, in the picture's size", async () => {
  const png = await drawMask({ width: 2, height: 2, classes: Uint8Array.of(0, 1, 2, 255) }, { width: 4, height: 2 });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const { channels } = await sharp(png).metadata();
  assert.deepEqual([info.width, info.height, channels], [4, 2, 1]);
  assert.deepEqual([...data].filter((_, i) => i % info.channels === 0), [0, 0, 1, 1, 2, 2, 255, 255]);
});
