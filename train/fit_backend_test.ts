/** The same training on the cpu backend and on ONNX Runtime, step by step: the strongest test of the recording backend. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { assertClose } from "./_test_support.ts";
import { epochOf, quarters, SIDE, tinyNet, useBackend, weightValues } from "./_test_task.ts";
import { fit } from "./fit.ts";
import { OPTIMIZER_NAMES, optimizerFor, type OptimizerName } from "./optimizers.ts";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { prepareQat } from "../quantize/prepare.ts";
import type { SchemeChoice } from "../quantize/recipe.ts";
import { AFFINE_WEIGHTS } from "../quantize/targets/_test_nets.ts";
import { predict } from "../tests/_support/small_models.ts";
import { qatSchedule, type Schedule } from "./schedule.ts";

interface Training {
  readonly epochs: number;
  readonly optimizer?: OptimizerName;
  /** Present for quantization-aware training. */
  readonly schedule?: Schedule;
  /** Grids of the weights. */
  readonly weights?: SchemeChoice;
}

/** Trains the tiny net on `backend` and returns the loss of every step and the weights. */
async function train(backend: string, { epochs, optimizer = "adam", schedule, weights = {} }: Training) {
  await useBackend(backend);
  const float = tinyNet({ dropout: 0.2 });
  const recipe = { rules: [{ match: {}, then: { weights } }] };
  const model = schedule === undefined ? float : prepareQat(float, { recipe }).model;
  const losses: number[] = [];
  await fit(model, {
    train: (epoch) => epochOf(quarters(160, 1), { batchSize: 32, epoch }),
    epochs,
    stepsPerEpoch: 5,
    optimizer: optimizerFor(optimizer, { learningRate: 0.01 }),
    learningRate: ({ step }) => 0.01 / (1 + step),
    onStep: ({ loss }) => losses.push(loss),
    ...(schedule === undefined ? {} : { schedule }),
  });
  return { losses, weights: weightValues(model), model };
}

async function bothBackends(training: Training) {
  const expected = await train("cpu", training);
  await registerBackend({ threads: 1 });
  return { expected, actual: await train(BACKEND, training) };
}

for (const optimizer of OPTIMIZER_NAMES) {
  Deno.test(`fit() takes the same steps on ONNX Runtime as on the cpu backend when it trains with ${optimizer}`, async () => {
    const { expected, actual } = await bothBackends({ epochs: 2, optimizer });
    assertClose(actual.losses, expected.losses, 1e-5);
    for (const name of Object.keys(expected.weights)) {
      // Sums are taken in another order, and optimizers that divide by a gradient's size enlarge its rounding.
      assertClose(actual.weights[name], expected.weights[name], 1e-4);
    }
  });
}

for (const [what, weights] of Object.entries({ "quantization": {}, "affine grids of weights": AFFINE_WEIGHTS })) {
  Deno.test(`fit() takes the same steps on ONNX Runtime as on the cpu backend when it trains with ${what}`, async () => {
    const schedule = qatSchedule({ freezeObserversAfter: 2, freezeBatchNormAfter: 1 });
    const { expected, actual } = await bothBackends({ epochs: 3, schedule, weights });
    // Until a value near the border of two codes rounds the other way, backends differ by float rounding alone; one code
    // among the few thousand of this net then moves the loss by about 1e-4.
    assertClose(actual.losses.slice(0, 5), expected.losses.slice(0, 5), 1e-5);
    assertClose(actual.losses, expected.losses, 2e-3);
    assert.equal("conv1/kernel_zero_point" in actual.weights, weights === AFFINE_WEIGHTS);
    const { x, size } = quarters(64, 2);
    const pictures = tf.tensor(x, [size, SIDE, SIDE, 2]);
    const file = await toOnnx(actual.model);
    assert.deepEqual(verifyFusion(file.bytes, file.graph).float, []);
    assert.deepEqual(runExported(file, [pictures], { precise: true })[0], predict(actual.model, [pictures])[0]);
  });
}

Deno.test("fit() gives the same bytes twice when it runs on ONNX Runtime", async () => {
  const training: Training = { epochs: 2, schedule: qatSchedule({ freezeObserversAfter: 1, freezeBatchNormAfter: 1 }) };
  await registerBackend({ threads: 1 });
  const [first, second] = [await train(BACKEND, training), await train(BACKEND, training)];
  assert.deepEqual(first.losses, second.losses);
  assert.deepEqual(first.weights, second.weights);
});

Deno.test("fit() refuses weights that are no numbers when quantizers hide them from the loss", async () => {
  await registerBackend({ threads: 1 });
  await useBackend(BACKEND);
  const { model } = prepareQat(tinyNet());
  const run = (schedule: Schedule) =>
    fit(model, {
      train: (epoch) => epochOf(quarters(160, 1), { batchSize: 32, epoch }),
      epochs: 1,
      stepsPerEpoch: 5,
      optimizer: optimizerFor("sgd", { learningRate: 0.01 }),
      schedule,
    });
  await run(qatSchedule());
  const first = model.layers.find((layer) => layer.trainableWeights.length > 0)!;
  const [kernel, ...rest] = first.getWeights();
  first.setWeights([tf.mul(kernel, NaN), ...rest]);
  await assert.rejects(run(() => ({ observing: false, fakeQuantizing: true, trainingBatchNorm: false })), {
    message: new RegExp(
      `^Cannot go on training "tiny": weight "${first.name}/\\w+" is not finite at the end of epoch 1, ` +
        "a lower learning rate than 0.01 is needed$",
    ),
  });
});
