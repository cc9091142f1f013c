import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { outputGridOf } from "../src/quant/mod.ts";
import { calibrate } from "./calibrate.ts";
import { inputFor, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import { INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL, UINT8_AFFINE } from "../src/numbers/scheme.ts";
import { type PreparedModel, prepareQat } from "./prepare.ts";
import { fromModel } from "../src/rewrite/mod.ts";
import { recordOf } from "./record.ts";
import { resolver, whyUnmatched } from "./resolve.ts";
import { targetOf } from "./targets/mod.ts";
import { keepFloat, PER_TENSOR_WEIGHTS, type RecipeRule } from "./recipe.ts";

function prepare(rules: readonly RecipeRule[], target = "x86"): PreparedModel {
  return prepareQat(sequentialModel(), { target, recipe: { rules } });
}

function layerOf({ layers }: PreparedModel, name: string) {
  const found = layers.find(({ layer }) => layer === name);
  assert.ok(found !== undefined);
  return found;
}

Deno.test("prepareQat() decides by the first rule that speaks of a setting, and says which one that was", () => {
  const prepared = prepare([
    { match: { name: "fc" }, then: { observer: "min-max" } },
    { match: { kind: "Dense" }, then: { observer: "moving-average", momentum: 0.5 } },
    { match: { kind: "weighted" }, then: { weights: { granularity: "per-tensor" }, momentum: 0.25 } },
  ]);
  const { observer, momentum, weights, rules } = layerOf(prepared, "fc_linear");
  assert.deepEqual([observer, momentum, weights?.granularity.kind, rules], ["min-max", 0.5, "per-tensor", [0, 1, 2]]);
  assert.deepEqual(layerOf(prepared, "conv1").rules, [2]);
  assert.equal(layerOf(prepared, "conv1").momentum, 0.25);
  const quantizer = prepared.model.getLayer("fc_linear_quant").getConfig();
  assert.deepEqual([quantizer.observer, quantizer.momentum], ["min-max", 0.5]);
});

Deno.test("prepareQat() trains with a moving average of 1 % a step where no rule says otherwise", () => {
  const prepared = prepare([]);
  const { method, observer, momentum, rules } = layerOf(prepared, "conv1");
  assert.deepEqual([method, observer, momentum, rules], ["qat", "moving-average", 0.01, []]);
  const quantizer = prepared.model.getLayer("fc_linear_quant").getConfig();
  assert.deepEqual([quantizer.observer, quantizer.momentum], ["moving-average", 0.01]);
});

Deno.test("prepareQat() takes parts of a scheme from several rules, and the rest from the target", () => {
  const prepared = prepare([PER_TENSOR_WEIGHTS, { match: { name: "fc" }, then: { weights: { qmin: -7, qmax: 7 } } }]);
  assert.deepEqual(layerOf(prepared, "fc_linear").weights, { ...INT8_SYMMETRIC, qmin: -7, qmax: 7 });
  assert.deepEqual(layerOf(prepared, "conv1").weights, INT8_SYMMETRIC);
  assert.deepEqual(layerOf(prepare([]), "conv1").weights, INT8_SYMMETRIC_PER_CHANNEL);
  assert.deepEqual(layerOf(prepare([]), "conv1").activations, UINT8_AFFINE);
});

Deno.test("prepareQat() takes each part of a scheme from the first rule that has it", () => {
  const prepared = prepare([
    { match: { name: "fc" }, then: { weights: { qmin: -7 } } },
    { match: {}, then: { weights: { qmin: -64, qmax: 64 } } },
  ]);
  const { weights, rules } = layerOf(prepared, "fc_linear");
  assert.deepEqual([weights?.qmin, weights?.qmax, rules], [-7, 64, [0, 1]]);
});

Deno.test("prepareQat() gives another type all of its codes, as many below 0 as above where they are symmetric", () => {
  const then = { weights: { dtype: "int4" }, activations: { dtype: "uint4", span: 10 } } as const;
  const { weights, activations } = layerOf(prepare([{ match: {}, then }], "simulation"), "fc_linear");
  assert.deepEqual([weights?.qmin, weights?.qmax], [-7, 7]);
  assert.deepEqual([activations?.qmin, activations?.qmax, activations?.span], [0, 15, 10]);
});

Deno.test("prepareQat() takes a layer back from float by a rule that comes first", () => {
  const rules = [{ match: { name: "fc" }, then: { float: false } }, { match: {}, then: { float: true } }];
  assert.deepEqual(prepare(rules).islands.map(({ layer }) => layer).includes("fc"), false);
  assert.ok(prepare(rules).islands.some(({ layer }) => layer === "conv1"));
});

Deno.test("prepareQat() lets training leave the ranges of static layers, which calibration sets", async () => {
  const { model } = prepare([{ match: { name: "fc" }, then: { method: "static" } }]);
  const scaleOf = (name: string) => outputGridOf(model.getLayer(name))?.scale;
  await calibrate(model, [inputFor(model)], { beforeTraining: true });
  const before = ["fc_quant", "conv1_input_quant"].map(scaleOf);
  assert.ok(before.every((scale) => scale !== undefined && scale > 0));
  tf.tidy(() => void model.apply(inputFor(model).map((x) => tf.mul(x, 50)), { training: true }));
  const after = ["fc_quant", "conv1_input_quant"].map(scaleOf);
  assert.equal(after[0], before[0]);
  assert.ok((after[1] ?? 0) > (before[1] ?? Infinity));
});

Deno.test("prepareQat() applies what is said of any layer of a unit to its output", () => {
  for (const name of ["conv1", "bn1", "act1"]) {
    const prepared = prepare([{ match: { name }, then: { observer: "min-max" } }]);
    assert.equal(prepared.model.getLayer("act1_quant").getConfig().observer, "min-max");
    assert.equal(layerOf(prepared, "bn1").partOf, "conv1");
  }
});

Deno.test("prepareQat() returns the rules that match nothing, or refuses them when they require a layer", () => {
  const wrong: RecipeRule = { match: { name: "fx", kind: "Conv2D" }, then: {} };
  assert.deepEqual(prepare([wrong, { match: { name: "fc" }, then: {} }]).unmatched, [wrong]);
  assert.throws(() => prepare([{ ...wrong, required: true }]), {
    name: "RangeError",
    message: 'Cannot quantize layers of "seq": none is called "fx" and is a Conv2D',
  });
  assert.throws(() => prepare([{ match: { name: "fx", kind: "Dense" }, then: {}, required: true }]), {
    message: 'Cannot quantize layers of "seq": none is called "fx" and is a Dense (did you mean "fc"?)',
  });
  // An input is on a grid like any value, but no layer that could be in float.
  assert.deepEqual(prepare([{ match: { name: "conv1_input" }, then: { observer: "min-max" } }]).unmatched, []);
  assert.equal(
    prepareQat(sequentialModel(), { recipe: { rules: [{ match: { name: "conv1_input" }, then: { float: true } }] } })
      .unmatched.length,
    1,
  );
});

Deno.test("prepareQat() says of an input that it cannot be in float, and suggests only what can", () => {
  const kept = (name: string) => () => prepareQat(skipModel(), { recipe: { rules: keepFloat(name) } });
  const cannot = 'Cannot keep layers of "skip" in float: ';
  assert.throws(kept("image"), {
    message: `${cannot}"image" is an input, which cannot be kept in float: a layer is needed`,
  });
  assert.throws(kept("imag"), { message: `${cannot}none is called "imag"` });
  assert.throws(kept("relu_som"), { message: `${cannot}none is called "relu_som" (did you mean "relu_sum"?)` });
  // On a grid an input may be.
  const rule: RecipeRule = { match: { name: "imag" }, then: { observer: "min-max" }, required: true };
  assert.throws(() => prepareQat(skipModel(), { recipe: { rules: [rule] } }), /"imag" \(did you mean "image"\?\)$/);
});

Deno.test("whyUnmatched() suggests only layers that the rest of the rule matches", () => {
  const layers = [
    { name: "input", className: "InputLayer", kind: "passive" },
    { name: "const", className: "ConstantValue", kind: "passive" },
    { name: "head_fc", className: "Dense", kind: "weighted" },
    { name: "body_fc", className: "Dense", kind: "weighted" },
  ];
  const why = (match: RecipeRule["match"]) => whyUnmatched({ match, then: { float: true } }, layers);
  assert.equal(why({ name: "const" }), '"const" is a constant, which cannot be kept in float: a layer is needed');
  assert.equal(why({ name: "inputs" }), 'none is called "inputs"');
  assert.match(why({ name: "heady_fc", pattern: "^body" }), /\(did you mean "body_fc"\?\)$/);
  assert.match(why({ name: "heady_fc", kind: "weighted" }), /\(did you mean "head_fc"\?\)$/);
  assert.equal(why({ name: "head_fx", kind: "Conv2D" }), 'none is called "head_fx" and is a Conv2D');
});

const REFUSED: Readonly<Record<string, readonly [string, RecipeRule["then"], RegExp]>> = {
  "weights of another type": ["x86", { weights: { dtype: "uint8" } }, /"conv1" as uint8 1 to 255.*"x86-u8u8" can hold/],
  "activations of another type": [
    "x86",
    { activations: { dtype: "int8" } },
    /for target "x86": its activations are uint8.*target "arm" can/,
  ],
  "weights of all codes": ["x86", { weights: { qmin: -128, granularity: "per-tensor" } }, /"qnnpack" can hold/],
  "weights per channel": ["qnnpack", { weights: { granularity: "per-channel" } }, /scales per tensor only/],
  "half of a type's codes": [
    "x86",
    { activations: { qmax: 127 } },
    /codes saturate at the ends of uint8 only.*"simulation"/,
  ],
  "activations per channel": [
    "arm",
    { activations: { granularity: "per-channel" } },
    /activations have one scale a tensor/,
  ],
  "a range of fewer steps": ["arm", { activations: { span: 127 } }, /its activations are int8 -128 to 127/],
  "codes in the wrong order": [
    "simulation",
    { activations: { qmin: 9, qmax: 3 } },
    /codes are 9 to 3, two whole numbers in order/,
  ],
  "codes beyond the type": [
    "simulation",
    { weights: { dtype: "int4", qmax: 8 } },
    /within -8 to 7 are needed for int4/,
  ],
};

for (const [name, [target, then, message]] of Object.entries(REFUSED)) {
  Deno.test(`prepareQat() refuses ${name} for target "${target}"`, () => {
    assert.throws(() => prepare([{ match: {}, then }], target), { name: "RangeError", message });
  });
}

Deno.test("prepareQat() refuses an unknown target, and a recipe for another one", () => {
  const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] });
  assert.throws(() => prepareQat(model, { target: "qnpack" }), /did you mean "qnnpack"/);
  const recipe = { name: "mine", target: "arm", rules: [] };
  assert.throws(() => prepareQat(model, { target: "x86", recipe }), /by recipe "mine": it is for "arm"/);
  assert.equal(prepareQat(model, { recipe }).target, "arm");
});

