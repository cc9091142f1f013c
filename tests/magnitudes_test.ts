/**
 * Weights, activations and factors of any magnitude that float32 has, 1e-30 to 1e30 each: a net of them answers in its file
 * as it is simulated, and in the simulation as in float, or is refused by the name of a layer.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { outputGridOf } from "../src/quant/mod.ts";
import { predict, randomArray } from "./_support/small_models.ts";

const { layers } = tfl;

/** Powers of ten of a net's numbers. */
interface Magnitudes {
  readonly input: number;
  readonly weights: number;
  readonly gamma: number;
  /** Of the convolution's bias. */
  readonly bias: number;
}

const SHAPES: Readonly<Record<string, () => readonly tfl.layers.Layer[]>> = {
  "a convolution": () => [conv()],
  "a convolution and batch normalization": () => [conv(), norm()],
  "batch normalization behind a ReLU": () => [conv(), layers.reLU({ name: "relu" }), norm()],
};

const conv = () => layers.conv2d({ filters: 4, kernelSize: 3, name: "conv", inputShape: [6, 6, 3] });
const norm = () => layers.batchNormalization({ name: "norm" });

function tensor(shape: readonly number[], power: number, seed: number): tf.Tensor {
  const size = 10 ** Math.max(-37, Math.min(power, 37));
  return tf.tensor(randomArray(shape.reduce((a, b) => a * b, 1), seed).map((x) => x * size), [...shape]);
}

function build(parts: readonly tfl.layers.Layer[], { input, weights, gamma, bias }: Magnitudes, seed: number) {
  const model = tfl.sequential({ layers: [...parts] });
  const product = input + weights;
  model.getLayer("conv").setWeights([tensor([3, 3, 3, 4], weights, seed), tensor([4], bias, seed + 1)]);
  if (parts.length > 1) {
    const [factors, offsets, mean] = [gamma, product + gamma, product].map((power, i) =>
      tensor([4], power, seed + 2 + i)
    );
    model.getLayer("norm").setWeights([factors, offsets, mean, tf.ones([4])]);
  }
  return model;
}

/** Compares the three; returns how far they are apart, or why the net was refused. */
async function compare(model: tfl.LayersModel, x: tf.Tensor) {
  const { model: prepared } = prepareQat(model);
  try {
    await calibrate(prepared, [x]);
    const exported = await toOnnx(prepared);
    const [float, simulated] = [model, prepared].map((one) => predict(one, [x])[0]);
    const [deployed] = runExported(exported, [x]);
    const { scale } = outputGridOf(prepared.outputs[0].sourceLayer)!;
    const steps = (a: Float32Array, b: Float32Array) => a.map((value, i) => Math.abs(value - b[i]) / scale);
    const [file, rounding] = [steps(deployed, simulated), steps(simulated, float)];
    return {
      different: file.filter((step) => step > 0.5).length,
      largest: Math.max(...file),
      rounding: Math.max(...rounding),
    };
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    return error.message;
  }
}

for (const [name, parts] of Object.entries(SHAPES)) {
  Deno.test(`toOnnx() writes what is simulated, as in float, or refuses it by name, whatever magnitudes are in ${name}`, async () => {
    await registerBackend();
    await tf.setBackend(BACKEND);
    const powers = randomArray(400, 5).map((x) => Math.round(x * 30));
    let compared = 0;
    for (let i = 0; i < 36; i++) {
      const [input, weights, gamma, own] = powers.subarray(4 * i);
      // Products that float32 has no number for are 0 in float too, and what is left are subnormal numbers.
      if (input + weights < -33) continue;
      const magnitudes = { input, weights, gamma, bias: i % 2 === 0 ? input + weights : own };
      const model = build(parts(), magnitudes, i);
      const found = await compare(model, tensor([4, 6, 6, 3], input, i + 9));
      const place = JSON.stringify({ magnitudes, found });
      if (typeof found === "string") {
        assert.match(found, /"(conv|norm|relu)(_quant)?"/, place);
        continue;
      }
      compared++;
      // A channel of 64 answers may be constant, and next to a tie.
      assert.ok(found.different <= 64 && found.largest < 1.5, place);
      assert.ok(found.rounding < 6, place);
    }
    assert.ok(compared > 15, `only ${compared} were compared`);
  });
}

Deno.test("toOnnx() keeps weights of 1e-9 before batch normalization that makes them numbers again", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const parts = [conv(), layers.batchNormalization({ name: "norm", epsilon: 1e-20 })];
  const model = build(parts, { input: 0, weights: -9, gamma: 0, bias: -9 }, 3);
  const [gamma, beta, mean] = model.getLayer("norm").getWeights();
  model.getLayer("norm").setWeights([gamma, tf.add(beta, 0.5), mean, tf.fill([4], 1e-18)]);
  const found = await compare(model, tensor([4, 6, 6, 3], 0, 9));
  assert.ok(typeof found !== "string" && found.largest < 1.5 && found.rounding < 4, JSON.stringify(found));
});
