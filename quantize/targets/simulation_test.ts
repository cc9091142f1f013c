import assert from "node:assert/strict";
import { toOnnx } from "../../export/to_onnx.ts";
import * as tf from "@tensorflow/tfjs-core";
import { registerBackend } from "../../src/backend/mod.ts";
import { outputGridOf } from "../../src/quant/mod.ts";
import { predict, randomTensor } from "../../tests/_support/small_models.ts";
import { calibrate } from "../calibrate.ts";
import { prepareQat } from "../prepare.ts";
import type { SchemeChoice } from "../recipe.ts";
import { NETS } from "./_test_nets.ts";

/** Schemes that no file holds, with the grid of a softmax under them. */
const SCHEMES: Readonly<Record<string, readonly [SchemeChoice, number, number]>> = {
  "four bits": [{ dtype: "uint4" }, 1 / 16, 0],
  "symmetric int8": [{ dtype: "int8", symmetric: true }, 2 / 255, 0],
  "half of the codes of uint8": [{ qmax: 127 }, 1 / 128, 0],
};

for (const [name, [activations, scale, zeroPoint]] of Object.entries(SCHEMES)) {
  Deno.test(`target "simulation" rounds to the grids of activations when they are ${name}, and has no file`, async () => {
    await registerBackend();
    await tf.setBackend("onnxruntime");
    const recipe = { rules: [{ match: {}, then: { activations } }] };
    const { model } = prepareQat(NETS.softmax(), { target: "simulation", recipe, swap: [] });
    const x = randomTensor([16, 8, 8, 3], 7);
    await calibrate(model, [x]);
    const grid = outputGridOf(model.outputs[0].sourceLayer);
    assert.deepEqual([grid?.scale, grid?.zeroPoint], [Math.fround(scale), zeroPoint]);
    const answers = predict(model, [x])[0];
    assert.ok(answers.every((y) => Math.abs(y / scale - Math.round(y / scale)) < 1e-4));
    assert.ok(new Set(answers).size > 2);
    await assert.rejects(toOnnx(model), /target "simulation" is simulated only and has no file/);
    await toOnnx(model, { precision: "float32" });
  });
}
