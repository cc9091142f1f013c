import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { calibrate } from "../quantize/calibrate.ts";
import { type PrepareOptions, prepareQat } from "../quantize/prepare.ts";
import { PER_TENSOR_WEIGHTS } from "../quantize/recipe.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { outputGridOf, quantizedLayersIn } from "../src/quant/mod.ts";
import { apply, randomArray, seedWeights, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import type { PartFacts } from "./facts.ts";
import { measureParts } from "./measure.ts";

const { layers } = tfl;

Deno.test.beforeAll(async () => void await registerBackend());

/** Prepares and calibrates a model on samples that it returns, in batches of 4. */
async function prepared(float: tfl.LayersModel, options: PrepareOptions = {}) {
  const { model } = prepareQat(float, options);
  const size = 4;
  const batches = () =>
    [1, 2].map((seed) => ({
      inputs: Object.fromEntries(
        model.inputs.map(({ sourceLayer, shape }, i) => [
          sourceLayer.name,
          randomArray(tf.util.sizeFromShape([size, ...shape.slice(1) as number[]]), seed + 10 * i),
        ]),
      ),
      size,
    }));
  await calibrate(model, batches());
  return { model, batches };
}

/** 10·log10(Σx² / Σ(x − y)²), written down plainly. */
function decibels(x: readonly number[], y: readonly number[]): number {
  const energy = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  return 10 * Math.log10(energy(x) / energy(x.map((value, i) => value - y[i])));
}

const near = (actual: number | null | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-3, `${actual}, not ${expected}`);

Deno.test("measureParts() finds the noise that rounding by hand makes, of each part alone and of all together", async () => {
  const dense = layers.dense({ units: 1, useBias: false, name: "fc", inputShape: [3] });
  const float = tfl.sequential({ layers: [dense] });
  const kernel = [0.9, -0.31, 0.053];
  dense.setWeights([tf.tensor2d(kernel, [3, 1])]);
  const { model, batches } = await prepared(float);
  const x = batches().flatMap(({ inputs }) => [...Object.values(inputs)[0]]);
  const grid = (name: string) => outputGridOf(model.getLayer(name))!;
  const round = (value: number, { scale, zeroPoint, qmin, qmax }: ReturnType<typeof grid>) =>
    (Math.min(qmax, Math.max(qmin, Math.round(value / scale) + zeroPoint)) - zeroPoint) * scale;
  const [input, output] = [grid("fc_input_quant"), grid("fc_quant")];
  const step = 0.9 / 127;
  const codes = kernel.map((w) => Math.round(w / step) * step);
  const dot = (x: readonly number[], w: readonly number[]) =>
    Array.from({ length: x.length / 3 }, (_, i) => w.reduce((sum, w, j) => sum + w * x[3 * i + j], 0));
  const onGrid = x.map((value) => round(value, input));
  const real = dot(x, kernel);
  const { parts: [image, fc], outputsDb } = await measureParts(model, { batches });
  assert.deepEqual([image.layer, fc.layer, fc.className], ["fc_input", "fc", "Dense"]);
  near(fc.weights?.[0].sqnrDb, decibels(kernel, codes));
  near(image.output?.aloneDb, decibels(x, onGrid));
  near(image.sensitivity.oneDb, decibels(real, dot(onGrid, kernel)));
  const alone = dot(x, codes).map((y) => round(y, output));
  near(fc.output?.aloneDb, decibels(real, alone));
  near(fc.sensitivity.oneDb, decibels(real, alone));
  near(image.sensitivity.allButOneDb, decibels(real, alone));
  near(fc.sensitivity.allButOneDb, decibels(real, dot(onGrid, kernel)));
  const all = dot(onGrid, codes).map((y) => round(y, output));
  near(outputsDb, decibels(real, all));
  near(fc.output?.accumulatedDb, decibels(real, all));
});

Deno.test("measureParts() points at the layer that harms the outputs most", async () => {
  const conv = (name: string, more = {}) =>
    layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "relu", name, ...more });
  const float = seedWeights(tfl.sequential({
    layers: [conv("first", { inputShape: [8, 8, 3] }), conv("poor"), conv("last")],
  }));
  // With one scale for all, what is 200 times as large as the others leaves them no codes.
  const [kernel, bias] = float.getLayer("poor").getWeights();
  float.getLayer("poor").setWeights([
    tf.tensor(kernel.dataSync().map((w, i) => i === 5 ? 200 : w), kernel.shape),
    bias,
  ]);
  const { model, batches } = await prepared(float, { recipe: { rules: [PER_TENSOR_WEIGHTS] } });
  const { parts, outputsDb } = await measureParts(model, { batches });
  const weighted = parts.filter(({ weights }) => weights !== undefined);
  const by = (key: (part: PartFacts) => number) =>
    weighted.toSorted((a, b) => key(a) - key(b)).map(({ layer }) => layer);
  assert.equal(by(({ sensitivity }) => sensitivity.oneDb!)[0], "poor");
  assert.equal(by(({ sensitivity }) => -sensitivity.allButOneDb!)[0], "poor");
  const poor = parts.find(({ layer }) => layer === "poor")!;
  assert.ok(poor.sensitivity.allButOneDb! > outputsDb!);
  assert.deepEqual([poor.weights![0].scales, poor.weights![0].magnitudes.max], [1, 200]);
  assert.ok(poor.weights![0].unusedCodes > 0.9);
});

