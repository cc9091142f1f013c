/** The same computation on two backends, for tests that compare them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type { TypedArray } from "../../src/numbers/dtype.ts";
import { BACKEND, type OnnxRuntimeBackend, registerBackend } from "../../src/backend/mod.ts";
import { mismatches } from "./_compare.ts";

/** What both backends made of a computation. */
export interface Compared<T> {
  readonly actual: T;
  readonly expected: T;
  /** Kernels that ran on the cpu backend because ONNX Runtime could not, with how often. */
  readonly fallbacks: Readonly<Record<string, number>>;
}

/** Computes `fn` on the cpu backend (`expected`) and on ONNX Runtime (`actual`), which stays the current backend. */
export async function onBothBackends<T>(fn: () => Promise<T>): Promise<Compared<T>> {
  const backend = await registerBackend();
  await tf.setBackend("cpu");
  const expected = await fn();
  await tf.setBackend(BACKEND);
  const before = new Map(backend.fallbacks());
  const actual = await fn();
  return { actual, expected, fallbacks: countsSince(backend, before) };
}

function countsSince(backend: OnnxRuntimeBackend, before: ReadonlyMap<string, number>): Record<string, number> {
  const counts = [...backend.fallbacks()].map(([kernel, count]) =>
    [kernel, count - (before.get(kernel) ?? 0)] as const
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/**
 * Asserts that elements agree to `relative` of themselves, or to a fifth of that of the largest: what two orders of
 * summation leave of a number near 0 is the rounding of the numbers that cancel.
 */
export function assertAgree(actual: readonly number[], expected: readonly number[], relative: number): void {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const tolerance = { relative, absolute: relative * largest / 5 };
  assert.deepEqual(mismatches(Float64Array.from(actual), Float64Array.from(expected), tolerance), []);
}

/** Reads and disposes tensors. */
export function readAll(tensors: tf.Tensor | readonly tf.Tensor[]): number[][] {
  return [tensors].flat().map((tensor) => {
    const elements = Array.from(tensor.dataSync() as TypedArray as Float32Array);
    tensor.dispose();
    return elements;
  });
}
