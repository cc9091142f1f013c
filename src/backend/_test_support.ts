/** What this room's tests share. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
// Gradients and chained methods of kernels come with the layers package.
import "@tensorflow/tfjs-layers";
import { BACKEND, type OnnxRuntimeBackend, registerBackend } from "./mod.ts";

/** Makes the backend the current one; what earlier tests recorded has run. */
export async function useBackend(): Promise<OnnxRuntimeBackend> {
  const backend = await registerBackend();
  backend.flush();
  return backend;
}

/** Makes `length` numbers in [-1, 1) that depend on nothing but the seed (mulberry32). */
export function reals(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** A tensor of seeded numbers in [-1, 1). */
export function random<S extends number[]>(shape: S, seed: number): tf.Tensor {
  return tf.tensor(reals(shape.reduce((a, b) => a * b, 1), seed), shape);
}

/** Computes `fn` on `backend` and returns the elements of its results. */
export async function computedOn(
  backend: string,
  fn: () => tf.Tensor | readonly tf.Tensor[],
): Promise<readonly Float32Array[]> {
  await tf.setBackend(backend);
  try {
    const results = tf.tidy(() => [fn()].flat()) as tf.Tensor[];
    const elements = results.map((tensor) => Float32Array.from(tensor.dataSync()));
    tf.dispose(results);
    return elements;
  } finally {
    await tf.setBackend(BACKEND);
  }
}

/** Asserts that two lists are as long and nowhere differ by more than `tolerance` of their largest magnitude. */
export function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const largest = Array.from(expected).reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    assert.ok(difference <= tolerance * largest, `at ${i}: ${actual[i]}, expected ${expected[i]}`);
  }
}
