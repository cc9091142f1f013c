import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { randomValues } from "../_test_support.ts";
import { dequantizeLinear, quantizeLinear } from "../../numbers/quantize.ts";
import { gridOfInterval, INT8_SYMMETRIC, PER_TENSOR, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { saveAndLoad, useLayers, valuesOf, weightValues } from "./_test_support.ts";
import { FakeQuantize } from "./fake_quantize_layer.ts";

const TRAINING = { training: true };

Deno.test("FakeQuantize rounds with the range of the batch when it is the first training batch", async () => {
  await useLayers();
  const layer = new FakeQuantize({ name: "q" });
  const y = layer.apply(tf.tensor2d([[-1, 0.4, 0.6, 254]]), TRAINING);
  assert.deepEqual(valuesOf(y), [-1, 0, 1, 254]);
  assert.deepEqual(weightValues(layer), {
    "q/min": [-1],
    "q/max": [254],
    "q/count": [1],
    "q/scale": [1],
    "q/zero_point": [1],
  });
  assert.equal(layer.trainableWeights.length, 0);
});

Deno.test("FakeQuantize keeps its range when it is not observing or not training", async () => {
  await useLayers();
  const layer = new FakeQuantize();
  layer.apply(tf.tensor2d([[0, 255]]), TRAINING);
  const before = weightValues(layer);
  layer.apply(tf.tensor2d([[-9, 900]]));
  layer.observing = false;
  const y = layer.apply(tf.tensor2d([[-9, 900]]), TRAINING);
  assert.deepEqual(weightValues(layer), before);
  assert.deepEqual(valuesOf(y), [0, 255]);
});

Deno.test("FakeQuantize observes and passes values unchanged when it is calibrating and disabled", async () => {
  await useLayers();
  const layer = new FakeQuantize({ observer: "min-max" });
  layer.enabled = false;
  layer.calibrating = true;
  assert.deepEqual(valuesOf(layer.apply(tf.tensor2d([[0.5, 3]]))), [0.5, 3]);
  layer.apply(tf.tensor2d([[-7, 1]]));
  assert.deepEqual(layer.readRange(), { min: -7, max: 3 });
});

Deno.test("FakeQuantize puts the zero point at qmin when its range is not negative", async () => {
  await useLayers();
  const layer = new FakeQuantize({ nonNegative: true });
  layer.apply(tf.tensor2d([[-3, 510]]), TRAINING);
  assert.deepEqual(layer.readGrid(), { scale: 2, zeroPoint: 0, qmin: 0, qmax: 255, granularity: PER_TENSOR });
  assert.deepEqual(layer.readRange(), { min: 0, max: 510 });
});

Deno.test("FakeQuantize observes nothing when its grid is fixed", async () => {
  await useLayers();
  const layer = new FakeQuantize({ fixed: gridOfInterval("unit", UINT8_AFFINE) });
  const y = layer.apply(tf.tensor2d([[0, 0.5, 0.502, 1]]), TRAINING);
  assert.deepEqual(valuesOf(y), [0, 0.5, 0.50390625, 255 / 256]);
  assert.ok(layer.isCalibrated());
  assert.deepEqual(layer.readGrid(), { scale: 1 / 256, zeroPoint: 0, qmin: 0, qmax: 255, granularity: PER_TENSOR });
  assert.deepEqual(layer.readRange(), { min: 0, max: 255 / 256 });
  assert.throws(() => layer.setRange({ min: 0, max: 1 }), /its grid is fixed/);
});

Deno.test("FakeQuantize uses scale 1 and refuses to tell its grid when it was never observed", async () => {
  await useLayers();
  const layer = new FakeQuantize({ name: "never" });
  assert.equal(layer.isCalibrated(), false);
  assert.deepEqual(valuesOf(layer.apply(tf.tensor2d([[-2, 1.4, 3]]))), [0, 1, 3]);
  assert.equal(layer.isCalibrated(), false);
  assert.throws(() => layer.readGrid(), /Cannot export "never": it was never observed/);
  assert.throws(() => layer.readRange(), /never observed/);
});

Deno.test("FakeQuantize takes the range it is set when an observer ran outside the graph", async () => {
  await useLayers();
  const layer = new FakeQuantize();
  layer.build([null, 2]);
  layer.setRange({ min: -1, max: 254 });
  assert.ok(layer.isCalibrated());
  assert.deepEqual(layer.readGrid(), { scale: 1, zeroPoint: 1, qmin: 0, qmax: 255, granularity: PER_TENSOR });
  layer.apply(tf.tensor2d([[-1, 354]]), TRAINING);
  assert.deepEqual(layer.readRange(), { min: -1, max: 255 }); // 254 + 0.01 * 100
});

Deno.test("FakeQuantize refuses when an argument is impossible", async () => {
  await useLayers();
  assert.throws(() => new FakeQuantize({ momentum: 0 }), RangeError);
  assert.throws(() => new FakeQuantize({ fixed: { scale: 0, zeroPoint: 0 } }), RangeError);
  assert.throws(() => new FakeQuantize({ name: "q" }).setRange({ min: 0, max: 1 }), /"q": the layer is not built/);
});

Deno.test("FakeQuantize passes the gradient to its input alone when it observes in the same step", async () => {
  await useLayers();
  const layer = new FakeQuantize({ momentum: 0.01 });
  layer.apply(tf.tensor2d([[0, 255]]), TRAINING);
  // The range hardly moves, so 900 is clipped, and nothing comes back through the observed maximum.
  const dx = tf.grad((x) => tf.sum(layer.apply(x, TRAINING) as tf.Tensor))(tf.tensor2d([[1, 900]]));
  assert.deepEqual([...dx.dataSync()], [1, 0]);
});

Deno.test("FakeQuantize leaks no tensors when it observes many batches", async () => {
  await useLayers();
  const layer = new FakeQuantize();
  const x = tf.tensor2d([[1, 2]]);
  const run = () => tf.dispose(layer.apply(x, TRAINING) as tf.Tensor);
  run();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) run();
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("FakeQuantize reads nothing back when it observes and rounds", async () => {
  await useLayers();
  const layer = new FakeQuantize();
  const x = tf.tensor2d([[1, 2]]);
  layer.apply(x, TRAINING);
  const dataSync = tf.Tensor.prototype.dataSync;
  // Every way from a tensor to JavaScript numbers goes through dataSync or, later than this call, through data.
  try {
    tf.Tensor.prototype.dataSync = () => {
      throw new Error("a tensor was read back");
    };
    layer.apply(x, TRAINING);
  } finally {
    tf.Tensor.prototype.dataSync = dataSync;
  }
});

for (const kind of ["sequential", "functional", "nested"] as const) {
  Deno.test(`FakeQuantize keeps its configuration and state when a ${kind} model is saved and loaded`, async () => {
    await useLayers();
    const quantizer = new FakeQuantize({ name: "q_in", observer: "min-max", nonNegative: false, inputShape: [4] });
    const signed = new FakeQuantize({ name: "qOut", momentum: 0.1, scheme: INT8_SYMMETRIC });
    const fixed = new FakeQuantize({ name: "fixed", fixed: gridOfInterval("unit", UINT8_AFFINE) });
    const layers = [quantizer, tfl.layers.dense({ units: 3, name: "fc" }), signed, fixed];
    const model = modelOf(kind, layers);
    model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    await model.fit(tf.tensor2d(randomValues(32, { seed: 3 }), [8, 4]), tf.zeros([8, 3]), { epochs: 2, verbose: 0 });

    const loaded = await saveAndLoad(model);
    assert.deepEqual(weightValues(loaded), weightValues(model));
    assert.equal(Object.keys(weightValues(loaded)).length, 17);
    const x = tf.tensor2d(randomValues(8, { seed: 4 }), [2, 4]);
    assert.deepEqual(valuesOf(loaded.predict(x)), valuesOf(model.predict(x)));

    const inner = kind === "nested" ? (loaded.layers.at(-1) as tfl.LayersModel) : loaded;
    for (const layer of [quantizer, signed, fixed]) {
      const copy = inner.getLayer(layer.name);
      assert.ok(copy instanceof FakeQuantize);
      assert.deepEqual(copy.getConfig(), { ...layer.getConfig(), ...batchShapeOf(copy) });
      assert.deepEqual(copy.readGrid(), layer.readGrid());
    }
  });
}

function modelOf(kind: "sequential" | "functional" | "nested", layers: tfl.layers.Layer[]): tfl.LayersModel {
  if (kind === "sequential") return tfl.sequential({ layers });
  const input = tfl.input({ shape: [4] });
  // A layer with one output, called with a symbolic tensor, returns one.
  const output = layers.reduce((x, layer) => layer.apply(x) as tfl.SymbolicTensor, input);
  const model = tfl.model({ inputs: input, outputs: output, name: "inside" });
  if (kind === "functional") return model;
  const outer = tfl.input({ shape: [4] });
  return tfl.model({ inputs: outer, outputs: model.apply(outer) as tfl.SymbolicTensor });
}

function batchShapeOf(layer: FakeQuantize): tf.serialization.ConfigDict {
  const { batchInputShape, dtype } = layer.getConfig();
  return { ...(batchInputShape && { batchInputShape }), ...(dtype && { dtype }) };
}

Deno.test("FakeQuantize equals quantizeLinear and dequantizeLinear on its grid when it is calibrated", async () => {
  await useLayers();
  const layer = new FakeQuantize();
  const x = randomValues(200, { seed: 9, span: 5 });
  layer.apply(tf.tensor2d(x, [1, 200]), TRAINING);
  const wide = randomValues(200, { seed: 10, span: 8 });
  const grid = layer.readGrid();
  assert.deepEqual(
    valuesOf(layer.apply(tf.tensor2d(wide, [1, 200]))),
    [...dequantizeLinear(quantizeLinear(wide, grid), grid)],
  );
});

Deno.test("FakeQuantize keeps code 0 for 0 when values are known not to be negative, whatever range is set", async () => {
  await useLayers();
  const layer = new FakeQuantize({ nonNegative: true, inputShape: [1] });
  tfl.sequential({ layers: [layer] });
  layer.setRange({ min: -255, max: 510 });
  const { scale, zeroPoint } = layer.readGrid();
  assert.deepEqual({ scale, zeroPoint }, { scale: 2, zeroPoint: 0 });
});
