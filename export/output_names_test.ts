/** Outputs in files are called what they are called in TF.js, int8 and float. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import { outputGrids, outputNames } from "../models/ports.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { floatModelOf } from "../quantize/float_model.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { apply, inputFor, predict, seedWeights } from "../tests/_support/small_models.ts";
import { compareAnswers } from "./agreement.ts";
import { toOnnx } from "./to_onnx.ts";
import { predictAll } from "./validate.ts";

const { layers } = tfl;
type Values = (x: tfl.SymbolicTensor) => readonly tfl.SymbolicTensor[];

/** A head of one value, behind a dense layer called "dense", by the layers that it is made of. */
const head =
  (...of: tfl.layers.Layer[]): Values => (x) => [of.reduce<tfl.SymbolicTensor>((y, layer) => apply(layer, y), x)];

function nested(name: string, ...of: tfl.layers.Layer[]): tfl.LayersModel {
  const x = tfl.input({ shape: [4] });
  return tfl.model({ inputs: x, outputs: [...head(...of)(x)], name });
}

/** Outputs and what TF.js calls them; where it calls two alike, what we call them. */
const OUTPUTS: Readonly<Record<string, readonly [Values, readonly string[]]>> = {
  "a dense layer": [head(layers.dense({ units: 3, name: "cls" })), ["cls"]],
  "a fused softmax": [head(layers.dense({ units: 3, activation: "softmax", name: "cls" })), ["cls"]],
  "a fused sigmoid": [head(layers.dense({ units: 1, activation: "sigmoid", name: "cls" })), ["cls"]],
  "a fused tanh": [head(layers.dense({ units: 2, activation: "tanh", name: "cls" })), ["cls"]],
  "a fused ReLU": [head(layers.dense({ units: 2, activation: "relu", name: "cls" })), ["cls"]],
  "a softmax layer": [head(layers.dense({ units: 3, name: "logits" }), layers.softmax({ name: "cls" })), ["cls"]],
  "a dropout behind a softmax": [
    head(layers.dense({ units: 3, activation: "softmax", name: "p" }), layers.dropout({ rate: 0.5, name: "cls" })),
    ["cls"],
  ],
  "a reshape": [head(layers.reshape({ targetShape: [2, 2], name: "cls" })), ["cls"]],
  "a name that is taken for a part": [
    head(
      layers.dense({ units: 3, name: "cls_linear" }),
      layers.dense({ units: 3, activation: "softmax", name: "cls" }),
    ),
    ["cls"],
  ],
  "a model": [head(nested("cls", layers.dense({ units: 3, activation: "softmax", name: "dense" }))), ["cls"]],
  "two heads": [
    (x) => [
      apply(layers.dense({ units: 3, activation: "softmax", name: "kind" }), x),
      apply(layers.dense({ units: 1, activation: "sigmoid", name: "there" }), x),
    ],
    ["kind", "there"],
  ],
  "one value twice": [
    (x) => {
      const y = apply(layers.dense({ units: 3, activation: "softmax", name: "cls" }), x);
      return [y, apply(layers.dropout({ rate: 0.5, name: "again" }), y)];
    },
    ["cls", "again"],
  ],
  "a layer's two calls": [
    (x) => {
      const dense = layers.dense({ units: 4, activation: "relu", name: "cls" });
      const y = apply(dense, x);
      return [y, apply(dense, y)];
    },
    ["cls", "cls_1"],
  ],
};

for (const [what, [values, names]] of Object.entries(OUTPUTS)) {
  Deno.test(`toOnnx() calls outputs what TF.js calls them: ${what}`, async () => {
    await registerBackend();
    const x = tfl.input({ shape: [4], name: "x" });
    const trunk = apply(layers.dense({ units: 4, activation: "relu", name: "dense" }), x);
    const model = seedWeights(tfl.model({ inputs: x, outputs: [...values(trunk)], name: "named" }));
    assert.deepEqual(outputNames(model), names);
    await assertNames(model, names);
  });
}

Deno.test("toOnnx() calls an input that is an output too by its name and a number, since a file's ports are different values", async () => {
  await registerBackend();
  const x = tfl.input({ shape: [4], name: "x" });
  const outputs = [apply(layers.dense({ units: 3, activation: "softmax", name: "cls" }), x), x];
  await assertNames(seedWeights(tfl.model({ inputs: x, outputs, name: "through" })), ["cls", "x_1"]);
});

/** Asserts what outputs are called in both files, in the float TF.js model, and in what compares them. */
async function assertNames(model: tfl.LayersModel, names: readonly string[]): Promise<void> {
  const { model: prepared } = prepareQat(model);
  const inputs = inputFor(prepared);
  await calibrate(prepared, [inputs]);
  assert.deepEqual(outputNames(prepared), names);
  const answers = Object.fromEntries(
    predict(prepared, inputs).map((values, i) => {
      const shape = [inputs[0].shape[0], values.length / inputs[0].shape[0]];
      const grid = outputGrids(prepared)[names[i]];
      return [names[i], { values: Float32Array.from(values), shape, ...(grid === undefined ? {} : { grid }) }];
    }),
  );
  for (const precision of ["int8", "float32"] as const) {
    const { bytes, graph } = await toOnnx(prepared, { precision });
    assert.deepEqual(graph.outputs, names, precision);
    const deployed = predictAll(bytes, [{ x: inputs[0].dataSync<"float32">() }], { precise: true });
    const flat = Object.fromEntries(
      Object.entries(deployed).map(([name, answer]) => [name, { ...answer, shape: answers[name].shape }]),
    );
    assert.deepEqual(compareAnswers(answers, flat).map(({ output }) => output), names, precision);
  }
  const { model: float } = floatModelOf(prepared);
  assert.deepEqual(outputNames(float), names);
  assert.equal(predict(float, inputs).length, names.length);
}
