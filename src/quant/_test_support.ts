/** What this room's tests share: the cpu backend, golden vectors, seeded numbers, comparison. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
// TF.js's own gradients come with its layers package.
import "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-cpu";
import { registerQuantKernels } from "./kernels.ts";

/** Makes TF.js ready for a test: its cpu backend, this room's kernels, no banner. */
export async function useCpu(): Promise<void> {
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  registerQuantKernels();
}

/** Reads a file of tests/golden; its shape is the caller's to know. */
export async function readGolden<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(`../../tests/golden/${name}`, import.meta.url)));
}

/** Makes a generator of numbers in [0, 1) that depend on nothing but the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes `length` float32 numbers in [-span, span). */
export function randomValues(length: number, { seed, span = 1 }: { seed: number; span?: number }): Float32Array {
  const next = seeded(seed);
  return Float32Array.from({ length }, () => (next() * 2 - 1) * span);
}

/** Asserts that two lists are as long and nowhere differ by more than `tolerance` of their largest magnitude. */
export function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const magnitude = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]) / magnitude;
    assert.ok(difference <= tolerance, `at ${i}: ${actual[i]}, expected ${expected[i]}, off by ${difference}`);
  }
}
