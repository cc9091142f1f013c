/** Steps on prepared models, on nets of every layer that has weights or is shared: means get closer to those of float. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { inputNames } from "../models/ports.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { contextOf } from "../quantize/methods/_test_nets.ts";
import { correctBias } from "../quantize/methods/correct_bias.ts";
import { reestimateBn } from "../quantize/methods/reestimate_bn.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { setQatPhase } from "../src/quant/mod.ts";
import { fromModel, toModel } from "../src/rewrite/mod.ts";
import { COMBINED } from "./_layer_nets/combined.ts";
import type { LayerNet } from "./_layer_nets/mod.ts";
import { SHARED } from "./_layer_nets/shared.ts";
import { BATCH_NORM, WEIGHTED } from "./_layer_nets/weighted.ts";
import { WIRING } from "./_layer_nets/wiring.ts";
import { randomTensor } from "./_support/small_models.ts";

tf.env().set("PROD", true);

/** Four bits, so that means are far off. */
const FOUR_BITS = { rules: [{ match: {}, then: { weights: { dtype: "int4" as const, qmin: -7, qmax: 7 } } }] };
const SIZE = 4;

/** Corrects a net, and returns the mean errors of its layers before and after. */
async function correct({ build }: LayerNet): Promise<readonly { before: number; after: number }[]> {
  const model = toModel(fromModel(build()));
  const prepare = () => prepareQat(model, { target: "simulation", recipe: FOUR_BITS, swap: [] }).model;
  const [prepared, float] = [prepare(), prepare()];
  // Not around 0, where rounding leaves means alone.
  const inputs = model.inputs.map(({ shape }, i) =>
    tf.add(randomTensor([SIZE, ...shape.slice(1).map((dim) => dim ?? 4)], 3 + i), 0.5)
  );
  await calibrate(prepared, [inputs]);
  setQatPhase(float, { fakeQuantizing: false });
  const arrays = inputs.map((input, i) => [inputNames(model)[i], Float32Array.from(input.dataSync())] as const);
  const context = contextOf([{ inputs: Object.fromEntries(arrays), size: SIZE }], "simulation");
  const statistics = await reestimateBn.apply(prepared, float, context);
  for (const { after } of statistics.effects) assert.ok(Number.isFinite(after));
  const { effects } = await correctBias.apply(prepared, float, context);
  [model, prepared, float].forEach((each) => each.dispose());
  return effects;
}

Deno.test("prepared steps bring means closer to those of float in nets of every layer with weights", async () => {
  await registerBackend();
  await tf.setBackend("cpu");
  const sums = { layers: 0, before: 0, after: 0 };
  for (const net of [...WEIGHTED, ...BATCH_NORM, ...SHARED, ...WIRING, ...COMBINED]) {
    if (net.broken !== undefined) continue;
    const effects = await correct(net).catch((cause) => {
      throw new Error(`in the net "${net.name}"`, { cause });
    });
    for (const { before, after } of effects) {
      // Biases stand on grids.
      assert.ok(after <= Math.max(before, 1e-3), `${net.name}: ${before} → ${after}`);
      sums.layers++;
      sums.before += before;
      sums.after += after;
    }
  }
  // What is left are the grids of biases, and shared layers.
  assert.ok(sums.layers > 100 && sums.after < 0.05 * sums.before, JSON.stringify(sums));
});
