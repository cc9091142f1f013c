/** Several outputs, each with a loss of its own, and shapes by name. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertClose } from "./_test_support.ts";
import { useBackend, weightValues } from "./_test_task.ts";
import { classification } from "../tasks/classification/classification.ts";
import { softmaxCrossEntropy } from "../tasks/classification/cross_entropy.ts";
import { meanSquaredError } from "../tasks/loss.ts";
import { evaluate } from "./evaluate.ts";
import { fit, type FitOptions } from "./fit.ts";
import { optimizerFor } from "./optimizers.ts";

/** Two outputs of one dense layer each: "digit", three classes, and "size", a number. */
function twoOutputs(): tfl.LayersModel {
  const input = tfl.input({ shape: [2], name: "numbers" });
  const hidden = tfl.layers.dense({ name: "hidden", units: 8, activation: "relu" }).apply(input);
  const outputs = [
    tfl.layers.dense({ name: "digit", units: 3, activation: "softmax" }).apply(hidden),
    tfl.layers.dense({ name: "size", units: 1 }).apply(hidden),
  ] as tfl.SymbolicTensor[];
  return tfl.model({ inputs: input, outputs, name: "two" });
}

const TWO = {
  inputs: { numbers: Float32Array.of(-1, 1, 1, -1, 1, 1) },
  targets: { digit: Int32Array.of(0, 1, 2), size: Float32Array.of(1, 2, 3) },
  size: 3,
};

function options(given: Partial<FitOptions>): FitOptions {
  const optimizer = given.optimizer ?? optimizerFor("adam", { learningRate: 0.01 });
  return { train: () => [TWO], epochs: 3, stepsPerEpoch: 1, ...given, optimizer };
}

Deno.test("fit() trains each of several outputs by its own loss, and counts for each", async () => {
  await useBackend("cpu");
  const losses = { digit: softmaxCrossEntropy(), size: meanSquaredError };
  const { epochs } = await fit(twoOutputs(), options({ epochs: 300, loss: losses }));
  assert.ok(epochs[299].loss < 0.01 * epochs[0].loss, `${epochs[299].loss}`);
  const mixed = { task: classification({ output: "digit" }), loss: { size: meanSquaredError } };
  const { epochs: [{ metrics }] } = await fit(twoOutputs(), options({ epochs: 1, ...mixed }));
  assert.deepEqual(metrics.map(({ name }) => name), ["digit accuracy"]);
});

Deno.test("fit() trains what is not left, and leaves the rest as it was", async () => {
  await useBackend("cpu");
  const model = twoOutputs();
  const size = () => model.getLayer("size").getWeights().map((weight) => [...weight.dataSync()]);
  const before = size();
  const optimizer = tf.train.adam(0.1);
  const left = { task: classification(), leave: ["size"] };
  const { epochs } = await fit(model, options({ optimizer, epochs: 20, ...left }));
  // With an output that is left, a name that is neither's may be a slip.
  const slip = { ...TWO, targets: { digt: TWO.targets.digit } };
  await assert.rejects(
    fit(model, options({ ...left, train: () => [slip] })),
    /no target "digt", .*did you mean "digit"/,
  );
  assert.deepEqual(epochs[19].metrics.map(({ name, value }) => [name, value]), [["accuracy", 1]]);
  assert.deepEqual(size(), before);
});

Deno.test("fit() takes the softmax of a fused head once, so that a perfect model has no loss", async () => {
  await useBackend("cpu");
  const dense = tfl.layers.dense({ name: "fc", units: 2, inputShape: [1], activation: "softmax", useBias: false });
  const model = tfl.sequential({ layers: [dense] });
  dense.setWeights([tf.tensor2d([[-30, 30]])]);
  const batch = { inputs: { x: Float32Array.of(-1, 1) }, targets: { y: Int32Array.of(0, 1) }, size: 2 };
  const { epochs } = await fit(model, options({ train: () => [batch], epochs: 1 }));
  // Softmax of softmax would give log(1 + 1/e) = 0.3133.
  assert.equal(epochs[0].loss, 0);
  dense.setWeights([tf.tensor2d([[30, -30]])]);
  const wrong = await fit(model, options({ train: () => [batch], epochs: 1 }));
  assertClose([wrong.epochs[0].loss], [60], 1e-5);
});

