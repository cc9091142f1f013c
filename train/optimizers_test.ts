import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
// TF.js's own gradients come with its layers package.
import "@tensorflow/tfjs-layers";
import { assertClose } from "./_test_support.ts";
import { nearestName } from "../src/text/nearest.ts";
import {
  DEFAULT_LEARNING_RATES,
  learningRateOf,
  OPTIMIZER_NAMES,
  optimizerFor,
  setLearningRate,
} from "./optimizers.ts";

tf.env().set("PROD", true);

/** The values of x after `steps` on x²/2, whose gradient is x, from x = 1. */
function descend(optimizer: tf.Optimizer, steps: number, before?: (step: number) => void): number[] {
  const x = tf.variable(tf.scalar(1));
  try {
    return Array.from({ length: steps }, (_, step) => {
      before?.(step);
      optimizer.minimize(() => tf.mul<tf.Scalar>(tf.square(x), 0.5), false, [x]);
      return x.dataSync()[0];
    });
  } finally {
    x.dispose();
    optimizer.dispose();
  }
}

Deno.test("optimizerFor() makes optimizers that take the step of their formula", () => {
  const learningRate = 0.1;
  const first = (name: string) => descend(optimizerFor(name, { learningRate }), 1)[0];
  assertClose([first("sgd")], [0.9], 1e-6);
  assertClose(descend(optimizerFor("momentum", { learningRate }), 2), [0.9, 0.9 - 0.1 * (0.9 + 0.9)], 1e-6);
  const nesterov = optimizerFor("momentum", { learningRate, nesterov: true });
  assertClose(descend(nesterov, 1), [1 - 0.1 * (1 + 0.9)], 1e-6);
  assertClose([first("adam")], [0.9], 1e-5); // the first step is lr * sign(gradient)
  assertClose([first("adamax")], [0.9], 1e-5);
  assertClose([first("rmsprop")], [1 - 0.1 / Math.sqrt(0.1)], 1e-5);
  assertClose([first("adagrad")], [1 - 0.1 / Math.sqrt(1.1)], 1e-5);
});

Deno.test("optimizerFor() makes every optimizer of its list, each of which descends", () => {
  for (const name of OPTIMIZER_NAMES) {
    const optimizer = optimizerFor(name);
    assert.equal(learningRateOf(optimizer), DEFAULT_LEARNING_RATES[name]);
    const [one, two] = descend(optimizer, 2);
    assert.ok(one < 1 && two < one, `${name}: ${one}, ${two}`);
  }
});

Deno.test("optimizerFor() suggests the nearest name when the name is unknown", () => {
  assert.throws(() => optimizerFor("adm"), {
    name: "RangeError",
    message: 'Cannot make the optimizer "adm": needed is one of sgd, momentum, rmsprop, adam, adamax, adagrad, ' +
      'adadelta (did you mean "adam"?)',
  });
  assert.throws(() => optimizerFor("toString"), /needed is one of [a-z, ]+$/);
});

Deno.test("optimizerFor() refuses a learning rate when it is not above 0", () => {
  for (const learningRate of [0, -1, NaN, Infinity]) {
    assert.throws(() => optimizerFor("sgd", { learningRate }), {
      name: "RangeError",
      message: `Cannot make the optimizer "sgd": the learning rate is ${learningRate}, needed is a number above 0`,
    });
  }
});

Deno.test("setLearningRate() changes the next step of every optimizer of the list", () => {
  for (const name of OPTIMIZER_NAMES) {
    const rate = DEFAULT_LEARNING_RATES[name];
    const optimizer = optimizerFor(name);
    const [one, two, three] = descend(optimizer, 3, (step) => setLearningRate(optimizer, step === 1 ? 0 : rate));
    // Momentum outlives a rate of 0, but its contribution to the value is multiplied by the rate in TF.js.
    assert.equal(two, one, name);
    assert.ok(three < two, name);
  }
});

Deno.test("setLearningRate() leaves no tensors behind when it is called often", () => {
  const optimizer = optimizerFor("momentum");
  const before = tf.memory().numTensors;
  for (let i = 1; i < 20; i++) setLearningRate(optimizer, i / 100);
  assert.equal(tf.memory().numTensors, before);
  optimizer.dispose();
});

Deno.test("setLearningRate() refuses a negative rate and an optimizer without one", () => {
  class Still extends tf.Optimizer {
    static readonly className = "Still";
    override applyGradients(): void {}
    override getConfig() {
      return {};
    }
  }
  assert.throws(() => setLearningRate(optimizerFor("adam"), -1), { name: "RangeError" });
  assert.throws(() => setLearningRate(new Still(), 0.1), {
    name: "TypeError",
    message: 'Cannot set the learning rate of "Still": it has no field learningRate',
  });
});

Deno.test("nearestName() finds a name one slip away and none when all are far", () => {
  const names = ["resnet20", "cifar_cnn"];
  assert.equal(nearestName("resnet", names), "resnet20");
  assert.equal(nearestName("CIFAR-CNN", names), "cifar_cnn");
  assert.equal(nearestName("vgg", names), undefined);
});
