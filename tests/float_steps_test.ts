/**
 * Steps on the float model keep what it computes: on every net of one layer in every configuration, on the built-in
 * architectures, and on models within models.
 */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { buildArchitecture } from "../models/arch/mod.ts";
import { inputNames } from "../models/ports.ts";
import { contextOf } from "../quantize/methods/_test_nets.ts";
import { absorbBias } from "../quantize/methods/absorb_bias.ts";
import { equalize } from "../quantize/methods/equalize.ts";
import { smooth } from "../quantize/methods/smooth.ts";
import type { StepOutcome } from "../quantize/methods/step.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import { fromModel, toModel } from "../src/rewrite/mod.ts";
import { LAYER_NETS } from "./_layer_nets/mod.ts";
import { nestedModel, predict, randomTensor, skipModel } from "./_support/small_models.ts";

tf.env().set("PROD", true);
registerQuantKernels();
registerQuantLayers();

/** Of absorption alone the answers may move, where it absorbs. */
const STEPS = [equalize, smooth, absorbBias];

const isAbsorbed = (step: (typeof STEPS)[number], { effects }: StepOutcome) =>
  step === absorbBias && effects.length > 0;

/** Runs all steps on `model`, and returns how many layers they changed. */
async function assertKept(model: tfl.LayersModel, inputs: readonly tf.Tensor[]): Promise<number> {
  const size = inputs[0].shape[0];
  const arrays = inputs.map((input, i) => [inputNames(model)[i], Float32Array.from(input.dataSync())] as const);
  const context = contextOf([{ inputs: Object.fromEntries(arrays), size }]);
  const expected = predict(model, inputs);
  let changed = 0;
  for (const step of STEPS) {
    const { model: after, ...outcome } = await step.apply(model, context);
    changed += outcome.effects.length;
    const actual = predict(after, inputs);
    if (!isAbsorbed(step, outcome)) {
      expected.forEach((values, i) => {
        const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6);
        const worst = values.reduce((a, b, k) => Math.max(a, Math.abs(b - actual[i][k])), 0);
        assert.ok(worst <= 1e-5 * most, `${step.name}: output ${i} is off by ${worst} of ${most}`);
      });
    }
    after.dispose();
  }
  return changed;
}

function samples(model: tfl.LayersModel, size: number): readonly tf.Tensor[] {
  return model.inputs.map(({ shape }, i) => randomTensor([size, ...shape.slice(1).map((dim) => dim ?? 4)], 3 + i));
}

Deno.test("float steps keep what nets of every layer in every configuration compute", async () => {
  // For what recurrent layers call.
  await registerBackend();
  await tf.setBackend("cpu");
  let changed = 0;
  for (const { name, build, broken } of LAYER_NETS) {
    if (broken !== undefined) continue;
    // Read and built anew, with copies of what TF.js 4.22 frees too early where one layer reads it twice.
    const model = toModel(fromModel(build()));
    try {
      changed += await assertKept(model, samples(model, 2));
    } catch (cause) {
      throw new Error(`in the net "${name}"`, { cause });
    }
    model.dispose();
  }
  assert.ok(changed > LAYER_NETS.length, `${changed} changes in ${LAYER_NETS.length} nets`);
});

const PICTURES = { inputShape: [8, 8, 3], outputs: 3, seed: 3 };

for (const name of ["cifar_cnn", "resnet20", "lstm", "transformer"]) {
  Deno.test(`float steps keep what ${name} computes`, async () => {
    await tf.setBackend("cpu");
    const model = buildArchitecture(name, PICTURES);
    const changed = await assertKept(model, samples(model, 2));
    // Nothing scales through a recurrent layer.
    assert.equal(changed > 0, name !== "lstm");
  });
}

Deno.test("float steps keep what models within models compute", async () => {
  await tf.setBackend("cpu");
  for (const model of [nestedModel(), skipModel()]) assert.ok(await assertKept(model, samples(model, 2)) > 0);
});
