import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { type EditableJson, editModelJson, withSavedModel, withTempDir } from "./_test_models.ts";
import { loadLayersModel, ModelFileError, saveLayersModel } from "./layers_model.ts";

/** A way to damage a saved model, and what the error must say after `Cannot load "…/model.json": `. */
interface Damage {
  readonly when: string;
  readonly damage: (dir: string) => void;
  readonly says: string | ((dir: string) => string);
}

/** Damage that is a change of model.json. */
function edited(when: string, edit: (json: EditableJson) => void, says: string): Damage {
  return { when, damage: (dir) => editModelJson(dir, edit), says };
}

function text(when: string, content: string, says: string): Damage {
  return { when, damage: (dir) => Deno.writeTextFileSync(`${dir}/model.json`, content), says };
}

interface KerasLayer {
  class_name: string;
  config: Record<string, unknown>;
}

function layer(json: EditableJson, index: number): KerasLayer {
  const config = json.modelTopology.config as { layers: KerasLayer[] };
  return config.layers[index];
}

const NEEDED_OBJECT = 'an object with "modelTopology" and "weightsManifest" is needed';
const UNKNOWN = "which is not known here; one of TensorFlow.js, " +
  "or one given to tf.serialization.registerClass, is needed";

const DAMAGES: readonly Damage[] = [
  text("model.json is empty", "", "it is empty, JSON is needed"),
  text(
    "model.json is truncated",
    '{"format":"layers-model","modelTop',
    "it is not valid JSON (damaged or truncated): Unterminated string in JSON at position 34 (line 1 column 35)",
  ),
  text("model.json is a list", "[1]", `its JSON is a list, ${NEEDED_OBJECT}`),
  text("model.json is null", "null", `its JSON is null, ${NEEDED_OBJECT}`),
  text("model.json is a number", "7", `its JSON is the number 7, ${NEEDED_OBJECT}`),
  text(
    "model.json is another program's",
    '{"name": "package"}',
    'it is not a TensorFlow.js model: "modelTopology" is missing, an object is needed',
  ),
  edited(
    "there is no class_name",
    (json) => delete json.modelTopology.class_name,
    'it is not a layers-model: "modelTopology" has no "class_name" and "config", both are needed',
  ),
  edited(
    "a layer is called what every object has",
    (json) => layer(json, 1).config.name = "constructor",
    'it has a layer called "constructor", which TensorFlow.js takes for what every object has, another name is needed',
  ),
  edited(
    "it calls itself a graph-model",
    (json) => json.format = "graph-model",
    "it is a graph-model, a layers-model is needed (openModel() takes graph-models)",
  ),
  edited(
    "the topology is a TensorFlow graph",
    (json) => json.modelTopology = { node: [], library: {} },
    "it is a graph-model, a layers-model is needed (openModel() takes graph-models)",
  ),
  edited(
    "there is no weightsManifest",
    (json) => delete (json as Record<string, unknown>).weightsManifest,
    '"weightsManifest" is missing, a list of weight groups is needed',
  ),
  edited(
    "a weight group has no paths",
    (json) => delete (json.weightsManifest[0] as Record<string, unknown>).paths,
    '"weightsManifest[0]" needs a list of file names "paths" and a list "weights"',
  ),
  edited(
    "a weight has no name",
    (json) => delete (json.weightsManifest[0].weights[0] as Record<string, unknown>).name,
    '"weightsManifest" has a weight without a "name", one is needed',
  ),
  edited(
    "a weight has a bad shape",
    (json) => json.weightsManifest[0].weights[0].shape = [3, -1],
    'the weight "conv/kernel" has the shape [3,-1], a list of sizes is needed',
  ),
  edited(
    "a weight is complex",
    (json) => json.weightsManifest[0].weights[0].dtype = "complex64",
    'the weight "conv/kernel" has the dtype "complex64", "float32", "int32" or "bool" is needed',
  ),
  edited(
    "a weight is listed twice",
    (json) => json.weightsManifest[0].weights[1].name = "conv/kernel",
    '"weightsManifest" names the weight "conv/kernel" twice, once is needed',
  ),
  edited(
    "a weight's storage is unknown",
    (json) => json.weightsManifest[0].weights[0].quantization = { dtype: "int4" as "uint8" },
    'the weight "conv/kernel" has the dtype "float32" stored as "int4", "uint8", "uint16" or "float16" is needed',
  ),
  {
    when: "a shard is missing",
    damage: (dir) => Deno.removeSync(`${dir}/weights.bin`),
    says: (dir) => `the weights file "${dir}/weights.bin" cannot be read: there is no such file or folder`,
  },
  {
    when: "a shard is a folder",
    damage: (dir) => {
      Deno.removeSync(`${dir}/weights.bin`);
      Deno.mkdirSync(`${dir}/weights.bin`);
    },
    says: (dir) => `the weights file "${dir}/weights.bin" is not a file, one is needed`,
  },
  {
    when: "a shard is too short",
    damage: (dir) => Deno.truncateSync(`${dir}/weights.bin`, 100),
    says: (dir) => `the weights file "${dir}/weights.bin" is 100 bytes, 536 are needed`,
  },
  {
    when: "a shard is too long",
    damage: (dir) => Deno.writeFileSync(`${dir}/weights.bin`, new Uint8Array(1), { append: true }),
    says: (dir) => `the weights file "${dir}/weights.bin" is 537 bytes, 536 are needed`,
  },
  {
    when: "one of two shards is too short",
    damage: (dir) => {
      editModelJson(dir, (json) => json.weightsManifest[0].paths = ["a.bin", "b.bin"]);
      Deno.writeFileSync(`${dir}/a.bin`, new Uint8Array(300));
      Deno.writeFileSync(`${dir}/b.bin`, new Uint8Array(60));
    },
    says: (dir) => `the weights files "${dir}/a.bin" (300), "${dir}/b.bin" (60) together are 360 bytes, 536 are needed`,
  },
  edited(
    "a shard's path is absolute",
    (json) => json.weightsManifest[0].paths = ["/dev/zero"],
    'the weights file "/dev/zero" is an absolute path, one within the folder of model.json is needed',
  ),
  edited(
    "a layer's class is unknown",
    (json) => layer(json, 1).class_name = "GroupNormalization",
    `the layer "bn" has the class "GroupNormalization", ${UNKNOWN}`,
  ),
  edited(
    "a layer's class with an underscore is unknown",
    (json) => layer(json, 1).class_name = "My_layer",
    `the layer "bn" has the class "My_layer", ${UNKNOWN}`,
  ),
  edited(
    "a layer's initializer is unknown",
    (json) => layer(json, 3).config.kernel_initializer = { class_name: "MyInit", config: {} },
    `the layer "logits" has the initializer "MyInit", ${UNKNOWN}`,
  ),
  edited(
    "a layer's activation is unknown",
    (json) => layer(json, 0).config.activation = "hard_mish",
    `the layer "conv" has the activation "hard_mish", ${UNKNOWN}`,
  ),
  edited(
    "a layer's activation is unknown, and layers are called as it is",
    (json) => {
      layer(json, 0).config.activation = "mish_2";
      layer(json, 0).config.name = "mish_2";
    },
    `the layer "mish_2" has the activation "mish_2", ${UNKNOWN}`,
  ),
  edited(
    "a weight has another name",
    (json) => json.weightsManifest[0].weights[0].name = "convolution/kernel",
    'the layer "conv" needs the weight "conv/kernel", which "weightsManifest" does not have ' +
      '(it has "convolution/kernel", which no layer takes)',
  ),
  edited(
    "a weight has another shape of the same size",
    (json) => json.weightsManifest[0].weights[0].shape = [3, 2, 3, 3],
    'the layer "conv" needs the weight "conv/kernel" of shape [3,3,2,3], "weightsManifest" has shape [3,2,3,3]',
  ),
  edited(
    "a weight has another dtype",
    (json) => json.weightsManifest[0].weights[1].dtype = "int32",
    'the layer "conv" needs the weight "conv/bias" as float32, "weightsManifest" has int32',
  ),
  edited(
    "the layers are gone, their weights are not",
    (json) => (json.modelTopology.config as { layers: unknown[] }).layers.pop(),
    '"weightsManifest" has the weight "logits/kernel", which no layer of the model takes',
  ),
  {
    when: "all weights are gone",
    damage: (dir) => editModelJson(dir, (json) => json.weightsManifest = []),
    says: 'the layer "conv" needs the weight "conv/kernel", which "weightsManifest" does not have',
  },
  edited(
    "only an optimizer's weights are left",
    (json) => json.weightsManifest[0].weights = [{ name: "m", shape: [134], dtype: "float32", group: "optimizer" }],
    'the layer "conv" needs the weight "conv/kernel", which "weightsManifest" does not have',
  ),
  {
    when: "a weight holds NaN and Infinity",
    damage: (dir) => {
      const values = new Float32Array(Deno.readFileSync(`${dir}/weights.bin`).buffer);
      values.set([NaN, -Infinity], 54); // the conv's bias follows its 3·3·2·3 kernel
      Deno.writeFileSync(`${dir}/weights.bin`, new Uint8Array(values.buffer));
    },
    says: 'the weight "conv/bias" holds NaN or Infinity in 2 of 3 places, finite numbers are needed',
  },
];

