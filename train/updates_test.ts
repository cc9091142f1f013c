/** What steps do to gradients and weights, held to PyTorch 1.13 by numbers that it printed. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { FakeQuantize } from "../src/quant/mod.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { meanSquaredError } from "../tasks/loss.ts";
import { decayedVariables } from "./_minimize.ts";
import { assertClose } from "./_test_support.ts";
import { CLASSES, epochOf, quarters, tinyNet, useBackend, weightValues } from "./_test_task.ts";
import { fit, type FitOptions, type SampleBatch } from "./fit.ts";
import { optimizerFor } from "./optimizers.ts";

const BATCH: SampleBatch = {
  inputs: { x: Float32Array.of(1, 2, 3, -1) },
  targets: { y: Float32Array.of(1, 2) },
  size: 2,
};

/** A line in two numbers: kernel [1, -2], bias 0.5. */
function line(): tfl.LayersModel {
  tf.env().set("PROD", true);
  const model = tfl.sequential({ layers: [tfl.layers.dense({ name: "line", units: 1, inputShape: [2] })] });
  model.setWeights([tf.tensor2d([[1], [-2]]), tf.tensor1d([0.5])]);
  return model;
}

/** Takes four steps down the mean squared error, and returns kernel and bias after them. */
async function descend(options: Partial<FitOptions> & Pick<FitOptions, "optimizer">): Promise<readonly number[]> {
  const model = line();
  await fit(model, { loss: meanSquaredError, train: () => [BATCH], epochs: 4, stepsPerEpoch: 1, ...options });
  return Object.values(weightValues(model)).flat();
}

/** TF.js multiplies powers of Adam's betas in float32, where 1 - 0.999 has four digits. */
const ADAM = 3e-6;

const adam = () => optimizerFor("adam", { learningRate: 0.05 });
const sgd = () => optimizerFor("sgd", { learningRate: 0.05 });

for (const backend of ["cpu", BACKEND]) {
  Deno.test(`fit() decays the kernel and not the bias, as torch.optim.AdamW does, on ${backend}`, async () => {
    await registerBackend({ threads: 1 });
    await useBackend(backend);
    assertClose(await descend({ optimizer: adam(), weightDecay: 0.1 }), [0.78292453, -1.76228988, 0.62463552], ADAM);
    // Without momentum there is no other way to decay, and torch.optim.SGD takes it.
    assertClose(await descend({ optimizer: sgd(), weightDecay: 0.1 }), [0.40460262, -0.61165833, 0.63935727], 1e-6);
  });

  Deno.test(`fit() clips gradients by the norm of all, as torch's clip_grad_norm_ does, on ${backend}`, async () => {
    await registerBackend({ threads: 1 });
    await useBackend(backend);
    assertClose(await descend({ optimizer: sgd(), clipNorm: 1 }), [0.89187419, -1.83178043, 0.50172311], 1e-6);
    const both = { optimizer: adam(), clipNorm: 1, weightDecay: 0.1 };
    assertClose(await descend(both), [0.78205997, -1.76166224, 0.62416369], ADAM);
    // The norm is 12.6 at first.
    const unclipped = await descend({ optimizer: sgd() });
    assertClose(await descend({ optimizer: sgd(), clipNorm: 1000 }), unclipped, 1e-6);
  });

  Deno.test(`fit() ends with averages of the weights, and trains on without them, on ${backend}`, async () => {
    await registerBackend({ threads: 1 });
    await useBackend(backend);
    // By d = min(0.2, (1 + n) / (10 + n)): 2/11, then 0.2.
    const average = [0.4183366, -0.68191117, 0.62731248];
    assertClose(await descend({ optimizer: sgd(), averageDecay: 0.2 }), average, 1e-6);
    const judged: number[] = [];
    const model = line();
    await fit(model, {
      loss: meanSquaredError,
      train: () => [BATCH],
      epochs: 4,
      stepsPerEpoch: 1,
      optimizer: sgd(),
      averageDecay: 0.2,
      onEpochEnd: () => {
        judged.push(...model.getWeights()[0].dataSync());
        return 5 - judged.length;
      },
    });
    // Judged were the averages, of which the first were called the best.
    assertClose(Object.values(weightValues(model)).flat().slice(0, 2), judged.slice(0, 2), 0);
    assertClose(judged.slice(-2), average.slice(0, 2), 1e-6);
  });
}

