/** A program of its own: trains the small task, and prints the weights' bits as hexadecimal numbers. */
import * as tf from "@tensorflow/tfjs-core";
import { registerBackend } from "../../src/backend/mod.ts";
import { fit } from "../../train/fit.ts";
import { optimizerFor } from "../../train/optimizers.ts";
import { noise, preparedNet } from "./small_task.ts";

/** Argument: how many other graphs are run first, whose sessions and threads then live beside the one that trains. */
const [others] = Deno.args.map(Number);

await registerBackend({ threads: 2 });
for (let i = 0; i < others; i++) {
  tf.tidy(() => tf.matMul(tf.ones([200 + i, 300]), tf.ones([300, 100]) as tf.Tensor2D).dataSync());
}
const { model } = preparedNet();
await fit(model, {
  train: (epoch) => [1, 2, 3, 4, 5, 6].map((seed) => noise(32, 10 * epoch + seed)),
  epochs: 2,
  stepsPerEpoch: 6,
  optimizer: optimizerFor("momentum", { learningRate: 0.05 }),
});
const lines = model.weights.map((weight) => {
  const { buffer } = Float32Array.from(weight.read().dataSync());
  return `${weight.originalName} ${new Uint8Array(buffer).toHex()}\n`;
});
await new Blob(lines).stream().pipeTo(Deno.stdout.writable);