Deno.test("resolver() refuses a method that the target does not take", () => {
  const graph = fromModel(sequentialModel());
  const recipe = { rules: [{ match: {}, then: { method: "static" } }] } as const;
  const target = { ...targetOf("x86"), methods: ["qat"] } as const;
  const { choose } = resolver({ recipe, target, original: graph, graph });
  assert.throws(() => choose(["fc"], { hasWeights: true }), {
    name: "RangeError",
    message: 'Cannot quantize "fc" by static for target "x86": needed is one of qat',
  });
});

Deno.test("prepareQat() fixes the ranges that a rule gives, which calibration and training leave", async () => {
  const rules: RecipeRule[] = [
    { match: { name: "conv1" }, then: { range: { min: -1, max: 5.1 } } },
    { match: { name: "fc" }, then: { range: { min: 0.5, max: 2.55 } } },
  ];
  const prepared = prepare(rules);
  const conv = layerOf(prepared, "conv1");
  assert.deepEqual([conv.range, conv.observer, conv.rules], [{ min: -1, max: 5.1 }, undefined, [0]]);
  await calibrate(prepared.model, [inputFor(prepared.model)], { observer: "mse" });
  const gridOf = (layer: string) => {
    const { name } = prepared.quantizers.find(({ of }) => of === layer)!;
    return outputGridOf(prepared.model.getLayer(name));
  };
  const unit = prepared.units.find(({ layer }) => layer === "conv1");
  const { scale, zeroPoint } = gridOf(unit?.end ?? "conv1")!;
  // Behind a ReLU the range starts at 0, and so it does where 0 is below it.
  assert.deepEqual([scale, zeroPoint], [Math.fround(5.1 / 255), 0]);
  const fc = gridOf("fc_linear")!;
  assert.deepEqual([fc.scale, fc.zeroPoint], [Math.fround(2.55 / 255), 0]);
});