Deno.test("fit() takes the same steps on ONNX Runtime as on the cpu backend when all is done to them", async () => {
  const train = async (backend: string) => {
    await useBackend(backend);
    const model = prepareQat(tinyNet({ dropout: 0.2 })).model;
    const losses: number[] = [];
    await fit(model, {
      train: (epoch) => epochOf(quarters(96, 1), { batchSize: 32, epoch }),
      epochs: 2,
      stepsPerEpoch: 3,
      optimizer: adam(),
      learningRate: ({ step }) => 0.01 / (1 + step),
      clipNorm: 0.5,
      weightDecay: 0.2,
      averageDecay: 0.9,
      onStep: ({ loss }) => losses.push(loss),
    });
    return { losses, weights: weightValues(model) };
  };
  await registerBackend({ threads: 1 });
  const [expected, actual] = [await train("cpu"), await train(BACKEND)];
  assertClose(actual.losses, expected.losses, 1e-4);
  for (const name of Object.keys(expected.weights)) assertClose(actual.weights[name], expected.weights[name], 1e-3);
});

Deno.test("decayedVariables() takes kernels and embeddings, and nothing that only shifts, scales or bends", async () => {
  await registerBackend();
  await tf.setBackend("cpu");
  const { layers } = tfl;
  const model = tfl.sequential({
    layers: [
      layers.embedding({ inputDim: 5, outputDim: 4, inputLength: 3 }),
      layers.lstm({ units: 4, returnSequences: true, recurrentInitializer: "zeros" }),
      layers.reshape({ targetShape: [3, 4, 1] }),
      layers.separableConv2d({ filters: 2, kernelSize: 2 }),
      layers.batchNormalization({}),
      layers.prelu({}),
      layers.layerNormalization({ axis: [1, 2, 3] }),
      layers.flatten(),
      layers.dense({ units: CLASSES, activation: "softmax" }),
    ],
  });
  const namesOf = (view: tfl.LayersModel) => {
    const decayed = new Set(decayedVariables(view));
    return view.weights.filter((weight) => decayed.has(weight.read() as tf.Variable)).map(({ originalName }) =>
      originalName.split("/").at(-1)
    );
  };
  const kernels = ["embeddings", "kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel", "kernel"];
  assert.deepEqual(namesOf(model), kernels);
  const { model: prepared } = prepareQat(tinyNet());
  assert.deepEqual(namesOf(prepared).length, 3);
  assert.ok(prepared.layers.some((layer) => layer instanceof FakeQuantize));
});

Deno.test("fit() ends early when so many epochs in a row were no better than the best before them", async () => {
  await useBackend("cpu");
  const epochsOf = async (scores: readonly (number | undefined)[], patience: number) => {
    const { epochs, bestEpoch } = await fit(line(), {
      loss: meanSquaredError,
      train: () => [BATCH],
      epochs: scores.length,
      stepsPerEpoch: 1,
      optimizer: sgd(),
      patience,
      onEpochEnd: ({ epoch }) => scores[epoch - 1],
    });
    return [epochs.length, bestEpoch];
  };
  assert.deepEqual(await epochsOf([1, 3, 2, 2.5, 4, 5], 2), [4, 2]);
  assert.deepEqual(await epochsOf([1, 3, 2, 3.5, 3, 3, 9], 2), [6, 4]);
  // An equal one is no better, but of equals the last is taken.
  assert.deepEqual(await epochsOf([1, 1, 1, 1], 1), [2, 2]);
  assert.deepEqual(await epochsOf([NaN, NaN, 1, 0, 0], 1), [4, 3]);
  assert.deepEqual(await epochsOf([1, 2, 3], 1), [3, 3]);
  // Without scores nobody can be impatient.
  assert.deepEqual(await epochsOf([undefined, undefined, undefined], 1), [3, undefined]);
});

Deno.test("fit() refuses numbers of updates that mean nothing, and to decay without a rate to go by", async () => {
  await useBackend("cpu");
  const [cannot, above] = ['Cannot train "sequential', "needed is a number above 0"];
  for (const value of [0, -1, NaN, Infinity]) {
    for (const what of ["clipNorm", "weightDecay"]) {
      await assert.rejects(descend({ optimizer: sgd(), [what]: value }), (error: Error) => {
        assert.ok(error instanceof RangeError && error.message.startsWith(cannot), error.message);
        assert.ok(error.message.endsWith(`: ${what} is ${value}, ${above}`), error.message);
        return true;
      });
    }
  }
  for (const averageDecay of [0, 1, NaN]) await assert.rejects(descend({ optimizer: sgd(), averageDecay }), RangeError);
  for (const patience of [0, 1.5]) await assert.rejects(descend({ optimizer: sgd(), patience }), RangeError);
  class Still extends tf.Optimizer {
    static readonly className = "Still";
    override applyGradients(): void {}
    override getConfig() {
      return {};
    }
  }
  await assert.rejects(descend({ optimizer: new Still(), weightDecay: 0.1 }), {
    name: "TypeError",
    message: 'Cannot decay weights with "Still": it has no field learningRate, which the decay follows',
  });
});
