/** What is small stays what it is: in losses that take logarithms, and in files. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { Session } from "../src/runtime/session.ts";

/** Numbers of [-87, 87], whose sigmoid is a normal float32. */
const X = Float32Array.from({ length: 349 }, (_, i) => (i - 174) / 2);

function assertRelative(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i] - value) <= tolerance * Math.abs(value), `of ${X[i]}: ${actual[i]} for ${value}`);
  });
}

Deno.test("log(sigmoid(x)) is finite and right, its gradient too, when it is a loss on the engine", async () => {
  await registerBackend();
  await tf.setBackend("onnxruntime");
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.neg(tf.sum(tf.log(tf.sigmoid(x)))))(tf.tensor1d(X));
  const losses = Array.from(X, (x) => Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
  assertRelative(value.dataSync(), [losses.reduce((a, b) => a + b)], 1e-5);
  // Above 17, 1 - sigmoid(x) is 0 in float32.
  const upTo17 = X.filter((x) => x < 12);
  assertRelative(grad.dataSync(), Array.from(upTo17, (x) => -1 / (1 + Math.exp(x))), 0.02);
  assertRelative(grad.dataSync(), Array.from(X.filter((x) => x < 0), (x) => -1 / (1 + Math.exp(x))), 1e-6);
});

Deno.test("toOnnx() gives sigmoids of numbers far below 0 when they are the answer of a float file", async () => {
  await registerBackend();
  await tf.setBackend("onnxruntime");
  const model = tfl.sequential({ layers: [tfl.layers.activation({ activation: "sigmoid", inputShape: [X.length] })] });
  const { bytes } = await toOnnx(model);
  const session = new Session(bytes, { threads: 1 });
  try {
    const feeds = { [session.inputs[0].name]: { dtype: "float32" as const, shape: [1, X.length], data: X } };
    const answers = Object.values(session.run(feeds))[0].data as Float32Array;
    assertRelative(
      answers,
      Array.from(X, (x) => x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
      5e-7,
    );
  } finally {
    session.dispose();
  }
});
