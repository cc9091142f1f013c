import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { registerBackend } from "../src/backend/mod.ts";
import { readOptimizer, restoreOptimizer } from "./_optimizer_state.ts";

const OPTIMIZERS: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  nesterov: () => tf.train.momentum(0.1, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.1, 0.9, 0.5),
  "centered rmsprop": () => tf.train.rmsprop(0.1, 0.9, 0.5, 1e-7, true),
  adam: () => tf.train.adam(0.1),
  adamax: () => tf.train.adamax(0.1, 0.9, 0.999, 1e-7, 0.01),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1),
};

/** Variables and steps on them by gradients that depend on the step alone. */
class Descent {
  readonly variables = [tf.variable(tf.tensor1d([1, -2, 3])), tf.variable(tf.scalar(0.5))];

  step(optimizer: tf.Optimizer, step: number): void {
    tf.tidy(() =>
      optimizer.applyGradients(
        this.variables.map((variable, i) => ({
          name: variable.name,
          tensor: tf.fill(variable.shape, Math.sin(step + i) + 1.5),
        })) as never,
      )
    );
  }

  bits(): string {
    return this.variables.map((variable) => new Uint32Array(variable.dataSync().slice().buffer).join()).join("|");
  }

  dispose(): void {
    tf.dispose(this.variables);
  }
}

const STEPS = 40;

for (const [name, make] of Object.entries(OPTIMIZERS)) {
  Deno.test(`restoreOptimizer() gives ${name} what it had, to the bit, after any number of steps`, async () => {
    await registerBackend();
    await tf.setBackend("cpu");
    const [undisturbed, optimizer] = [new Descent(), make()];
    for (const stopAt of [0, 1, 2, 17]) {
      const descent = new Descent();
      const [first, second] = [make(), make()];
      for (let step = 0; step < stopAt; step++) descent.step(first, step);
      const state = await readOptimizer(first);
      await restoreOptimizer(second, state);
      tf.dispose([...state.made]);
      first.dispose();
      for (let step = stopAt; step < STEPS; step++) descent.step(second, step);
      assert.equal(second.iterations, STEPS);
      if (stopAt === 0) { for (let step = 0; step < STEPS; step++) undisturbed.step(optimizer, step); }
      assert.equal(descent.bits(), undisturbed.bits(), `restored after ${stopAt} steps`);
      const [a, b] = [await readOptimizer(second), await readOptimizer(optimizer)];
      assert.deepEqual(a.numbers, b.numbers);
      a.tensors.forEach(({ name, tensor }, i) => {
        assert.equal(name, b.tensors[i].name);
        assert.deepEqual([...tensor.dataSync()], [...b.tensors[i].tensor.dataSync()], name);
      });
      second.dispose();
      descent.dispose();
    }
    optimizer.dispose();
    undisturbed.dispose();
    await tf.setBackend("onnxruntime");
  });
}

Deno.test("restoreOptimizer() empties what an optimizer had gathered already", async () => {
  await registerBackend();
  await tf.setBackend("cpu");
  const [fresh, used, descent] = [tf.train.adam(0.1), tf.train.adam(0.1), new Descent()];
  for (let step = 0; step < 3; step++) descent.step(used, step);
  await restoreOptimizer(used, { ...await readOptimizer(fresh), numbers: { iterations_: 0 } });
  const other = new Descent();
  other.step(used, 0);
  const expected = new Descent();
  expected.step(fresh, 0);
  assert.equal(other.bits(), expected.bits());
  await tf.setBackend("onnxruntime");
});
