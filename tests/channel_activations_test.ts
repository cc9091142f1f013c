/** Activations with a grid for each channel, and weights by the least squared error, in the engine and on the cpu backend. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import type { RecipeRule } from "../quantize/recipe.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { type ObserverName, quantizedLayersIn } from "../src/quant/mod.ts";
import { inputFor, predict, sequentialModel } from "./_support/small_models.ts";

tf.env().set("PROD", true);

const RULES: readonly RecipeRule[] = [
  { match: {}, then: { activations: { granularity: "per-channel" }, weights: { observer: "mse" } } },
];

/** Scales and answers of a model that is calibrated on `backend`. */
async function resultsOn(backend: string, observer: ObserverName) {
  await tf.setBackend(backend);
  const { model } = prepareQat(sequentialModel(), { target: "simulation", recipe: { rules: RULES } });
  await calibrate(model, [1, 2, 3].map((seed) => inputFor(model, seed)), { observer });
  const scales = quantizedLayersIn(model).flatMap((layer) =>
    layer.readGrids().flatMap(({ grid }) => typeof grid.scale === "number" ? [grid.scale] : Array.from(grid.scale))
  );
  return { scales, answers: predict(model, inputFor(model, 9)).flatMap((answer) => [...answer]) };
}

for (const observer of ["min-max", "mse", "percentile"] as const) {
  Deno.test(`grids for each channel by ${observer}, and weights by mse, are the same in the engine as on the cpu backend`, async () => {
    await registerBackend();
    const [engine, cpu] = [await resultsOn("onnxruntime", observer), await resultsOn("cpu", observer)];
    // Of input, pooled, depthwise and output channels, and of the three weights.
    assert.ok(engine.scales.length > 3 + 4 + 8, `${engine.scales.length} scales`);
    assert.equal(engine.scales.length, cpu.scales.length);
    engine.scales.forEach((scale, i) =>
      assert.ok(Math.abs(scale / cpu.scales[i] - 1) < 1e-3, `${scale}, ${cpu.scales[i]}`)
    );
    engine.answers.forEach((answer, i) => assert.ok(Math.abs(answer - cpu.answers[i]) < 0.01));
  });
}
