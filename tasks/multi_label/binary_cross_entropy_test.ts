import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { BACKEND, registerBackend } from "../../src/backend/mod.ts";
import { assertClose } from "../../train/_test_support.ts";
import { binaryCrossEntropy } from "./binary_cross_entropy.ts";

tf.env().set("PROD", true);

/** Value and gradient on the current backend. */
function lossOf(targets: number[], logits: number[]): { value: number; gradient: number[] } {
  const { value, grads: [, gradient] } = tf.valueAndGrads((t, z) => binaryCrossEntropy(t, z))([
    tf.tensor2d([targets]),
    tf.tensor2d([logits]),
  ]);
  return { value: value.dataSync()[0], gradient: [...gradient.dataSync()] };
}

/** The textbook form, in double precision. */
function expected(targets: number[], logits: number[]): { value: number; gradient: number[] } {
  const p = logits.map((z) => 1 / (1 + Math.exp(-z)));
  const each = targets.map((t, i) => -(t * Math.log(p[i]) + (1 - t) * Math.log(1 - p[i])));
  return {
    value: each.reduce((sum, x) => sum + x, 0) / each.length,
    gradient: targets.map((t, i) => (p[i] - t) / each.length),
  };
}

for (const backend of ["cpu", BACKEND]) {
  Deno.test(`binaryCrossEntropy() equals the textbook form, its gradient too, on ${backend}`, async () => {
    await (backend === BACKEND ? registerBackend() : tf.ready());
    await tf.setBackend(backend);
    const [targets, logits] = [[1, 0, 1, 0, 0.25, 1], [2, -1, -3, 0.5, 1, 0]];
    const [actual, oracle] = [lossOf(targets, logits), expected(targets, logits)];
    assertClose([actual.value, ...actual.gradient], [oracle.value, ...oracle.gradient], 1e-6);
  });

  Deno.test(`binaryCrossEntropy() is finite in the tails, its gradient too, on ${backend}`, async () => {
    await tf.setBackend(backend);
    for (
      const [target, logit, value, gradient] of [[1, -1e4, 1e4, -1], [0, 1e4, 1e4, 1], [1, 1e4, 0, 0], [0, -1e4, 0, 0]]
    ) {
      assert.deepEqual(lossOf([target], [logit]), { value, gradient: [gradient] });
    }
  });
}

Deno.test("binaryCrossEntropy() refuses shapes that differ", () => {
  assert.throws(() => binaryCrossEntropy(tf.tensor1d([1]), tf.tensor2d([[1]])), {
    name: "TypeError",
    message: "Cannot take binary cross-entropy: targets are [1] and logits [1,1], needed is the same shape",
  });
});
