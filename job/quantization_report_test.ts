import assert from "node:assert/strict";
import { prepareQat } from "../quantize/prepare.ts";
import { describeQuantization } from "./_quantization_report.ts";
import { tinyModel } from "./_test_support.ts";

const UINT8 = "uint8 0 to 255, affine, per tensor";
const INT8 = "int8 -127 to 127, symmetric, per channel";

Deno.test("describeQuantization() says layer by layer what a target has by default", () => {
  const { target, recipe } = describeQuantization(prepareQat(tinyModel()));
  assert.equal(target.name, "x86");
  assert.match(target.shows, /VNNI/);
  const own = { method: "qat", activations: UINT8, observer: "moving-average" };
  assert.deepEqual(recipe, {
    rules: [],
    resolved: [
      { layer: "conv_input", ...own },
      { layer: "conv", ...own, weights: INT8 },
      { layer: "conv2", ...own, weights: INT8 },
      { layer: "pool", ...own },
      { layer: "dense_linear", ...own, weights: INT8 },
      { layer: "dense", activations: UINT8, observer: "none: 0 to 1" },
    ],
  });
});

Deno.test("describeQuantization() names the rules that decided, and those that match nothing", () => {
  const rules = [
    { match: { name: "conv2" }, then: { float: true } },
    { match: { pattern: "^head", kind: "Dense" }, then: { method: "static" } },
    { match: {}, then: { weights: { granularity: "per-tensor" }, observer: "moving-average" } },
  ] as const;
  const { recipe } = describeQuantization(prepareQat(tinyModel(), { recipe: { name: "mine", rules } }));
  const all = "all layers: weights, observer";
  assert.deepEqual([recipe.name, recipe.rules], ["mine", ['"conv2": float', "/^head/ and Dense: method", all]]);
  assert.deepEqual(recipe.unmatched, ["/^head/ and Dense: method"]);
  const [conv, conv2] = ["conv", "conv2"].map((name) => recipe.resolved.find(({ layer }) => layer === name));
  assert.deepEqual([conv?.rules, conv?.weights], [[all], INT8.replace("per channel", "per tensor")]);
  assert.deepEqual([conv2?.rules?.[0], conv2?.float], ['"conv2": float', "it was asked to stay in float"]);
});

Deno.test("describeQuantization() says which ranges are fixed, and how scales of weights are found", () => {
  const rules = [
    { match: { name: "conv" }, then: { range: { min: -1, max: 2.5 } } },
    { match: {}, then: { weights: { observer: "mse" } } },
  ] as const;
  const { recipe } = describeQuantization(prepareQat(tinyModel(), { recipe: { rules } }));
  const conv = recipe.resolved.find(({ layer }) => layer === "conv");
  assert.deepEqual([conv?.observer, conv?.method, conv?.weights], ["none: -1 to 2.5", undefined, `${INT8}, by mse`]);
});

Deno.test("describeQuantization() says that a simulation has no file", () => {
  const { target } = describeQuantization(prepareQat(tinyModel(), { target: "simulation" }));
  assert.deepEqual([target.name, target.shows.startsWith("There is no file")], ["simulation", true]);
});
