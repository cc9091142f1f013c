/** Real models of `../shared/models`, as their authors published them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { sharedPath, testWithShared } from "../../tests/_support/shared.ts";
import { weightValues, withTempDir } from "./_test_models.ts";
import { loadLayersModel, ModelFileError, saveLayersModel } from "./layers_model.ts";

interface Expected {
  readonly folder: string;
  /** Counted in model.json, with no code of ours: sum of the weights' sizes, number of weights. */
  readonly params: number;
  readonly weights: number;
  readonly files: number;
  readonly input: readonly (number | null)[];
  readonly output: readonly (number | null)[];
}

const MODELS: readonly Expected[] = [
  { folder: "lenet_mnist", params: 61706, weights: 10, files: 2, input: [null, 28, 28, 1], output: [null, 10] },
  {
    folder: "emotion_mobilenet_v1_025",
    params: 220199,
    weights: 137,
    files: 56,
    input: [null, 64, 64, 1],
    output: [null, 7],
  },
  {
    folder: "nsfw_mobilenet_v2",
    params: 2619461,
    weights: 266,
    files: 2,
    input: [null, 224, 224, 3],
    output: [null, 5],
  },
  {
    folder: "faceapi_expression",
    params: 323687,
    weights: 49,
    files: 2,
    input: [null, 112, 112, 3],
    output: [null, 7],
  },
  {
    folder: "faceapi_tiny_face_detector_leaky",
    params: 193321,
    weights: 19,
    files: 2,
    input: [null, 416, 416, 3],
    output: [null, 13, 13, 25],
  },
];

for (const expected of MODELS) {
  testWithShared(
    `loadLayersModel() reads ${expected.folder} and saveLayersModel() keeps its weights`,
    `models/${expected.folder}`,
    (path) =>
      withTempDir(async (dir) => {
        const { model, source } = await loadLayersModel(path);
        assert.equal(model.countParams(), expected.params);
        assert.equal(model.weights.length, expected.weights);
        assert.equal(source.files.length, expected.files);
        assert.deepEqual(model.inputs[0].shape, expected.input);
        assert.deepEqual(model.outputs.at(-1)?.shape, expected.output);
        await saveLayersModel(model, dir);
        const again = await loadLayersModel(dir);
        assert.deepEqual(weightValues(again.model), weightValues(model));
      }),
  );
}

testWithShared(
  "loadLayersModel() decodes the uint8 weights of nsfw_mobilenet_v2 as code · scale + min",
  "models/nsfw_mobilenet_v2",
  async (path) => {
    const { model } = await loadLayersModel(path);
    const { weightsManifest } = JSON.parse(Deno.readTextFileSync(`${path}/model.json`));
    const first = weightsManifest[0].weights[0]; // Conv1/kernel, at the start of the file
    const codes = Deno.readFileSync(`${path}/group1-shard1of1`).subarray(0, 3 * 3 * 3 * 32);
    const { scale, min } = first.quantization;
    const kernel = model.weights.find(({ originalName }) => originalName === first.name);
    assert.deepEqual(
      [...kernel?.read().dataSync() ?? []],
      [...codes].map((code) => Math.fround(code * scale + min)),
    );
  },
);

testWithShared("loadLayersModel() says what a graph-model is", "models/lenet_graph", async (path) => {
  await assert.rejects(
    loadLayersModel(path),
    new ModelFileError(
      `Cannot load "${path}/model.json": it is a graph-model, a layers-model is needed ` +
        "(openModel() takes graph-models)",
    ),
  );
});

testWithShared("loadLayersModel() gives a LeNet that reads digits", "models/lenet_mnist", async (path) => {
  const data = sharedPath("data/mnist");
  if (data === undefined) return;
  const count = 200;
  const images = await unzipped(`${data}/t10k-images-idx3-ubyte.gz`);
  const labels = await unzipped(`${data}/t10k-labels-idx1-ubyte.gz`);
  const { model } = await loadLayersModel(path);
  const x = tf.tensor(Float32Array.from(images.subarray(16, 16 + count * 784), (v) => v / 255), [count, 28, 28, 1]);
  const outputs = model.predict(x) as tf.Tensor[]; // this LeNet gives every layer's output, the classes last
  const answers = tf.argMax(outputs[outputs.length - 1], -1).dataSync();
  const right = [...answers].filter((answer, i) => answer === labels[8 + i]).length;
  assert.ok(right / count > 0.95, `${right} of ${count} right; 97.6 % is known for all 10,000`);
});

async function unzipped(path: string): Promise<Uint8Array> {
  const stream = (await Deno.open(path)).readable.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
