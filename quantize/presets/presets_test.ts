import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import { sequentialModel } from "../../tests/_support/small_models.ts";
import { prepareQat } from "../prepare.ts";
import { readRecipe, type RecipeRule } from "../recipe.ts";
import { formatRecord } from "../format_record.ts";
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

Deno.test("formatRecord() writes a line a layer: schemes, observer and rules, or why it is in float", () => {
  const rules: RecipeRule[] = [{ match: { pattern: "^fc$" }, then: { float: true } }, {
    match: { kind: "Conv2D" },
    then: { observer: "min-max" },
  }];
  const text = formatRecord(prepareQat(sequentialModel(), { target: "arm", recipe: { name: "mine", rules } }));
  const lines = text.split("\n");
  assert.deepEqual(lines.slice(0, 2), [
    'Target "arm": ONNX Runtime on ARM CPUs: int8 activations, int8 weights.',
    'Recipe "mine": 2 rules.',
  ]);
  const line = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.split(/ {2,}/);
  const activations = "int8 -128 to 127, affine, per tensor";
  assert.deepEqual(line("conv1"), [
    "conv1",
    "weighted",
    "int8 -127 to 127, symmetric, per channel",
    activations,
    "min-max",
    "2",
  ]);
  assert.deepEqual(line("bn1"), ["bn1", 'part of "conv1"']);
  assert.equal(line("fc")?.at(-1), "float: it was asked to stay in float");
  assert.deepEqual(line("fc_softmax")?.slice(-1), ["known: 0 to 1"]);
});
