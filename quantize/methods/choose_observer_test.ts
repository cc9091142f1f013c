import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { seeded } from "../../src/quant/_test_support.ts";
import { layersIn, type ObserverName, quantizedLayer } from "../../src/quant/mod.ts";
import { noiseOf, sqnrDb } from "../../src/numbers/noise.ts";
import { calibrate, type NamedBatch, uncalibratedIn } from "../calibrate.ts";
import { chooseObserver } from "./choose_observer.ts";
import { prepareQat } from "../prepare.ts";

tf.env().set("PROD", true);

const [SIZE, BATCHES, WIDTH] = [16, 8, 12];

/** Two dense layers with a ReLU between, prepared. */
function net(): tfl.LayersModel {
  const { dense } = tfl.layers;
  const kernelInitializer = (seed: number) => tfl.initializers.glorotUniform({ seed });
  return prepareQat(tfl.sequential({
    layers: [
      dense({ units: 24, activation: "relu", inputShape: [WIDTH], kernelInitializer: kernelInitializer(1) }),
      dense({ units: 6, kernelInitializer: kernelInitializer(2) }),
    ],
  })).model;
}

/** Batches of samples in [-1, 1), `large` of which are a thousand times that. */
function batchesWith(large: readonly number[] = []): readonly NamedBatch[] {
  const next = seeded(7);
  return Array.from({ length: BATCHES }, (_, batch) => ({
    inputs: {
      x: Float32Array.from({ length: SIZE * WIDTH }, (_, i) => {
        const sample = batch * SIZE + Math.floor(i / WIDTH);
        return (2 * next() - 1) * (large.includes(sample) ? 1000 : 1);
      }),
    },
    size: SIZE,
  }));
}

function stateOf(model: tfl.LayersModel): number[][] {
  return layersIn(model).flatMap((layer) => Object.values(quantizedLayer(layer)?.state ?? {}))
    .map((weight) => [...weight.read().dataSync()]);
}

const CANDIDATES: readonly ObserverName[] = ["histogram", "moving-average"];
const SAMPLES = SIZE * BATCHES;

Deno.test("chooseObserver() leaves the ranges that calibrate() finds by the observer that it takes", async () => {
  for (const [large, expected] of [[[], "histogram"], [[90], "moving-average"]] as const) {
    const batches = batchesWith(large);
    const model = net();
    const before = tf.memory().numTensors;
    const trials = await chooseObserver(model, () => batches, { candidates: CANDIDATES, samples: SAMPLES });
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(trials.map(({ observer }) => observer)[0], expected, JSON.stringify(trials));
    assert.equal(trials.length, 2);
    assert.ok(trials[0].sqnrDb > trials[1].sqnrDb);
    const alone = net();
    await calibrate(alone, batches, { observer: expected });
    assert.deepEqual(stateOf(model), stateOf(alone));
    assert.deepEqual(uncalibratedIn(model), []);
  }
});

Deno.test("chooseObserver() tells the mean of the samples' own ratios, by their definition", async () => {
  const [batches, model] = [batchesWith([3]), net()];
  const [{ sqnrDb: told }] = await chooseObserver(model, () => batches, { candidates: ["mse"], samples: SAMPLES });
  const answers = (rounds: boolean) => {
    for (const layer of layersIn(model)) quantizedLayer(layer)?.setPhase({ fakeQuantizing: rounds });
    return batches.flatMap((
      { inputs: { x } },
    ) => [...(model.predict(tf.tensor2d(x, [SIZE, WIDTH])) as tf.Tensor).dataSync()]);
  };
  const [float, given] = [answers(false), answers(true)];
  const ratios = Array.from({ length: SAMPLES }, (_, i) => {
    const [real, rounded] = [float, given].map((all) => all.slice(6 * i, 6 * (i + 1)));
    return Math.min(Math.max(sqnrDb(noiseOf(real, rounded)) ?? 80, -20), 80);
  });
  assert.ok(Math.abs(told - ratios.reduce((a, b) => a + b) / SAMPLES) < 1e-6, `${told}`);
});

Deno.test("chooseObserver() asks whose range each observer finds, and tells how far it is", async () => {
  const [batches, model] = [batchesWith(), net()];
  const asked = new Set<string>();
  const told: string[] = [];
  await chooseObserver(model, () => batches, {
    candidates: CANDIDATES,
    samples: SAMPLES,
    observerOf: (quantizer, candidate) => {
      asked.add(`${quantizer.endsWith("_quant")} ${candidate}`);
      return "min-max";
    },
    onProgress: (done, of) => told.push(`${done} of ${of}`),
  });
  assert.deepEqual([...asked], ["true histogram", "true moving-average"]);
  assert.deepEqual([told[0], told.at(-1)], ["16 of 256", "256 of 256"]);
});

Deno.test("chooseObserver() brings ranges back where it fails", async () => {
  const model = net();
  await calibrate(model, batchesWith());
  const before = stateOf(model);
  const broken = batchesWith().with(5, { inputs: { x: new Float32Array(SIZE * WIDTH).fill(NaN) }, size: SIZE });
  const tensors = tf.memory().numTensors;
  await assert.rejects(
    chooseObserver(model, () => broken, { candidates: CANDIDATES, samples: SAMPLES }),
    /is given NaN for sample 81/,
  );
  assert.deepEqual([stateOf(model), tf.memory().numTensors], [before, tensors]);
});
