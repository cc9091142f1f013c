import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "../numbers/random.ts";
import { assertClose, computedOn, random, useBackend } from "./_test_support.ts";
import { BACKEND } from "./register.ts";

/** The gradient of Σ w · tile(x), with other weights `w` for each element. */
const gradient = (shape: number[], reps: number[]) => () =>
  tf.grad((x) => {
    const repeated = tf.tile(x, reps);
    return tf.sum(tf.mul(repeated, random(repeated.shape, 2)));
  })(random(shape, 1));

Deno.test("tile's gradient is TF.js's own, for all shapes and repetitions", async () => {
  await useBackend();
  const draw = new Random(5);
  const upTo = (most: number, length: number) => Array.from({ length }, () => 1 + draw.below(most));
  for (let round = 0; round < 60; round++) {
    const rank = 1 + round % 4;
    const [shape, reps] = [upTo(4, rank), upTo(3, rank)];
    const [expected] = await computedOn("cpu", gradient(shape, reps));
    const [actual] = await computedOn(BACKEND, gradient(shape, reps));
    assertClose(actual, expected, 1e-6);
  }
});

Deno.test("tile's gradient is there beyond four dimensions, and for nothing at all", async () => {
  await useBackend();
  const dy = random([2, 6, 2, 3, 4], 2);
  const ofSlices = () =>
    tf.tidy(() =>
      tf.add(tf.slice(dy, [0, 0, 0, 0, 0], [2, 3, 2, 3, 4]), tf.slice(dy, [0, 3, 0, 0, 0], [2, 3, 2, 3, 4]))
    );
  const [expected] = await computedOn(BACKEND, () => tf.sum(ofSlices(), 4, true));
  const [actual] = await computedOn(BACKEND, gradient([2, 3, 2, 3, 1], [1, 2, 1, 1, 4]));
  assertClose(actual, expected, 1e-6);
  const [none] = await computedOn(BACKEND, gradient([0, 2], [3, 2]));
  assert.equal(none.length, 0);
});

Deno.test("tile's gradient takes as many operators for a thousand repetitions as for two", async () => {
  const backend = await useBackend();
  const operators = (reps: number) =>
    backend.trace(
      [{ name: "x", dtype: "float32", shape: [3, 5] }],
      ([x]) => [tf.grad((x) => tf.sum(tf.tile(x, [reps, reps])))(x)],
    )
      .nodes.length;
  assert.equal(operators(1000), operators(2));
});
