import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertClose } from "./_test_support.ts";
import { batchOf, quarters, SIDE, type TestBatch, tinyNet, useBackend } from "./_test_task.ts";
import { topKAccuracy } from "../tasks/classification/accuracy.ts";
import { classification } from "../tasks/classification/classification.ts";
import { segmentation } from "../tasks/segmentation/segmentation.ts";
import { evaluate } from "./evaluate.ts";

const DATA = quarters(20, 4);

/** Rows `from` to `to` of the data. */
function rows(from: number, to: number): TestBatch {
  const stride = DATA.x.length / DATA.size;
  return batchOf(DATA.x.slice(from * stride, to * stride), DATA.y.slice(from, to));
}

Deno.test("evaluate() gives the answers of predict and their accuracy", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  const { metrics: [metric], answers, targets, count } = await evaluate(model, [DATA]);
  const expected = model.predict(tf.tensor(DATA.x, [20, SIDE, SIDE, 2])) as tf.Tensor;
  assert.deepEqual(answers, { softmax: { values: expected.dataSync(), shape: [20, 4] } });
  assert.deepEqual(targets, { softmax: DATA.y });
  const right = [...tf.argMax(expected, 1).dataSync()].filter((top, i) => top === DATA.y[i]).length;
  assert.deepEqual([metric.name, metric.output, metric.value, metric.count], ["accuracy", "softmax", right / 20, 20]);
  assert.equal(metric.scores.reduce((sum, score) => sum + score), right);
  assert.equal(count, 20);
});

Deno.test("evaluate() does not depend on how the samples are split into batches", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  const run = async (batches: TestBatch[]) => {
    const { task: _, ...found } = await evaluate(model, batches);
    return found;
  };
  const whole = await run([DATA]);
  assert.deepEqual(await run([rows(0, 8), rows(8, 16), rows(16, 20)]), whole);
  assert.deepEqual(await run([rows(0, 3), rows(3, 14), rows(14, 20)]), whole);
});

Deno.test("evaluate() shows the model one batch size when the last batch is smaller", async () => {
  await useBackend("cpu");
  const sizes: (number | null)[] = [];
  class Spy extends tfl.layers.Layer {
    static readonly className = "Spy";
    override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
      const [x] = Array.isArray(inputs) ? inputs : [inputs];
      sizes.push(x.shape[0]);
      return tf.clone(x);
    }
  }
  const model = tfl.sequential({ layers: [new Spy({ name: "spy", inputShape: [2] })] });
  sizes.length = 0;
  const small = batchOf(Float32Array.of(7, 8), Int32Array.of(1));
  const large = batchOf(Float32Array.of(1, 2, 4, 3, 5, 6), Int32Array.of(1, 1, 1));
  const { answers, metrics } = await evaluate(model, [large, small]);
  assert.deepEqual([...answers.spy.values], [1, 2, 4, 3, 5, 6, 7, 8]);
  assert.deepEqual(sizes, [3, 3]);
  assert.equal(metrics[0].value, 0.75);
});

Deno.test("evaluate() judges the output that the task names, and answers with all", async () => {
  await useBackend("cpu");
  const input = tfl.input({ shape: [3], name: "numbers" });
  const flipped = tfl.layers.dense({
    name: "flipped",
    units: 3,
    useBias: false,
    weights: [tf.tensor2d([0, 0, 1, 0, 1, 0, 1, 0, 0], [3, 3])],
  });
  const model = tfl.model({ inputs: input, outputs: [input, flipped.apply(input) as tfl.SymbolicTensor] });
  const batch = { inputs: { numbers: Float32Array.of(3, 2, 1) }, targets: { flipped: Int32Array.of(1) }, size: 1 };
  const task = classification({ output: "flipped", metrics: [topKAccuracy(2)] });
  const { metrics, answers, targets } = await evaluate(model, [batch], { task });
  assert.deepEqual(metrics.map(({ name, output, value }) => [name, output, value]), [
    ["accuracy", "flipped", 0],
    ["top-2 accuracy", "flipped", 1],
  ]);
  assert.deepEqual(Object.entries(answers).map(([name, { values }]) => [name, ...values]), [
    ["numbers_1", 3, 2, 1],
    ["flipped", 1, 2, 3],
  ]);
  assert.deepEqual(targets, { flipped: Int32Array.of(1) });
  await assert.rejects(
    evaluate(model, [batch]),
    /it has the outputs "numbers_1" and "flipped", the name of one is needed/,
  );
});

Deno.test("evaluate() uses moving statistics and no dropout, and changes nothing", async () => {
  await useBackend("cpu");
  const model = tinyNet({ dropout: 0.9 });
  const before = tf.memory().numTensors;
  const [first, second] = [await evaluate(model, [DATA]), await evaluate(model, [DATA])];
  assertClose(second.answers.softmax.values, first.answers.softmax.values, 0);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("evaluate() says what is needed when there are no samples or they do not fit", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  await assert.rejects(evaluate(model, []), {
    name: "RangeError",
    message: 'Cannot evaluate "tiny": there are no samples, at least 1 is needed',
  });
  await assert.rejects(evaluate(model, [{ ...DATA, size: 5 }]), /a batch of 5 has 2560 numbers, needed are 640/);
  await assert.rejects(evaluate(model, [batchOf(DATA.x, DATA.y.map(() => 9))]), /a target of output "softmax" is 9/);
  const abort = AbortSignal.abort(new Error("enough"));
  await assert.rejects(evaluate(model, [DATA], { signal: abort }), { message: "enough" });
});

Deno.test("evaluate() keeps the classes of pixels as bytes, of all samples, and the numbers of the first", async () => {
  await useBackend("cpu");
  const side = 1024;
  const conv = tfl.layers.conv2d({ name: "map", filters: 3, kernelSize: 1, inputShape: [side, side, 1] });
  const model = tfl.sequential({ layers: [conv] });
  // The largest number of a pixel is the first where it is dark, the last where it is bright.
  conv.setWeights([tf.tensor4d([-1, 0, 1], [1, 1, 1, 3]), tf.tensor1d([0, -5, 0])]);
  const size = side * side;
  const sample = (bright: number) => ({
    inputs: { x: Float32Array.from({ length: size }, (_, i) => i < bright ? 1 : -1) },
    targets: { y: Int32Array.from({ length: size }, (_, i) => i === 0 ? -1 : 2) },
    size: 1,
  });
  const data = [0, 1, 2, 3].map((k) => sample(k * size / 4));
  const { answers: { map }, targets, metrics } = await evaluate(model, data, { task: segmentation() });
  // 2²³ numbers are those of 2 of 4 samples of 3·2²⁰.
  assert.deepEqual([map.shape, map.values.length], [[2, side, side, 3], 2 * 3 * size]);
  assert.deepEqual([map.digest?.shape, map.digest?.values.length], [[4, side, side], 4 * size]);
  assert.ok(targets.map instanceof Uint8Array && targets.map[0] === 255 && targets.map[1] === 2);
  const accuracy = metrics.find(({ name }) => name === "pixel accuracy");
  // The first pixel of each counts for nothing; it is bright in all but the first sample.
  assert.equal(accuracy?.value, (0 + 1 + 2 + 3) * (size / 4) / (4 * (size - 1)) - 3 / (4 * (size - 1)));
});
