import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../../export/to_onnx.ts";
import { loadLayersModel, saveLayersModel } from "../../models/import/layers_model.ts";
import { registerBackend } from "../../src/backend/mod.ts";
import { dequantizeLinear, quantizeLinear } from "../../src/numbers/quantize.ts";
import { layersIn, outputGridOf, quantizedLayer, quantizedLayersIn, setQatPhase } from "../../src/quant/mod.ts";
import { fromModel, toModel } from "../../src/rewrite/mod.ts";
import { compareLayers, FUSED, total } from "../../tests/_support/parity.ts";
import {
  apply,
  predict,
  randomArray,
  seedWeights,
  sequentialModel,
  skipModel,
} from "../../tests/_support/small_models.ts";
import { calibrate } from "../calibrate.ts";
import { type PrepareOptions, prepareQat } from "../prepare.ts";
import { presetOf } from "../presets/mod.ts";
import { targetOf } from "../targets/mod.ts";
import { type AdaRoundOptions, makeAdaRound } from "./adaround.ts";
import type { StepContext } from "./step.ts";

const { layers } = tfl;

interface Setting extends PrepareOptions {
  readonly samples?: number;
  readonly seed?: number;
  /** Where samples go from -1 to 1, if not there. */
  readonly move?: (x: number) => number;
}

/** A prepared, calibrated model, its float twin, and what a step may use. */
async function settingOf(
  make: () => tfl.LayersModel,
  { samples = 64, seed = 1, move = (x) => x, ...options }: Setting = {},
) {
  await registerBackend({ threads: 1 });
  const { model, target } = prepareQat(make(), options);
  const size = model.inputs[0].shape.slice(1).reduce<number>((product, dim) => product * (dim ?? 1), 1);
  const all = randomArray(samples * size, seed).map(move);
  async function* batches() {
    for (let at = 0; at < samples; at += 16) {
      const count = Math.min(16, samples - at);
      yield await Promise.resolve({ inputs: { x: all.subarray(at * size, (at + count) * size) }, size: count });
    }
  }
  await calibrate(model, batches());
  const float = toModel(fromModel(model));
  setQatPhase(float, { fakeQuantizing: false });
  const context: StepContext = { batches, samples, seed: 0, target: targetOf(target) };
  return { model, float, context, x: tf.tensor(all, [samples, ...model.inputs[0].shape.slice(1) as number[]]) };
}

/** Fewer steps, each of them longer. */
const QUICK: AdaRoundOptions = { steps: 300, learningRate: 0.02, batchSize: 16 };

const FOUR_BITS = { recipe: presetOf("four-bit-weights") };

/** Codes of the weights of every layer, by the layer's name. */
function codesIn(model: tfl.LayersModel): Map<string, readonly number[]> {
  return new Map(
    layersIn(model).flatMap((layer) => {
      const grids = quantizedLayer(layer)?.readGrids() ?? [];
      return grids.flatMap(({ grid, weight }) =>
        weight === undefined ? [] : [[layer.name, [...quantizeLinear(weight.read(), grid, weight)]] as const]
      );
    }),
  );
}

Deno.test("adaround finds what trying all 256 roundings of each unit of a layer finds", async () => {
  const [units, inputs, count] = [8, 8, 64];
  const dense = () => layers.dense({ units, useBias: false, inputShape: [inputs], name: "dense" });
  const { model, float, context, x } = await settingOf(() => seedWeights(tfl.sequential({ layers: [dense()] })), {
    ...FOUR_BITS,
    samples: count,
    // Of numbers above 0, errors of roundings add up.
    move: (x) => (x + 1) / 2,
  });
  const given = x.dataSync<"float32">();
  const grid = outputGridOf(model.getLayer("dense_input_quant"))!;
  const read = dequantizeLinear(quantizeLinear(given, grid), grid);
  const [{ grid: { scale }, weight }] = quantizedLayer(model.getLayer("dense"))!.readGrids();
  const w = weight!.read().slice();
  const unitOf = (unit: number) => {
    const step = (scale as Float32Array)[unit];
    const real = Array.from({ length: inputs }, (_, i) => w[units * i + unit]);
    const errorOf = (points: readonly number[]) => {
      let sum = 0;
      for (let n = 0; n < count; n++) {
        let difference = 0;
        for (let i = 0; i < inputs; i++) {
          difference += read[inputs * n + i] * points[i] * step - given[inputs * n + i] * real[i];
        }
        sum += difference ** 2;
      }
      return sum / count;
    };
    // The largest weight lies on the grid.
    const all = Array.from(
      { length: 2 ** inputs },
      (_, bits) =>
        real.map((w, i) => Math.abs(w / step) > 6.999 ? 7 * Math.sign(w) : Math.floor(w / step) + (bits >> i & 1)),
    );
    return { errorOf, best: Math.min(...all.map(errorOf)), nearest: errorOf(real.map((w) => Math.round(w / step))) };
  };
  const each = Array.from({ length: units }, (_, unit) => unitOf(unit));
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b);
  const [best, nearest] = [sum(each.map(({ best }) => best)), sum(each.map(({ nearest }) => nearest))];
  const { effects: [effect] } = await makeAdaRound({ ...QUICK, steps: 1000 }).apply(model, float, context);
  const codes = codesIn(model).get("dense")!;
  const found = sum(each.map(({ errorOf }, unit) => errorOf(codes.filter((_, i) => i % units === unit))));
  assert.ok(Math.abs(effect.before - nearest) < 1e-4 * nearest, `${effect.before}, ${nearest}`);
  assert.ok(Math.abs(effect.after - found) < 1e-4 * nearest, `${effect.after}, ${found}`);
  assert.ok(best < 0.5 * nearest, `best ${best}, nearest ${nearest}`);
  assert.ok(found <= best + 0.05 * (nearest - best), `found ${found}, best ${best}, nearest ${nearest}`);
});

