/** PNG files of one value a pixel, written plainly, so that palettes and few bits are what a test says. */
import { joinBytes } from "../../src/numbers/bytes.ts";
import { crc32, deflateSync } from "node:zlib";

/** What a file holds. */
export interface PlainPng {
  readonly width: number;
  /** Row by row. */
  readonly values: readonly number[];
  /** Bits of a value: 1, 2, 4, 8 or 16. Default 8. */
  readonly depth?: number;
  /** "palette" gives every index a colour of its own; "grey" (default) none. */
  readonly kind?: "grey" | "palette";
}

/** Writes a file. */
export function plainPng({ width, values, depth = 8, kind = "grey" }: PlainPng): Uint8Array<ArrayBuffer> {
  const height = values.length / width;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([depth, kind === "palette" ? 3 : 0], 8);
  const rows = Array.from({ length: height }, (_, y) => [0, ...pack(values.slice(y * width, (y + 1) * width), depth)]);
  const palette = Uint8Array.from({ length: 3 * 2 ** Math.min(8, depth) }, (_, i) => (i * 67 + 40) % 256);
  return joinBytes([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    // What would change colours must not change classes.
    kind === "palette" ? chunk("tRNS", Uint8Array.of(0, 128)) : chunk("gAMA", Uint8Array.of(0, 0, 0x10, 0)),
    ...(kind === "palette" ? [chunk("PLTE", palette)] : []),
    chunk("IDAT", deflateSync(Uint8Array.from(rows.flat()))),
    chunk("IEND", new Uint8Array()),
  ]);
}

function pack(row: readonly number[], depth: number): readonly number[] {
  if (depth === 16) return row.flatMap((value) => [value >> 8, value & 255]);
  const bytes = new Uint8Array(Math.ceil(row.length * depth / 8));
  row.forEach((value, x) => {
    const bit = x * depth;
    bytes[bit >> 3] |= value << (8 - depth - (bit & 7));
  });
  return [...bytes];
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(name), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}