Deno.test("measureParts() tells weights channel by channel: the smallest and largest, the dead, the codes that none has", async () => {
  const dense = layers.dense({ units: 3, useBias: false, name: "fc", inputShape: [2] });
  const float = tfl.sequential({ layers: [dense] });
  dense.setWeights([tf.tensor2d([0.25, 0, -1, -0.5, 0, 0.5], [2, 3])]);
  const { model, batches } = await prepared(float);
  const { parts } = await measureParts(model, { batches });
  const [{ magnitudes, dead, scales, unusedCodes }] = parts.find(({ layer }) => layer === "fc")!.weights!;
  assert.deepEqual([magnitudes, dead, scales], [{ min: 0, max: 1 }, 1, 3]);
  // Each channel by its own largest weight: codes 64 and -127; 0; -127 and 64 of 255.
  assert.equal(unusedCodes, 1 - 3 / 255);
});

Deno.test("measureParts() takes the last axis for channels, and leaves out what is not quantized at all", async () => {
  const float = seedWeights(tfl.sequential({
    layers: [
      layers.conv2d({ filters: 5, kernelSize: 3, name: "conv", inputShape: [6, 7, 2] }),
      layers.flatten({ name: "flat" }),
    ],
  }));
  const rules = [{ match: { name: "conv" }, then: { float: true } }] as const;
  const kept = await prepared(float, { recipe: { rules } });
  await assert.rejects(measureParts(kept.model, kept), /nothing in it is quantized/);
  const { model, batches } = await prepared(float);
  const { parts } = await measureParts(model, { batches });
  assert.deepEqual(parts.map(({ layer }) => layer), ["conv_input", "conv"]);
  assert.deepEqual(parts.map(({ output }) => output?.channels.length), [2, 5]);
});

Deno.test("measureParts() counts a value once that two outputs give, and leaves phases as they were", async () => {
  const { model, batches } = await prepared(skipModel());
  quantizedLayersIn(model)[0].setPhase({ fakeQuantizing: false });
  const before = quantizedLayersIn(model).map(({ phase }) => phase.fakeQuantizing);
  const done: string[] = [];
  const { parts } = await measureParts(model, { batches, onPart: (i, of) => done.push(`${i}/${of}`) });
  assert.deepEqual(quantizedLayersIn(model).map(({ phase }) => phase.fakeQuantizing), before);
  assert.equal(done.at(-1), `${parts.length}/${parts.length}`);
  for (const { output } of parts) {
    assert.ok(output!.accumulatedDb! > 20 && output!.aloneDb! >= output!.accumulatedDb! - 3);
  }
});

Deno.test("measureParts() tells the calls of a shared layer apart, and blames its weights once", async () => {
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [6], name }));
  const dense = layers.dense({ units: 4, activation: "relu", name: "dense" });
  const sum = apply(layers.add({ name: "sum" }), ...inputs.map((input) => apply(dense, input)));
  const { model, batches } = await prepared(seedWeights(tfl.model({ inputs, outputs: sum, name: "shared" })));
  const { parts, outputsDb } = await measureParts(model, { batches });
  assert.deepEqual(parts.map(({ layer }) => layer), ["a", "b", "dense", "dense_1", "sum"]);
  assert.deepEqual(parts.filter(({ weights }) => weights).map(({ layer }) => layer), ["dense"]);
  assert.equal(parts.at(-1)?.output?.accumulatedDb, outputsDb);
});

Deno.test("measureParts() finds no noise where there is no signal", async () => {
  const float = tfl.sequential({
    layers: [layers.dense({ units: 2, inputShape: [3], kernelInitializer: "zeros", name: "still" })],
  });
  const { model, batches } = await prepared(float);
  const { parts: [image, still], outputsDb } = await measureParts(model, { batches });
  assert.ok(image.output!.aloneDb! > 30);
  assert.deepEqual([still.weights![0].sqnrDb, still.weights![0].dead, still.output!.aloneDb], [null, 2, null]);
  assert.deepEqual(still.output!.channels.map(({ state }) => state), ["dead", "dead"]);
  assert.deepEqual([still.sensitivity, outputsDb], [{ oneDb: null, allButOneDb: null }, null]);
});

Deno.test("measureParts() refuses a float model, and no samples", async () => {
  const { model } = await prepared(sequentialModel());
  await assert.rejects(measureParts(model, { batches: () => [] }), {
    name: "RangeError",
    message: 'Cannot debug "seq": there are no samples, at least 1 is needed',
  });
  await assert.rejects(measureParts(sequentialModel(), { batches: () => [] }), {
    name: "TypeError",
    message: /Cannot debug "seq": nothing in it is quantized, a prepared model is needed/,
  });
});
