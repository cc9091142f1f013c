import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertClose } from "./_test_support.ts";
import { quarters, SIDE, tinyNet, useBackend } from "./_test_task.ts";
import { evaluate, type LabelledBatch } from "./evaluate.ts";
import { topKAccuracy } from "./metrics.ts";

const DATA = quarters(20, 4);

/** Rows `from` to `to` of the data. */
function rows(from: number, to: number): LabelledBatch {
  const stride = DATA.x.length / DATA.size;
  return { x: DATA.x.slice(from * stride, to * stride), y: DATA.y.slice(from, to), size: to - from };
}

Deno.test("evaluate() gives the answers of predict and their accuracy", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  const { metric, score, samples, outputs, labels, values } = await evaluate(model, [DATA]);
  const expected = model.predict(tf.tensor(DATA.x, [20, SIDE, SIDE, 2])) as tf.Tensor;
  assert.deepEqual(outputs, expected.dataSync());
  assert.deepEqual(labels, DATA.y);
  const right = [...tf.argMax(expected, 1).dataSync()].filter((top, i) => top === DATA.y[i]).length;
  assert.deepEqual([metric, score, samples, values], ["accuracy", right / 20, 20, 4]);
});

Deno.test("evaluate() does not depend on how the samples are split into batches", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  const whole = await evaluate(model, [DATA]);
  const parts = await evaluate(model, [rows(0, 8), rows(8, 16), rows(16, 20)]);
  assert.deepEqual(parts, whole);
  assert.deepEqual(await evaluate(model, [rows(0, 3), rows(3, 14), rows(14, 20)]), whole);
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
  const model = tfl.sequential({ layers: [new Spy({ inputShape: [2] })] });
  sizes.length = 0;
  const small = { x: Float32Array.of(7, 8), y: Int32Array.of(1), size: 1 };
  const large = { x: Float32Array.of(1, 2, 4, 3, 5, 6), y: Int32Array.of(1, 1, 1), size: 3 };
  const { outputs, score } = await evaluate(model, [large, small]);
  assert.deepEqual([...outputs], [1, 2, 4, 3, 5, 6, 7, 8]);
  assert.deepEqual(sizes, [3, 3]);
  assert.equal(score, 0.75);
});

Deno.test("evaluate() takes a metric of the caller's and the last of several outputs", async () => {
  await useBackend("cpu");
  const input = tfl.input({ shape: [3] });
  const flipped = tfl.layers.dense({
    units: 3,
    useBias: false,
    weights: [tf.tensor2d([0, 0, 1, 0, 1, 0, 1, 0, 0], [3, 3])],
  });
  const model = tfl.model({ inputs: input, outputs: [input, flipped.apply(input) as tfl.SymbolicTensor] });
  const data = [{ x: Float32Array.of(3, 2, 1), y: Int32Array.of(1), size: 1 }];
  const { metric, score, outputs } = await evaluate(model, data, { metric: topKAccuracy(2) });
  assert.deepEqual([metric, score, [...outputs]], ["top-2 accuracy", 1, [1, 2, 3]]);
});

Deno.test("evaluate() uses moving statistics and no dropout, and changes nothing", async () => {
  await useBackend("cpu");
  const model = tinyNet({ dropout: 0.9 });
  const before = tf.memory().numTensors;
  const [first, second] = [await evaluate(model, [DATA]), await evaluate(model, [DATA])];
  assertClose(second.outputs, first.outputs, 0);
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
  await assert.rejects(evaluate(model, [{ ...DATA, y: DATA.y.map(() => 9) }]), /a label is 9/);
  const abort = AbortSignal.abort(new Error("enough"));
  await assert.rejects(evaluate(model, [DATA], { signal: abort }), { message: "enough" });
});
