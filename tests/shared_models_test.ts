/** Real models on ONNX Runtime and on the cpu backend. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { assertAgree, onBothBackends, readAll } from "./_support/backends.ts";
import { readGraphModel } from "./_support/graph_models.ts";
import { testWithShared } from "./_support/shared.ts";
import { randomTensor } from "./_support/small_models.ts";

/** What issue 3 asks for. */
const TOLERANCE = 1e-4;

const LAYERS_MODELS = [
  "lenet_mnist",
  "emotion_mobilenet_v1_025",
  "faceapi_expression",
  "faceapi_tiny_face_detector_leaky",
  "nsfw_mobilenet_v2",
];

const GRAPH_MODELS = ["lenet_graph", "g_human_blazeface-front", "g_human_selfie"];

/** A seeded picture, or whatever the input is: one of the batch. */
function example(shape: readonly (number | null)[], seed: number): tf.Tensor {
  return randomTensor(shape.map((dim) => dim === null || dim < 0 ? 1 : dim), seed);
}

function assertSameOutputs(actual: readonly number[][], expected: readonly number[][]): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((elements, i) => assertAgree(actual[i], elements, TOLERANCE));
}

for (const name of LAYERS_MODELS) {
  testWithShared(
    `predict() of ${name} gives the cpu backend's outputs, without a fallback`,
    `models/${name}`,
    async (path) => {
      const { actual, expected, fallbacks } = await onBothBackends(async () => {
        const { model } = await loadLayersModel(path);
        const inputs = model.inputs.map(({ shape }, i) => example(shape, i + 1));
        const outputs = readAll(model.predict(inputs));
        tf.dispose(inputs);
        model.dispose();
        return outputs;
      });
      assertSameOutputs(actual, expected);
      assert.deepEqual(fallbacks, {});
    },
  );
}

for (const name of GRAPH_MODELS) {
  for (const method of ["execute", "executeAsync"] as const) {
    testWithShared(
      `${method}() of ${name} gives the cpu backend's outputs, without a fallback`,
      `models/${name}`,
      async (path) => {
        const { actual, expected, fallbacks } = await onBothBackends(async () => {
          const model = await readGraphModel(path);
          const inputs = Object.fromEntries(
            model.inputs.map(({ name, shape = [] }, i) => [name, example(shape, i + 1)]),
          );
          const outputs = readAll(await model[method](inputs));
          tf.dispose(inputs);
          model.dispose();
          return outputs;
        });
        assertSameOutputs(actual, expected);
        assert.deepEqual(fallbacks, {});
      },
    );
  }
}
