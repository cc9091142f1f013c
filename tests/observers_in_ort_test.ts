/** Ranges and scales by every observer in the deployed file: ONNX Runtime answers as the simulation does. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import type { RecipeRule } from "../quantize/recipe.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { OBSERVER_NAMES, type ObserverName, quantizedLayersIn } from "../src/quant/mod.ts";
import { inputFor, predict, seedWeights, sequentialModel, skipModel } from "./_support/small_models.ts";

tf.env().set("PROD", true);

const FIXED: RecipeRule = { match: { kind: "Conv2D" }, then: { range: { min: -2, max: 3 } } };
const MSE_WEIGHTS: RecipeRule = { match: {}, then: { weights: { observer: "mse" } } };

for (const [model, make] of Object.entries({ sequentialModel, skipModel })) {
  for (const observer of OBSERVER_NAMES as readonly ObserverName[]) {
    Deno.test(`the file of ${model}() by ${observer}, with weights by mse and fixed ranges, answers as simulated`, async () => {
      await registerBackend();
      await tf.setBackend(BACKEND);
      const recipe = { rules: [FIXED, MSE_WEIGHTS, { match: {}, then: { observer } }] };
      const { model } = prepareQat(seedWeights(make(), 21), { recipe });
      await calibrate(model, [1, 2, 3, 4].map((seed) => inputFor(model, seed)));
      const shares = quantizedLayersIn(model).flatMap(({ state }) =>
        Object.entries(state).flatMap(([name, value]) => name.endsWith("_share") ? [...value.read().dataSync()] : [])
      );
      assert.ok(shares.some((share) => share < 1), "no scale is less than min-max gives");
      const exported = await toOnnx(model);
      const { float } = verifyFusion(exported.bytes, exported.graph);
      assert.deepEqual(float, []);
      const x = inputFor(model, 9);
      const simulated = predict(model, x);
      runExported(exported, x).forEach((values, i) => assert.deepEqual([...values], [...simulated[i]]));
    });
  }
}
