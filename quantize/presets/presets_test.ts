import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import { sequentialModel } from "../../tests/_support/small_models.ts";
import { prepareQat } from "../prepare.ts";
import { readRecipe } from "../recipe.ts";
import { presetOf, PRESETS } from "./mod.ts";

for (const recipe of PRESETS) {
  Deno.test(`preset "${recipe.name}" is a recipe that its target holds`, () => {
    assert.deepEqual(readRecipe(JSON.parse(JSON.stringify(recipe)), "preset"), recipe);
    const prepared = prepareQat(sequentialModel(), { recipe });
    assert.equal(prepared.target, recipe.target);
    assert.deepEqual(prepared.unmatched, []);
  });
}

Deno.test("presetOf() of a target spells out what the target has by default", () => {
  for (const target of ["x86", "arm", "qnnpack", "fbgemm"]) {
    const schemes = (recipe?: ReturnType<typeof presetOf>) =>
      prepareQat(sequentialModel(), { target, ...(recipe === undefined ? {} : { recipe }) }).layers.map((layer) => [
        layer.weights,
        layer.activations,
        layer.observer,
        layer.momentum,
      ]);
    assert.deepEqual(schemes(presetOf(target)), schemes());
  }
});
