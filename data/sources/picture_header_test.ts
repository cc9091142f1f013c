import assert from "node:assert/strict";
import sharp from "sharp";
import { readPictureHeader } from "./_picture_header.ts";
import { decodeAll, isBad } from "./stored.ts";

const PIXELS = { create: { width: 7, height: 5, channels: 3, background: "red" } } as const;
const SHAPE = { height: 2, width: 2, channels: 3 };

Deno.test("readPictureHeader() reads the size of JPEG and PNG, in each of their codings", async () => {
  const cases = {
    baseline: [sharp(PIXELS).jpeg(), 3],
    progressive: [sharp(PIXELS).jpeg({ progressive: true }), 3],
    grey: [sharp(PIXELS).toColourspace("b-w").jpeg(), 1],
    "with metadata": [sharp(PIXELS).withMetadata({ orientation: 6 }).jpeg(), 3],
    png: [sharp(PIXELS).png(), 3],
    interlaced: [sharp(PIXELS).png({ progressive: true }), 3],
    palette: [sharp(PIXELS).png({ palette: true }), 4],
    "16 bits": [sharp(PIXELS).toColourspace("rgb16").png(), 6],
  } as const;
  for (const [what, [picture, pixelBytes]] of Object.entries(cases)) {
    assert.deepEqual(readPictureHeader(await picture.toBuffer()), { width: 7, height: 5, pixelBytes }, what);
  }
});

Deno.test("readPictureHeader() names what is neither", async () => {
  const text = (text: string) => new TextEncoder().encode(text);
  const cases: [Uint8Array, string][] = [
    [await sharp(PIXELS).webp().toBuffer(), "it is a WebP"],
    [await sharp(PIXELS).gif().toBuffer(), "it is a GIF"],
    [await sharp(PIXELS).tiff().toBuffer(), "it is a TIFF"],
    [await sharp(PIXELS).avif().toBuffer(), "it is an AVIF"],
    [text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), "it is an SVG"],
    [text("  \n<svg></svg>"), "it is an SVG"],
    [text("BM      "), "it is a BMP"],
    [Uint8Array.of(0xff, 0x0a, 0, 0), "it is a JPEG XL"],
    [text("\0\0\0\fJXL \r\n"), "it is a JPEG XL"],
    [Uint8Array.of(0xff, 0x4f, 0xff, 0x51), "it is a JPEG 2000"],
    [text("\0\0\0\fjP  \r\n"), "it is a JPEG 2000"],
    [text("II*\0"), "it is a TIFF"],
    [text("MM\0+"), "it is a TIFF"],
    [text("%PDF-1.7"), "it is a PDF"],
    [text("no picture"), "it is no picture"],
    [new Uint8Array(0), "it is empty"],
    [Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), "it is a JPEG that is cut off"],
    [Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 0), "it is a JPEG without a frame"],
  ];
  for (const [bytes, said] of cases) assert.equal(readPictureHeader(bytes), said);
});

Deno.test("readPictureHeader() answers of any beginning of a picture, and of any changed byte", async () => {
  for (const whole of [await sharp(PIXELS).jpeg().toBuffer(), await sharp(PIXELS).png().toBuffer()]) {
    for (let at = 0; at < Math.min(whole.length, 700); at++) {
      for (const bytes of [whole.subarray(0, at), whole.with(at, 0xff), whole.with(at, 0)]) {
        const header = readPictureHeader(bytes);
        assert.ok(typeof header === "string" ? header.startsWith("it is ") : header.width > 0 && header.height > 0);
      }
    }
  }
});

Deno.test("decodeAll() refuses what is too large, or of another format, before it is decoded, in the files' order", async () => {
  const dir = await Deno.makeTempDir();
  const png = await sharp(PIXELS).png({ progressive: true }).toBuffer();
  const huge = new Uint8Array(png);
  new DataView(huge.buffer).setUint32(16, 30_000);
  new DataView(huge.buffer).setUint32(20, 30_000);
  const files = {
    "a.png": png,
    "b.png": huge,
    "c.jpg": await sharp(PIXELS).webp().toBuffer(),
    "d.jpg": png.subarray(0, 40),
    "e.png": png,
  };
  for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(`${dir}/${name}`, bytes);
  const results = await decodeAll([...Object.keys(files), "f.png"].map((name) => `${dir}/${name}`), {
    shape: SHAPE,
    name: "pictures",
    cache: undefined,
  });
  const said = results.map((result) =>
    isBad(result) ? result.because : result instanceof Uint8Array ? [...result].join() : "a file's"
  );
  const red = Array(4).fill("255,0,0").join();
  assert.deepEqual([said[0], said[4]], [red, red]);
  assert.equal(said[1], "its 30000x30000 pixels take 2.51 GiB, at most 512 MiB can be decoded");
  assert.equal(said[2], "it is a WebP, needed is a JPEG or PNG");
  assert.match(said[3], /^it (is damaged|cannot be decoded: .+)$/);
  assert.equal(said[5], "it does not exist");
  assert.equal(results.length, 6);
  await Deno.remove(dir, { recursive: true });
});