Deno.test("fit() weighs the losses of the outputs as their tasks say", async () => {
  await useBackend("cpu");
  const lossOf = async (weight: number) => {
    const task = classification({ output: "digit", weight });
    const model = twoOutputs();
    // All weights 0: the softmax says log 3, the size is 0.
    model.setWeights(model.getWeights().map((value) => tf.zeros(value.shape)));
    return (await fit(model, options({ epochs: 1, task, loss: { size: meanSquaredError } }))).epochs[0].loss;
  };
  assertClose([await lossOf(1), await lossOf(3)], [Math.log(3) + 14 / 3, 3 * Math.log(3) + 14 / 3], 1e-6);
});

Deno.test("fit() refuses outputs with no loss or two, names that no output has, and targets that do not fit", async () => {
  await useBackend("cpu");
  const digit = classification({ output: "digit" });
  const loss = { digit: softmaxCrossEntropy(), size: meanSquaredError };
  const targets = (changed: Partial<typeof TWO.targets> | Record<string, Float32Array>) => ({
    loss: { size: meanSquaredError },
    task: digit,
    train: () => [{ ...TWO, targets: { ...TWO.targets, ...changed } }],
  });
  const cases: [Partial<FitOptions>, RegExp][] = [
    [{}, /^Cannot train "two" by classification: it has the outputs "digit" and "size", the name of one is needed$/],
    [{ task: digit }, /^Cannot train "two": nobody trains its output "size", a loss is needed or that it is left/],
    [{ loss: meanSquaredError }, /it has 2 outputs and one loss, a loss for each is needed, by name/],
    [{ task: digit, loss }, /its output "digit" has two losses, exactly 1 is needed/],
    [{ task: [digit, digit] }, /its output "digit" has two losses/],
    [{ loss, leave: ["size"] }, /its output "size" has a loss and is to be left/],
    [
      { loss: { ...loss, sise: meanSquaredError } },
      /it has no output "sise", needed is one of digit, size \(did you mean "size"\?\)/,
    ],
    [{ loss, leave: ["digits"] }, /it has no output "digits", .*did you mean "digit"/],
    [{ task: classification({ output: "digt" }) }, /it has no output "digt", .*did you mean "digit"/],
    [
      { task: classification({ output: "size" }), leave: ["digit"] },
      /its output "size" is \[\?,1\], one number a class/,
    ],
    [targets({ digit: Float32Array.of(0, 1, 2) }), /the targets of output "digit" are real numbers .* whole numbers/],
    [
      targets({ digit: Int32Array.of(0, 1, 3) }),
      /a target of output "digit" is 3 \(sample 2 of its batch\), needed is 0 to 2/,
    ],
    [targets({ size: Float32Array.of(0, 1, 2, 4) }), /the targets of output "size" are 4 numbers for a batch of 3/],
    [targets({ siz: Float32Array.of(0, 1, 2) }), /there is no target "siz", .*did you mean "size"/],
    [
      { loss, train: () => [{ ...TWO, targets: { size: TWO.targets.size } }] },
      /a batch has no target "digit", only "size"/,
    ],
    [
      { loss, train: () => [{ ...TWO, targets: { ...TWO.targets, size: Float32Array.of(1, NaN, 3) } }] },
      /^Cannot train "two": the targets of "size" is NaN at number 1 of its batch \(epoch 1, step 1\)$/,
    ],
  ];
  for (const [given, message] of cases) {
    await assert.rejects(fit(twoOutputs(), options(given)), { message });
  }
});

Deno.test("fit() takes shapes by name for models that leave them open, outputs included", async () => {
  await useBackend("cpu");
  const input = tfl.input({ shape: [null, 1], name: "signal" });
  const output = tfl.layers.conv1d({ name: "conv", filters: 1, kernelSize: 1, useBias: false }).apply(input);
  const model = tfl.model({ inputs: input, outputs: output as tfl.SymbolicTensor, name: "open" });
  const x = Float32Array.of(1, 2, 3, 4, 5, 6);
  const batch = { inputs: { signal: x }, targets: { conv: x.map((value) => 3 * value) }, size: 2 };
  const given = { train: () => [batch], epochs: 100, stepsPerEpoch: 1, loss: meanSquaredError };
  await assert.rejects(fit(model, options(given)), /its input is \[\?,1\], inputShape is needed/);
  await assert.rejects(fit(model, options({ ...given, inputShape: { signl: [3, 1] } })), /did you mean "signal"/);
  await fit(model, options({ ...given, inputShape: { signal: [3, 1] }, optimizer: tf.train.sgd(0.05) }));
  assertClose(weightValues(model)["conv/kernel"], [3], 1e-3);
  const { answers } = await evaluate(model, [batch], { inputShape: [3, 1], task: [] });
  assert.deepEqual(answers.conv.shape, [2, 3, 1]);
});
