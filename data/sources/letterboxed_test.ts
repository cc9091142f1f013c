import assert from "node:assert/strict";
import sharp from "sharp";
import { BORDER } from "../letterbox.ts";
import { decodeLetterboxed } from "./_letterboxed.ts";
import { withFiles } from "./_test_pictures.ts";
import { fitPictures } from "./picture_files.ts";

/** A picture whose left half is black and whose right half is white. */
function halves(width: number, height: number): Promise<Uint8Array> {
  const bytes = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => Math.floor(i / 3) % width < width / 2 ? 0 : 255,
  );
  return sharp(bytes, { raw: { width, height, channels: 3 } }).png().toBuffer();
}

Deno.test("decodeLetterboxed() leaves things where they are, however much a picture is enlarged or shrunk", async () => {
  for (const [width, height] of [[4, 2], [10, 30], [64, 64], [300, 200]]) {
    await withFiles({ "a.png": halves(width, height) }, async (dir) => {
      const shape = { height: 64, width: 64, channels: 3 };
      const [decoded] = await decodeLetterboxed([{ file: `${dir}/a.png` }], { shape, name: "a", cache: undefined });
      assert.ok("placement" in decoded);
      const { picture: pixels, placement } = decoded;
      assert.ok(pixels instanceof Uint8Array);
      const row = Array.from({ length: 64 }, (_, x) => pixels[(32 * 64 + x) * 3]);
      const own = row.slice(placement.left, placement.left + placement.width);
      assert.ok(
        row.every((value, x) => value === BORDER || (x >= placement.left && x < placement.left + placement.width)),
      );
      // As much black as white, and the same read backwards: the border between them is in the middle.
      own.forEach((value, x) => assert.ok(Math.abs(value + own[own.length - 1 - x] - 255) <= 2, `${own}`));
    });
  }
});

Deno.test("fitPictures() gives the letterboxes that models are trained on", async () => {
  for (const size of [20, 200]) {
    await withFiles({ "a.png": halves(size, size / 2) }, async (dir) => {
      const shape = { height: 64, width: 48, channels: 3 };
      const [trained] = await decodeLetterboxed([{ file: `${dir}/a.png` }], { shape, name: "a", cache: undefined });
      const [shown] = await fitPictures([`${dir}/a.png`], { ...shape, fit: "letterbox" });
      assert.ok("placement" in trained && "placement" in shown);
      assert.deepEqual([shown.bytes, shown.placement], [trained.picture, trained.placement]);
    });
  }
});
