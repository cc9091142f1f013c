/** Groups of pixels as text, for reports: "0×12 3×7 0×45", row by row. */
import type { MaskRuns } from "../tasks/section.ts";

/**
 * Writes the groups of pixels as runs of equal ones.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readRuns, writeRuns } from "./mask_runs.ts";
 *
 * const runs = writeRuns(Uint8Array.of(0, 0, 3, 3, 3, 0));
 * assert.equal(runs, "0×2 3×3 0×1");
 * assert.deepEqual(readRuns(runs, 6), Uint8Array.of(0, 0, 3, 3, 3, 0));
 * ```
 */
export function writeRuns(pixels: Uint8Array): MaskRuns {
  const runs: string[] = [];
  for (let start = 0, end = 1; start < pixels.length; end++) {
    if (end < pixels.length && pixels[end] === pixels[start]) continue;
    runs.push(`${pixels[start]}×${end - start}`);
    start = end;
  }
  return runs.join(" ");
}

/** Pixels of a mask at the most: a short text may claim any number. */
const MOST = 2 ** 20;

/** Reads the groups of `count` pixels; undefined if the text holds others, too many, or is something else. */
export function readRuns(runs: MaskRuns, count: number): Uint8Array | undefined {
  if (!(count <= MOST)) return undefined;
  const pixels = new Uint8Array(count);
  let at = 0;
  for (const run of runs.split(" ")) {
    const [, value, length] = /^(\d{1,3})×(\d{1,9})$/.exec(run) ?? [];
    if (value === undefined || Number(value) > 255 || at + Number(length) > count) return undefined;
    pixels.fill(Number(value), at, at += Number(length));
  }
  return at === count ? pixels : undefined;
}