Deno.test("prepareQat() refuses a range without width, and one that a ReLU's values never come into", () => {
  const withRange = (min: number, max: number) => () =>
    prepare([{ match: { name: "conv1" }, then: { range: { min, max } } }]);
  for (const [min, max] of [[1, 1], [2, -2]]) {
    assert.throws(withRange(min, max), {
      name: "RangeError",
      message:
        `Cannot quantize the activations of "conv1": the range is ${min} to ${max}, two numbers in order are needed`,
    });
  }
  assert.throws(withRange(-3, 0), {
    name: "RangeError",
    message: /^Cannot quantize the activations of "\w+": the range is -3 to 0, and they are never below 0$/,
  });
});

Deno.test("prepareQat() takes percentiles and the observer of weights from rules, and keeps them in saved models", () => {
  const prepared = prepare([
    { match: { name: "conv1" }, then: { observer: "percentile", percentile: 90, weights: { observer: "mse" } } },
  ]);
  const conv = layerOf(prepared, "conv1");
  assert.deepEqual([conv.observer, conv.percentile, conv.weightObserver], ["percentile", 90, "mse"]);
  assert.deepEqual([layerOf(prepared, "fc_linear").percentile, layerOf(prepared, "fc_linear").weightObserver], [
    undefined,
    undefined,
  ]);
  assert.deepEqual(recordOf(prepared.model)?.layers, prepared.layers);
  assert.equal(prepared.model.getLayer("conv1").getConfig().observer, "mse");
});

