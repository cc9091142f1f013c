import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../../tests/_support/small_models.ts";
import { setQatPhase } from "../../src/quant/mod.ts";
import { calibrate } from "../calibrate.ts";
import { floatModelOf } from "../float_model.ts";
import { prepareQat } from "../prepare.ts";
import { contextOf, randomBatches } from "./_test_nets.ts";
import { reestimate, reestimateBn } from "./reestimate_bn.ts";

const { layers } = tfl;

function statistics(model: tfl.LayersModel, name: string): readonly number[] {
  return model.getLayer(name).weights.filter(({ originalName }) => originalName.includes("moving")).flatMap((weight) =>
    [...weight.read().dataSync()].map((value) => Number(value.toPrecision(5)))
  );
}

const batch = (...values: number[]) => ({ inputs: { x: Float32Array.from(values) }, size: values.length });

Deno.test("reestimateBn() takes the mean of batches' means and of their unbiased variances", async () => {
  const norm = (name: string) => layers.batchNormalization({ name, epsilon: 1 });
  const model = tfl.sequential({ layers: [layers.inputLayer({ inputShape: [1] }), norm("a"), norm("b")] });
  const { effects, left } = await reestimate(model, contextOf([batch(1, 3), batch(2, 6)]));
  // Means 2 and 4, variances 2 and 8.
  assert.deepEqual(statistics(model, "a"), [3, 5]);
  // The second reads ±1/√(1 + 1) and ±2/√(4 + 1): variances 1 and 8/5.
  assert.deepEqual(statistics(model, "b"), [0, 1.3]);
  assert.deepEqual(left, []);
  // The first batch's mean is 2: (2 − 0)/√(1 + 1) before, (2 − 3)/√(5 + 1) afterwards.
  const [{ layer, before, after }] = effects;
  assert.deepEqual([layer, before.toFixed(4), after.toFixed(4)], ["a", "1.4142", "0.4082"]);
});

Deno.test("reestimateBn() counts batches by their samples, and no more than 50 of them", async () => {
  const build = () =>
    tfl.sequential({ layers: [layers.inputLayer({ inputShape: [1] }), layers.batchNormalization({ name: "a" })] });
  const uneven = build();
  await reestimate(uneven, contextOf([batch(1, 1, 1, 1, 1, 3), batch(5, 7)]));
  assert.equal(statistics(uneven, "a")[0], (6 * 8 / 6 + 2 * 6) / 8);
  const many = build();
  await reestimate(many, contextOf([...Array.from({ length: 50 }, () => batch(1, 3)), batch(100, 200)]));
  assert.deepEqual(statistics(many, "a"), [2, 2]);
});

Deno.test("reestimateBn() leaves what has one value a channel, and says where there is nothing to do", async () => {
  const model = tfl.sequential({ layers: [layers.batchNormalization({ name: "a", inputShape: [1] })] });
  const { effects, left } = await reestimate(model, contextOf([batch(3)]));
  assert.deepEqual(statistics(model, "a"), [0, 1]);
  assert.deepEqual([effects, left.map(({ layer }) => layer)], [[], ["a"]]);
  const none = await reestimate(
    tfl.sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }),
    contextOf([]),
  );
  assert.match(String(none.facts), /no batch normalization/);
});

Deno.test("reestimateBn() takes the last axis however it is counted, and leaves others alone", async () => {
  const build = (axis: number) =>
    tfl.sequential({
      layers: [layers.inputLayer({ inputShape: [1, 1] }), layers.batchNormalization({ name: "a", axis, epsilon: 1 })],
    });
  const samples = () => contextOf([batch(1, 3), batch(2, 6)]);
  for (const axis of [-1, 2]) {
    const model = build(axis);
    await reestimate(model, samples());
    assert.deepEqual(statistics(model, "a"), [3, 5], `${axis}`);
  }
  const other = build(1);
  await reestimate(other, samples());
  assert.deepEqual(statistics(other, "a"), [0, 1]);
});

Deno.test("reestimateBn() counts all calls of a shared layer", async () => {
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [1], name }));
  const norm = layers.batchNormalization({ name: "norm" });
  const model = tfl.model({ inputs, outputs: inputs.map((x) => apply(norm, x)) });
  const { model: prepared } = prepareQat(model, { target: "simulation" });
  const samples = [{ inputs: { a: Float32Array.of(1, 3), b: Float32Array.of(10, 14) }, size: 2 }];
  for (const each of [model, prepared]) {
    setQatPhase(prepared, { fakeQuantizing: false });
    await reestimate(each, contextOf(samples));
    // Means 2 and 12, variances 2 and 8.
    assert.deepEqual(statistics(each, "norm"), [7, 5]);
  }
});

Deno.test("reestimateBn() brings a prepared model's statistics to those of rounded values", async () => {
  const conv = (name: string) => layers.conv2d({ filters: 3, kernelSize: 3, useBias: false, name });
  const model = seedWeights(tfl.sequential({
    layers: [
      layers.inputLayer({ inputShape: [6, 6, 2] }),
      ...[conv("a"), layers.batchNormalization({ name: "a_norm" }), layers.reLU()],
      ...[conv("b"), layers.batchNormalization({ name: "b_norm" })],
    ],
  }));
  const batches = randomBatches(model, { count: 3, size: 8 });
  await reestimate(model, contextOf(batches));
  // Five codes: rounding moves the means.
  const recipe = { rules: [{ match: {}, then: { weights: { dtype: "int4" as const, qmin: -2, qmax: 2 } } }] };
  const { model: prepared } = prepareQat(model, { target: "simulation", recipe });
  await calibrate(prepared, batches);
  const { effects } = await reestimateBn.apply(prepared, floatModelOf(prepared).model, contextOf(batches));
  assert.deepEqual(effects.map(({ layer }) => layer), ["a_norm", "b_norm"]);
  assert.ok(effects[1].before > 3 * effects[1].after, JSON.stringify(effects));
});
