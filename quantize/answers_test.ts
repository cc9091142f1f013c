import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { attachDetection } from "../models/detection.ts";
import { outputNames } from "../models/ports.ts";
import { setQatPhase } from "../src/quant/mod.ts";
import { apply, predict, randomTensor, seedWeights } from "../tests/_support/small_models.ts";
import { floatModelOf } from "./float_model.ts";
import { type PreparedModel, prepareQat } from "./prepare.ts";
import type { RecipeRule } from "./recipe.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");
const { layers } = tfl;

/** Two grids of boxes of a picture. */
function detector(): tfl.LayersModel {
  const image = tfl.input({ shape: [8, 8, 3], name: "image" });
  const body = apply(
    layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "relu", name: "body" }),
    image,
  );
  const pooled = apply(layers.maxPooling2d({ poolSize: 2, name: "pool" }), body);
  const outputs = [pooled, body].map((x, i) =>
    apply(layers.conv2d({ filters: 7, kernelSize: 1, name: `boxes_${2 - i}` }), x)
  );
  return seedWeights(tfl.model({ inputs: image, outputs, name: "detector" }));
}

function noted(model: tfl.LayersModel): tfl.LayersModel {
  attachDetection(model, { kind: "yolov3", anchors: [[[4, 4]], [[2, 2]]], classes: 2 });
  return model;
}

const reals = (match: RecipeRule["match"]): RecipeRule => ({ match, then: { answers: "reals" } });
const classOf = ({ layers }: PreparedModel, name: string) => layers.find(({ layer }) => layer === name)?.className;
const hasGrid = ({ quantizers }: PreparedModel, name: string) => quantizers.some(({ of }) => of === name);

Deno.test("prepareQat() lets a detector answer in real numbers, by dense layers in place of convolutions of size 1", () => {
  const model = noted(detector());
  const prepared = prepareQat(model);
  for (const name of ["boxes_2", "boxes_1"]) {
    assert.deepEqual([classOf(prepared, name), hasGrid(prepared, name)], ["Dense", false]);
  }
  assert.deepEqual([prepared.islands, hasGrid(prepared, "body_relu") || hasGrid(prepared, "body")], [[], true]);
  assert.deepEqual(outputNames(prepared.model), outputNames(model));
  setQatPhase(prepared.model, { observing: false, fakeQuantizing: false, trainingBatchNorm: false });
  const x = randomTensor([2, 8, 8, 3], 4);
  const expected = predict(model, [x]);
  for (const answers of [predict(prepared.model, [x]), predict(floatModelOf(prepared.model).model, [x])]) {
    answers.forEach((values, i) =>
      values.forEach((value, k) =>
        assert.ok(Math.abs(value - expected[i][k]) < 1e-5, `${value}, not ${expected[i][k]}`)
      )
    );
  }
});

Deno.test("prepareQat() keeps the answers of other models on grids, unless a recipe says reals", () => {
  const usual = prepareQat(detector());
  assert.deepEqual([hasGrid(usual, "boxes_1"), classOf(usual, "boxes_1")], [true, "Conv2D"]);
  const one = prepareQat(detector(), { recipe: { rules: [reals({ name: "boxes_2" })] } });
  assert.deepEqual([hasGrid(one, "boxes_2"), hasGrid(one, "boxes_1")], [false, true]);
  const all = prepareQat(detector(), { recipe: { rules: [reals({})] } });
  assert.deepEqual(["boxes_2", "boxes_1", "pool"].map((name) => hasGrid(all, name)), [false, false, false]);
  assert.ok(all.quantizers.some(({ of }) => of.startsWith("body")), "what is inside stays on grids");
});

Deno.test("prepareQat() lets a recipe put a detector's answers on grids, or keep them in float", () => {
  const withRule = (then: RecipeRule["then"]) =>
    prepareQat(noted(detector()), { recipe: { rules: [{ match: { pattern: "^boxes" }, then }] } });
  const codes = withRule({ answers: "codes" });
  assert.deepEqual([hasGrid(codes, "boxes_1"), classOf(codes, "boxes_1")], [true, "Conv2D"]);
  const float = withRule({ float: true });
  assert.deepEqual(float.islands.map(({ layer }) => layer).toSorted(), ["boxes_1", "boxes_2"]);
  assert.deepEqual([hasGrid(float, "boxes_1"), classOf(float, "boxes_1")], [false, "Conv2D"]);
});

Deno.test("prepareQat() adds a detector's rules once, however often it is prepared", () => {
  const first = prepareQat(noted(detector()));
  const again = prepareQat(floatModelOf(first.model).model, { recipe: first.recipe });
  assert.deepEqual(again.recipe.rules, first.recipe.rules);
  assert.equal(first.recipe.rules.length, 2);
});

Deno.test("prepareQat() says why an answer that is asked to be real keeps its grid", () => {
  const image = () => tfl.input({ shape: [8, 8, 3], name: "image" });
  const ending = (make: (x: tfl.SymbolicTensor) => tfl.SymbolicTensor | tfl.SymbolicTensor[]) => {
    const inputs = image();
    return seedWeights(tfl.model({ inputs, outputs: make(inputs) }));
  };
  const conv = (args = {}) => layers.conv2d({ filters: 3, kernelSize: 1, name: "x", ...args });
  const cases: readonly (readonly [tfl.LayersModel, RegExp])[] = [
    [ending((x) => apply(conv({ kernelSize: 3 }), x)), /more than a product of each pixel/],
    [ending((x) => apply(conv({ strides: 2 }), x)), /more than a product of each pixel/],
    [
      ending((x) => apply(layers.depthwiseConv2d({ kernelSize: 1, name: "x" }), x)),
      /it is a DepthwiseConv2D, no product/,
    ],
    [
      ending((x) => {
        const y = apply(conv(), x);
        return [y, apply(conv({ name: "after" }), y)];
      }),
      /another layer reads it/,
    ],
  ];
  for (const [model, because] of cases) {
    const prepared = prepareQat(model, { recipe: { rules: [reals({ name: "x" })] } });
    const entry = prepared.rewrites.find(({ rule, layer }) => rule === "answer_in_reals" && layer === "x");
    assert.ok(entry !== undefined && !entry.ok && because.test(entry.because), JSON.stringify(entry));
    assert.ok(hasGrid(prepared, "x"));
  }
});
