/** Markers of JPEG files that ordinary encoders leave out. Source: ITU-T T.81, table B.1. */
import assert from "node:assert/strict";
import { readPictureHeader } from "./_picture_header.ts";

/** Start of frame 0xc0 + coding: 8 bits, 5 rows of 7 pixels, 3 components. */
const frame = (coding = 0, precision = 8) => [0xff, 0xc0 + coding, 0, 17, precision, 0, 5, 0, 7, 3];
const read = (...bytes: number[]) => readPictureHeader(Uint8Array.from([0xff, 0xd8, ...bytes]));
const SIZE = { width: 7, height: 5, pixelBytes: 3 };

Deno.test("readPictureHeader() passes over markers that stand alone, and over fill bytes before others", () => {
  for (const alone of [0x01, 0xd0, 0xd3, 0xd7, 0xd8]) assert.deepEqual(read(0xff, alone, ...frame()), SIZE);
  assert.deepEqual(read(0xff, 0xff, 0xff, ...frame()), SIZE);
});

Deno.test("readPictureHeader() passes over segments by their lengths, tables among the frames' numbers too", () => {
  for (const marker of [0xe0, 0xfe, 0xdb, 0xc4, 0xc8, 0xcc, 0x02, 0xcf - 0x60]) {
    assert.deepEqual(read(0xff, marker, 0, 5, 1, 2, 3, ...frame()), SIZE, marker.toString(16));
  }
  // A length counts its own two bytes: less is none.
  assert.deepEqual(read(0xff, 0xe0, 0, 0, ...frame()), SIZE);
});

Deno.test("readPictureHeader() takes a frame of every coding, with 8 bits or more", () => {
  for (const coding of [0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15]) assert.deepEqual(read(...frame(coding)), SIZE);
  assert.deepEqual(read(...frame(1, 12)), { ...SIZE, pixelBytes: 6 });
});

Deno.test("readPictureHeader() finds no frame behind the picture's data or its end", () => {
  for (const marker of [0xda, 0xd9]) {
    assert.equal(read(0xff, marker, 0, 2, ...frame()), "it is a JPEG without a frame");
  }
  assert.equal(read(0xfe, 0xe0, 0, 2, ...frame()), "it is a JPEG whose segments are damaged");
  assert.equal(read(...frame().slice(0, -1)), "it is a JPEG that is cut off");
});
