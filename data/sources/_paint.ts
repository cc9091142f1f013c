/** A small canvas of real-valued RGB pixels: layers blended by coverage, then noise, then bytes. */
import type { Random } from "../../src/numbers/random.ts";

/** Red, green, blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/** A canvas [side, side, 3]. */
export interface Canvas {
  readonly side: number;
  readonly pixels: Float32Array;
}

/** Draws a colour, each channel uniform from 0 to `brightest`. */
export function drawColour(random: Random, brightest = 255): Colour {
  return [random.between(0, brightest), random.between(0, brightest), random.between(0, brightest)];
}

/** Returns how bright a colour is, 0 to 255 (BT.601's luma). */
export function luma([r, g, b]: Colour): number {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

/** Draws a colour whose luma is at least `least`, which must leave room below 255. */
export function drawBright(random: Random, least: number): Colour {
  for (;;) {
    const colour = drawColour(random);
    if (luma(colour) >= least) return colour;
  }
}

/** Fills the canvas with `colour`, shaded by waves of random direction. */
export function fillShaded(canvas: Canvas, { colour, random, depth }: {
  readonly colour: Colour;
  readonly random: Random;
  /** Greatest deviation from the colour. */
  readonly depth: number;
}): void {
  const shade = drawShade(random, canvas.side);
  for (let y = 0; y < canvas.side; y++) {
    for (let x = 0; x < canvas.side; x++) blend(canvas, { x, y, cover: 1, colour, lift: depth * shade(x, y) });
  }
}

/** Draws a pattern of values from -1 to 1: half a wave to three waves over the canvas. */
export function drawShade(random: Random, side: number): (x: number, y: number) => number {
  const angle = random.between(0, 2 * Math.PI);
  const waves = 2 * Math.PI / side * random.between(0.5, 3);
  const [fx, fy, phase] = [waves * Math.cos(angle), waves * Math.sin(angle), random.between(0, 2 * Math.PI)];
  return (x, y) => Math.sin(fx * x + fy * y + phase);
}

/** Blends a colour, made brighter by `lift`, over one pixel. */
export function blend({ side, pixels }: Canvas, { x, y, cover, colour, lift = 0 }: {
  readonly x: number;
  readonly y: number;
  /** 0 leaves the pixel, 1 replaces it. */
  readonly cover: number;
  readonly colour: Colour;
  readonly lift?: number;
}): void {
  const at = (y * side + x) * 3;
  for (let ch = 0; ch < 3; ch++) pixels[at + ch] += cover * (colour[ch] + lift - pixels[at + ch]);
}

/** Returns how much of a pixel lies inside an edge at signed distance `distance`, in pixels. */
export function coverage(distance: number): number {
  return Math.min(1, Math.max(0, 0.5 - distance));
}

/**
 * Draws noise of mean 0 and deviation 1: the sum of four uniform draws of 8 bits (Irwin-Hall), scaled.
 *
 * The variance of one byte is (256^2 - 1) / 12.
 */
export function drawNoise(random: Random): number {
  const bits = random.uint32();
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return (sum - 510) / Math.sqrt(4 * (256 ** 2 - 1) / 12);
}

/** Writes the canvas as bytes with noise of deviation `noise`, clamped to 0 to 255. */
export function writeBytes({ pixels }: Canvas, { out, random, noise }: {
  readonly out: Uint8Array;
  readonly random: Random;
  readonly noise: number;
}): void {
  for (let i = 0; i < pixels.length; i++) {
    out[i] = Math.min(255, Math.max(0, Math.round(pixels[i] + noise * drawNoise(random))));
  }
}
