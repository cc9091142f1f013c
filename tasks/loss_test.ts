import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { meanSquaredError } from "./loss.ts";

tf.env().set("PROD", true);

Deno.test("meanSquaredError() is the mean over all numbers, with its gradient", () => {
  const labels = tf.tensor2d([[1, 2], [3, 4]]);
  const outputs = tf.tensor2d([[1, 4], [3, 1]]);
  assert.equal(meanSquaredError(labels, outputs).dataSync()[0], (4 + 9) / 4);
  const gradient = tf.grad((x) => meanSquaredError(labels, x))(outputs);
  assert.deepEqual([...gradient.dataSync()], [0, 1, 0, -1.5]);
  assert.throws(() => meanSquaredError(tf.tensor1d([1]), outputs), { name: "TypeError" });
});
