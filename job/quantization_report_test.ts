import assert from "node:assert/strict";
import { prepareQat } from "../quantize/prepare.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { inputFor } from "../tests/_support/small_models.ts";
import { describeLayers } from "./_layers_report.ts";
import { describeQuantization } from "./_quantization_report.ts";
import { describeAgreement } from "./_report_parts.ts";
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

Deno.test("describeLayers() tells a layer's grid as soon as it has one", async () => {
  await registerBackend();
  const prepared = prepareQat(tinyModel());
  const conv = () => describeLayers(prepared).find(({ name }) => name === "conv")!;
  assert.deepEqual(Object.keys(conv()), ["name", "kind", "className", "weightError"]);
  await calibrate(prepared.model, [inputFor(prepared.model)]);
  const { range, scale, zeroPoint, weightError } = conv();
  assert.ok(range!.min === 0 && Math.abs(range!.max / (255 * scale!) - 1) < 1e-6);
  assert.ok(zeroPoint === 0 && weightError!.sqnrDb! > 40);
});

Deno.test("describeAgreement() tells of answers on no grid how far they are apart, and of the codes before them if known", () => {
  const values = { kind: "values", count: 20, maxDifference: 0.5, rmsDifference: 0.25 } as const;
  const common = { count: 20, compared: "values", maxError: 0.5, rmsError: 0.25 };
  const lastGrids = [{ layer: "fc", count: 40, different: 1, maxDifference: 2 }];
  const agreement = describeAgreement([
    { output: "a", samples: 20, compared: values },
    { output: "b", samples: 20, same: 19, compared: { ...values, lastGrids } },
  ]);
  assert.deepEqual(agreement, [{ output: "a", ...common }, { output: "b", alike: 19, ...common, lastGrids }]);
});