/** One layer called twice, with batch norm and ReLU. */
function sharedModel(): tfl.LayersModel {
  const input = tfl.input({ shape: [8, 8, 3], name: "image" });
  const conv = layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", name: "shared" });
  const norm = layers.batchNormalization({ name: "norm" });
  const once = apply(layers.reLU({ name: "relu_a" }), apply(norm, apply(conv, input)));
  const twice = apply(layers.reLU({ name: "relu_b" }), apply(norm, apply(conv, once)));
  const flat = apply(layers.flatten({ name: "flat" }), twice);
  const score = apply(layers.dense({ units: 4, name: "score" }), flat);
  return seedWeights(tfl.model({ inputs: input, outputs: score, name: "shared_net" }));
}

const NETS = { sequentialModel, skipModel, sharedModel };
const SETTINGS: Readonly<Record<string, Setting>> = {
  "x86": { target: "x86" },
  "x86-portable": { target: "x86-portable" },
  "qnnpack, one scale a tensor": { target: "qnnpack" },
  "four bits": FOUR_BITS,
};

for (const [name, make] of Object.entries(NETS)) {
  for (const [title, setting] of Object.entries(SETTINGS)) {
    Deno.test(`adaround chooses points next to each weight, no worse than the nearest, of ${name}() for ${title}`, async () => {
      const { model, float, context } = await settingOf(make, setting);
      const scales = quantizedLayersIn(model).flatMap((layer) => layer.readGrids().map(({ grid }) => grid.scale));
      const before = new Map(layersIn(model).map((layer) => [layer.name, stepsIn(layer)]));
      const { effects, left, facts } = await makeAdaRound(QUICK).apply(model, float, context);
      assert.deepEqual(left, []);
      assert.equal(facts?.length, effects.length);
      assert.ok(effects.every(({ before, after }) => after <= before));
      assert.ok(effects.some(({ before, after }) => after < 0.99 * before));
      for (const [layer, codes] of codesIn(model)) {
        codes.forEach((code, i) => assert.ok(Math.abs(code - before.get(layer)![i]) < 1, `${layer} ${i}`));
      }
      const after = quantizedLayersIn(model).flatMap((layer) => layer.readGrids().map(({ grid }) => grid.scale));
      assert.deepEqual(after, scales);
    });
  }
}

/** The weights of a layer in steps of their grids. */
function stepsIn(layer: tfl.layers.Layer): readonly number[] {
  const weights = (quantizedLayer(layer)?.readGrids() ?? []).filter(({ weight }) => weight !== undefined);
  return weights.flatMap(({ grid, weight }) => {
    const units = dequantizeLinear(new Float32Array(weight!.read().length).fill(1), grid, weight!);
    return Array.from(weight!.read(), (w, i) => w / units[i]);
  });
}

