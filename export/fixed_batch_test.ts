/** Files for a fixed number of samples against files for any. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { exportFor, NETS } from "../quantize/targets/_test_nets.ts";
import { randomTensor } from "../tests/_support/small_models.ts";
import { DeployedModel, type Samples } from "./deployed.ts";
import { compareLatency } from "./latency.ts";
import { toOnnx } from "./to_onnx.ts";

/** Runs a file on samples as `DeployedModel` does. */
function answer(bytes: Uint8Array, samples: Samples) {
  const model = new DeployedModel(bytes, { precise: true });
  try {
    return { batch: model.batch, answers: model.predict(samples) };
  } finally {
    model.dispose();
  }
}

for (const [net, build] of Object.entries(NETS)) {
  Deno.test(`toOnnx() with fixedBatch writes files without a symbol, of the same codes, when the net is: ${net}`, async () => {
    const { prepared: { model }, exported } = await exportFor("x86", build);
    const x = randomTensor([5, 8, 8, 3], 21);
    const samples = { image: x.dataSync<"float32">() };
    const any = answer(exported.bytes, samples);
    assert.equal(any.batch, undefined);
    for (const fixedBatch of [1, 3]) {
      const { bytes, graph } = await toOnnx(model, { fixedBatch, debug: true });
      assert.ok([...graph.types.values()].every(({ shape }) => shape.every((dim) => typeof dim === "number")));
      assert.deepEqual(answer(bytes, samples), { batch: fixedBatch, answers: any.answers });
    }
    tf.dispose(x);
  });
}

Deno.test("toOnnx() writes float files and operators on codes for a fixed batch too", async () => {
  const { prepared: { model }, exported } = await exportFor("x86", NETS.dense);
  const x = { image: randomTensor([4, 8, 8, 3], 21).dataSync<"float32">() };
  const { bytes } = await toOnnx(model, { fixedBatch: 2, format: "qoperator" });
  assert.deepEqual(answer(bytes, x).answers, answer(exported.bytes, x).answers);
  const float = await toOnnx(model, { precision: "float32", fixedBatch: 2 });
  const shapes = [float.bytes, bytes].map((file) => Object.values(answer(file, x).answers).map(({ shape }) => shape));
  assert.deepEqual(shapes, [[[4, 5]], [[4, 5]]]);
  const { times } = compareLatency([float.bytes, bytes], { runs: 3 });
  assert.ok(times.every(({ p50 }) => p50 > 0));
});

Deno.test("toOnnx() refuses a fixed batch that is no number of samples", async () => {
  const { prepared: { model } } = await exportFor("x86", NETS.dense);
  for (const fixedBatch of [0, -1, 1.5, NaN]) {
    await assert.rejects(toOnnx(model, { fixedBatch }), {
      name: "RangeError",
      message: /a whole number from 1 is needed/,
    });
  }
});