for (const { when, damage, says } of DAMAGES) {
  Deno.test(`loadLayersModel() throws ModelFileError when ${when}`, () =>
    withSavedModel(async (dir) => {
      damage(dir);
      const because = typeof says === "string" ? says : says(dir);
      await assert.rejects(loadLayersModel(dir), (error) => {
        assert.ok(error instanceof ModelFileError);
        assert.equal(error.message, `Cannot load "${dir}/model.json": ${because}`);
        return true;
      });
    }));
}

Deno.test("loadLayersModel() throws ModelFileError when there is no such path, or no model.json in the folder", () =>
  withTempDir(async (dir) => {
    await assert.rejects(
      loadLayersModel(`${dir}/none.json`),
      new ModelFileError(`Cannot load "${dir}/none.json": there is no such file or folder, a model.json is needed`),
    );
    await assert.rejects(
      loadLayersModel(dir),
      new ModelFileError(`Cannot load "${dir}": the folder holds no model.json, one is needed`),
    );
  }));

Deno.test("loadLayersModel() names the inner layer when the class of a nested model's layer is unknown", () =>
  withTempDir(async (dir) => {
    const inner = tfl.sequential({
      name: "inner",
      layers: [tfl.layers.reLU({ name: "ReLU", inputShape: [2] }), tfl.layers.reLU({ name: "act" })],
    });
    await saveLayersModel(tfl.sequential({ name: "outer", layers: [inner] }), dir);
    const json = Deno.readTextFileSync(`${dir}/model.json`);
    const at = json.lastIndexOf('"class_name":"ReLU"');
    Deno.writeTextFileSync(`${dir}/model.json`, json.slice(0, at) + json.slice(at).replace("ReLU", "Gelu"));
    await assert.rejects(loadLayersModel(dir), /: the layer "act" has the class "Gelu"/);
  }));

Deno.test("loadLayersModel() refuses a model whose files a process stopped moving into place", () =>
  withTempDir(async (dir) => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] });
    await saveLayersModel(model, `${dir}/qat`);
    for (const root of [dir, `${dir}/qat`]) {
      Deno.writeTextFileSync(`${root}/.commit.json`, "{}");
      for (const path of [`${dir}/qat`, `${dir}/qat/model.json`]) {
        await assert.rejects(loadLayersModel(path), /: a process stopped while it moved files into "[^\n]*finishes$/);
      }
      Deno.removeSync(`${root}/.commit.json`);
    }
    await loadLayersModel(`${dir}/qat`);
  }));