for (const [name, make] of Object.entries(NETS)) {
  Deno.test(`the file, the saved model and the simulation have the codes that adaround chose of ${name}()`, async () => {
    const { model, float, context, x } = await settingOf(make, { target: "x86-portable" });
    const nearest = codesIn(model);
    await makeAdaRound(QUICK).apply(model, float, context);
    const codes = codesIn(model);
    assert.notDeepEqual(codes, nearest);
    const { graph } = await toOnnx(model);
    for (const [layer, chosen] of codes) {
      const { data, shape } = graph.initializers.get(`${layer}/kernel`)!;
      // Batch norm turns the signs of whole channels; Conv has its channels first.
      const magnitudes = (codes: Iterable<number>) => [...codes].map(Math.abs).sort((a, b) => a - b);
      assert.deepEqual(magnitudes(data as Int8Array), magnitudes(chosen), `${layer} [${shape}]`);
    }
    assert.deepEqual(total(await compareLayers(model, x, FUSED)).different, 0);
    const dir = await Deno.makeTempDir();
    try {
      await saveLayersModel(model, dir);
      const { model: loaded } = await loadLayersModel(`${dir}/model.json`);
      assert.deepEqual(codesIn(loaded), codes);
      assert.deepEqual(predict(loaded, [x]), predict(model, [x]));
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test("adaround writes the very codes of a dense layer into the file", async () => {
  const net = () =>
    seedWeights(tfl.sequential({ layers: [layers.dense({ units: 5, inputShape: [7], name: "dense" })] }));
  const { model, float, context } = await settingOf(net);
  await makeAdaRound(QUICK).apply(model, float, context);
  const { graph } = await toOnnx(model);
  assert.deepEqual([...graph.initializers.get("dense/kernel")!.data], codesIn(model).get("dense"));
});

Deno.test("adaround is the same again, and has nothing to do where it was done", async () => {
  const run = async (seed: number) => {
    const { model, float, context } = await settingOf(sequentialModel, FOUR_BITS);
    const outcome = await makeAdaRound(QUICK).apply(model, float, { ...context, seed });
    return { model, float, context, outcome };
  };
  const [first, second] = [await run(0), await run(0)];
  assert.notDeepEqual((await run(1)).outcome, first.outcome);
  assert.deepEqual(second.outcome, first.outcome);
  assert.deepEqual(codesIn(second.model), codesIn(first.model));
  const codes = codesIn(first.model);
  const { effects, left } = await makeAdaRound(QUICK).apply(first.model, first.float, first.context);
  assert.deepEqual(effects, []);
  assert.deepEqual(left.map(({ because }) => because), Array(3).fill("its weights lie on the grid as they are"));
  // Scales that are found anew from the weights are the same.
  for (const layer of quantizedLayersIn(first.model)) layer.weightsChanged?.();
  assert.deepEqual(codesIn(first.model), codes);
});

Deno.test("adaround keeps as many samples as there is room for, and leaves a layer of which there is none for two", async () => {
  // conv1 reads and answers 8·8·(3 + 4) numbers, dw 32 + 4·4·4, fc 37: 1,792, 384 and 148 bytes.
  const { model, float, context } = await settingOf(sequentialModel);
  const { effects, left, facts } = await makeAdaRound({ ...QUICK, bytes: 3000 }).apply(model, float, context);
  assert.deepEqual(left, [{
    layer: "conv1",
    because: "a sample of what it reads and answers takes 1 MB, there is room for 1 MB and needed are 2 samples",
  }]);
  assert.equal(effects.length, 2);
  assert.match(facts![0], /^dw: 300 steps on 7 samples, error /);
  assert.match(facts![1], /^fc_linear: 300 steps on 16 samples, error /);
});

Deno.test("adaround takes smaller batches of large pictures", async () => {
  // A sample takes 64²·(2 + 126)·4 bytes, 2 MiB: 8 go into a batch of 16, and two batches are in 19 samples.
  const conv = () => layers.conv2d({ filters: 126, kernelSize: 1, inputShape: [64, 64, 2], name: "conv" });
  const { model, float, context } = await settingOf(() => seedWeights(tfl.sequential({ layers: [conv()] })), {
    samples: 19,
  });
  const { facts } = await makeAdaRound({ steps: 2, batchSize: 32 }).apply(model, float, context);
  assert.match(facts![0], /^conv: 2 steps on 16 samples, error /);
});

Deno.test("adaround tells how far it is, and stops where it is told to", async () => {
  const { model, float, context } = await settingOf(sequentialModel);
  const told: (readonly [number, number])[] = [];
  const stop = new AbortController();
  const onProgress = (done: number, of: number) => {
    told.push([done, of]);
    if (done === 450) stop.abort(new Error("enough"));
  };
  const step = makeAdaRound(QUICK);
  await assert.rejects(step.apply(model, float, { ...context, onProgress, signal: stop.signal }), /^Error: enough$/);
  assert.deepEqual(told.at(-1), [450, 900]);
  told.length = 0;
  await step.apply(model, float, { ...context, onProgress });
  assert.deepEqual(told.at(-1), [900, 900]);
  assert.ok(told.every(([done], i) => i === 0 || done >= told[i - 1][0]));
});

Deno.test("adaround refuses a single sample, and leaves no tensors behind", async () => {
  const one = await settingOf(sequentialModel, { samples: 1 });
  await assert.rejects(makeAdaRound(QUICK).apply(one.model, one.float, one.context), {
    name: "RangeError",
    message: 'Cannot learn the rounding of "seq": there is 1 sample to calibrate with, at least 2 are needed',
  });
  const { model, float, context } = await settingOf(sequentialModel, { samples: 3 });
  const before = tf.memory().numTensors;
  await makeAdaRound({ ...QUICK, steps: 5 }).apply(model, float, context);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("adaround works on TF.js's own backend too", async () => {
  const { model, float, context } = await settingOf(sharedModel, FOUR_BITS);
  await tf.setBackend("cpu");
  try {
    const { effects } = await makeAdaRound({ ...QUICK, steps: 20 }).apply(model, float, context);
    assert.equal(effects.length, 2);
  } finally {
    await tf.setBackend("onnxruntime");
  }
});