Deno.test("resolver() finds layers by kind and by stage, counted from either end", () => {
  const graph = fromModel(skipModel());
  const kept = (...names: readonly string[]) => {
    const { float } = resolver({
      recipe: { rules: keepFloat(...names) },
      target: targetOf("x86"),
      original: graph,
      graph,
    });
    return [...float.keys()];
  };
  assert.deepEqual(kept("kind:Add", "kind:Dense"), ["sum", "score"]);
  assert.deepEqual(kept("kind:relu"), ["relu_a", "relu_sum"]);
  assert.deepEqual(kept("stage:first"), ["conv_a", "relu_a", "conv_b", "sum", "relu_sum"]);
  assert.deepEqual(kept("stage:2"), ["avg"]);
  assert.deepEqual(kept("stage:-2"), ["avg"]);
  assert.deepEqual(kept("stage:last"), ["up", "cat", "pad", "conv_map"]);
  assert.throws(() => kept("stage:4"), /none is in stage 4$/);
  assert.throws(() => kept("kind:Adds"), /Cannot keep "kind:Adds" in float: .*did you mean "Add"/);
  for (const wrong of ["stage:", "stage:0", "stage:lst", "stage:1e2"]) {
    assert.throws(() => kept(wrong), /a stage is needed as "stage:first"/, wrong);
  }
});

Deno.test("prepareQat() keeps a stage in float with grids closed around it", () => {
  const { islands } = prepareQat(skipModel(), { recipe: { rules: keepFloat("stage:last") } });
  const asked = islands.filter(({ because }) => because === "it was asked to stay in float").map(({ layer }) => layer);
  assert.deepEqual(asked, ["up", "cat", "pad", "conv_map"]);
});
