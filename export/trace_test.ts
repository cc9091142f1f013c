import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import { apply, inputFor, nestedModel, predict, seedWeights, sequentialModel } from "../tests/_support/small_models.ts";
import { runOnnx } from "../tests/_support/ort.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { withSeededDropout } from "../train/seeded_dropout.ts";
import { traceModel } from "./trace.ts";

const { layers } = tfl;

/** Compares a traced graph as ONNX Runtime runs it with TF.js's cpu backend. */
async function assertComputes(model: tfl.LayersModel, batch: number): Promise<void> {
  const graph = await traceModel(model, { batch });
  await tf.setBackend("cpu");
  const inputs = model.inputs.map((input, i) => {
    const shape = input.shape.map((dim) => dim ?? batch);
    return tf.randomUniform(shape, -1, 1, "float32", 7 + i);
  });
  const expected = predict(model, inputs);
  const feeds = Object.fromEntries(inputs.map((x, i) => [graph.inputs[i], {
    dtype: "float32",
    shape: x.shape,
    data: x.dataSync<"float32">(),
  }]));
  const outputs = await runOnnx(encodeModel(graph), feeds);
  graph.outputs.forEach((name, i) => assertClose(outputs[name].data as Float32Array, expected[i]));
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length);
  const size = Math.max(...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    // Sums in another order: float32's 1e-7 times some hundred terms.
    assert.ok(Math.abs(actual[i] - expected[i]) <= 1e-5 * size, `element ${i}: ${actual[i]}, expected ${expected[i]}`);
  }
}

Deno.test("traceModel() records the inference pass under the layers' names", async () => {
  await registerBackend();
  const model = sequentialModel();
  const { nodes, inputs, initializers } = await traceModel(model, { batch: 2 });
  assert.deepEqual(inputs, ["conv1_input"]);
  assert.deepEqual([...new Set(nodes.map(({ layer }) => layer))], [
    "conv1",
    "bn1",
    "act1",
    "pool1",
    "dw",
    "flat",
    "fc",
  ]);
  for (const name of ["conv1/kernel", "bn1/gamma", "dw/depthwise_kernel", "fc/bias"]) {
    assert.ok(initializers.has(name), `no initializer "${name}"`);
  }
  await assertComputes(model, 2);
});

Deno.test("traceModel() tells apart layers and weights of one name in nested models", async () => {
  await registerBackend();
  const model = nestedModel();
  const { nodes } = await traceModel(model, { batch: 1 });
  const convs = nodes.filter(({ op }) => op === "Conv").map(({ layer }) => layer);
  assert.deepEqual(convs, ["body/conv", "body/block/conv"]);
  await assertComputes(model, 3);
});

Deno.test("traceModel() keeps a layer's method when tracing fails", async () => {
  await registerBackend();
  const model = sequentialModel();
  const open = tfl.sequential({ layers: [layers.conv2d({ filters: 1, kernelSize: 1, inputShape: [null, null, 3] })] });
  await assert.rejects(
    traceModel(open, { batch: 1 }),
    /Cannot export input ".*": its shape is \[\?,\?,\?,3\], all but the batch must be known/,
  );
  await traceModel(model, { batch: 1 });
  for (const layer of model.layers) assert.ok(!Object.hasOwn(layer, "call"), layer.name);
  assert.equal(predict(model, inputFor(model))[0].length, 2 * 5);
});

Deno.test("traceModel() traces a model in training, and leaves its dropout what it was", async () => {
  const backend = await registerBackend();
  const dropout = layers.dropout({ rate: 0.5, name: "dropout" });
  const model = tfl.sequential({ layers: [layers.dense({ units: 3, inputShape: [4] }), dropout] });
  const seeded = withSeededDropout(model, 1);
  try {
    const call = Object.getOwnPropertyDescriptor(dropout, "call");
    assert.ok(call !== undefined);
    const { nodes } = await traceModel(model, { batch: 2 });
    assert.ok(nodes.length > 0);
    assert.deepEqual(Object.getOwnPropertyDescriptor(dropout, "call"), call);
  } finally {
    seeded.restore();
  }
  assert.ok(!Object.hasOwn(dropout, "call"));
  backend.flush();
  model.dispose();
});

Deno.test("traceModel() follows several inputs and outputs in the model's order", async () => {
  await registerBackend();
  const a = tfl.input({ shape: [4], name: "a" });
  const b = tfl.input({ shape: [3], name: "b" });
  const joined = apply(layers.concatenate({ name: "join" }), a, b);
  const first = apply(layers.dense({ units: 2, name: "first" }), joined);
  const second = apply(layers.dense({ units: 5, activation: "tanh", name: "second" }), joined);
  const model = seedWeights(tfl.model({ inputs: [b, a], outputs: [second, first], name: "two" }));
  const graph = await traceModel(model, { batch: 2 });
  assert.deepEqual(graph.inputs, ["b", "a"]);
  assert.deepEqual(graph.outputs.map((name) => graph.types.get(name)?.shape), [[2, 5], [2, 2]]);
  await assertComputes(model, 2);
});

Deno.test("traceModel() takes four-dimensional inputs as [n, c, h, w] when asked to", async () => {
  await registerBackend();
  const graph = await traceModel(sequentialModel(), { batch: 2, inputLayout: "nchw" });
  assert.deepEqual(graph.types.get(graph.inputs[0])?.shape, [2, 3, 8, 8]);
});

Deno.test("traceModel() returns to the backend that was current", async () => {
  await registerBackend();
  await tf.setBackend("cpu");
  const model = sequentialModel();
  const before = predict(model, inputFor(model));
  await traceModel(model, { batch: 1 });
  assert.equal(tf.getBackend(), "cpu");
  assert.deepEqual(predict(model, inputFor(model)), before);
});

Deno.test("traceModel() returns to the backend that was current when it refuses the model", async () => {
  await registerBackend();
  await tf.setBackend("cpu");
  const open = tfl.sequential({ layers: [layers.conv2d({ filters: 1, kernelSize: 1, inputShape: [null, null, 3] })] });
  await assert.rejects(traceModel(open, { batch: 1 }), /Cannot export input/);
  assert.equal(tf.getBackend(), "cpu");
});

Deno.test("traceModel() knows the weights of a Sequential model that never ran by their names", async () => {
  await registerBackend();
  const model = tfl.sequential({ layers: [layers.dense({ units: 2, inputShape: [3], name: "only" })] });
  const { initializers, inputs } = await traceModel(model, { batch: 1 });
  for (const name of ["only/bias", "only/kernel"]) assert.ok(initializers.has(name), `no initializer "${name}"`);
  assert.deepEqual(inputs, ["only_input"]);
});

Deno.test("traceModel() leaves TF.js on the backend that it found", async () => {
  await registerBackend();
  for (const name of ["cpu", "onnxruntime"]) {
    await tf.setBackend(name);
    await traceModel(sequentialModel(), { batch: 1 });
    assert.equal(tf.getBackend(), name);
  }
});

Deno.test("traceModel() refuses layers that keep states between calls, by name", async () => {
  await registerBackend();
  const layer = layers.gru({ units: 2, stateful: true, recurrentInitializer: "zeros" }) as tfl.RNN;
  const kept = layers.bidirectional({ layer, mergeMode: "sum", name: "kept", batchInputShape: [4, 3, 2] });
  await assert.rejects(traceModel(tfl.sequential({ layers: [kept] }), { batch: 4 }), {
    name: "TypeError",
    message: /^Cannot export layer "kept" \(Bidirectional\): it is stateful/,
  });
});
