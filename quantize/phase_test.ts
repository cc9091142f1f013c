import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, inputFor, sequentialModel } from "../tests/_support/small_models.ts";
import {
  FakeQuantize,
  FreezableBatchNormalization,
  layersIn,
  type QatPhase,
  QuantizedWeights,
  setQatPhase,
} from "../src/quant/mod.ts";
import { prepareQat } from "./prepare.ts";

tf.env().set("PROD", true);

/** One training step's forward pass. */
function trainingPass(model: tfl.LayersModel): void {
  tf.tidy(() => {
    model.apply(inputFor(model), { training: true });
  });
}

/** Every weight's values by name. */
function snapshot(model: tfl.LayersModel): Map<string, string> {
  return new Map(model.weights.map((weight) => [weight.originalName, weight.read().dataSync().join()]));
}

/** Names of weights that a training pass in `phase` changes. */
function changedIn(phase: QatPhase): string[] {
  const { model } = prepareQat(sequentialModel());
  trainingPass(model);
  const [kernel, scale] = model.getLayer("conv1").getWeights();
  model.getLayer("conv1").setWeights([tf.mul(kernel, 2), scale]);
  setQatPhase(model, phase);
  const before = snapshot(model);
  trainingPass(model);
  return [...snapshot(model)].filter(([name, values]) => before.get(name) !== values).map(([name]) => name);
}

Deno.test("setQatPhase() stops ranges and scales from following, and leaves batch statistics alone", () => {
  const changed = changedIn({ observing: false });
  assert.deepEqual(changed, ["bn1/moving_mean", "bn1/moving_variance"]);
});

Deno.test("setQatPhase() freezes batch statistics and leaves ranges alone", () => {
  const changed = changedIn({ trainingBatchNorm: false });
  assert.ok(changed.includes("act1_quant/max") && changed.includes("conv1/kernel_scale"), String(changed));
  assert.ok(!changed.some((name) => name.includes("moving")));
});

Deno.test("setQatPhase() changes only what it is given", () => {
  const { model } = prepareQat(sequentialModel());
  const state = () =>
    layersIn(model).flatMap((layer) => {
      if (layer instanceof FakeQuantize) return [layer.observing, layer.enabled, layer.calibrating];
      if (layer instanceof QuantizedWeights) return [layer.observing, layer.enabled];
      return layer instanceof FreezableBatchNormalization ? [layer.frozen] : [];
    });
  setQatPhase(model, { observing: false, fakeQuantizing: false, trainingBatchNorm: false, calibrating: true });
  const before = state();
  setQatPhase(model, {});
  assert.deepEqual(state(), before);
  setQatPhase(model, { observing: true, fakeQuantizing: true, trainingBatchNorm: true, calibrating: false });
  assert.deepEqual(state(), before.map((value) => !value));
});

Deno.test("setQatPhase() reaches the layers of nested models", () => {
  const { model } = prepareQat(sequentialModel());
  const input = tfl.input({ shape: [8, 8, 3] });
  const outer = tfl.model({ inputs: input, outputs: apply(model, input) });
  setQatPhase(outer, { fakeQuantizing: false });
  assert.deepEqual(layersIn(model).filter((layer) => layer instanceof FakeQuantize && layer.enabled), []);
});
