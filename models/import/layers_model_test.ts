import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { editModelJson, smallModel, weightValues, withSavedModel, withTempDir } from "./_test_models.ts";
import { OutputError } from "../../src/io/atomic.ts";
import { loadLayersModel, saveLayersModel } from "./layers_model.ts";

Deno.test("loadLayersModel() gives back topology and weights when the model was saved here", () =>
  withSavedModel(async (dir) => {
    const { model, source } = await loadLayersModel(dir);
    assert.deepEqual(weightValues(model), weightValues(smallModel()));
    assert.deepEqual(model.layers.map(({ name }) => name), ["conv", "bn", "flat", "logits"]);
    assert.deepEqual(source.files, [`${dir}/model.json`, `${dir}/weights.bin`]);
    assert.equal(
      source.byteLength,
      Deno.statSync(`${dir}/model.json`).size + Deno.statSync(`${dir}/weights.bin`).size,
    );
    assert.equal(source.weights.length, 8);
  }));

Deno.test("loadLayersModel() predicts as the saved model does", () =>
  withSavedModel(async (dir) => {
    const { model } = await loadLayersModel(`${dir}/model.json`);
    const x = tf.tensor(Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)), [2, 4, 4, 2]);
    const [actual, expected] = [model, smallModel()].map((m) => m.predict(x) as tf.Tensor);
    assert.deepEqual(actual.arraySync(), expected.arraySync());
  }));

Deno.test("saveLayersModel() writes the same bytes when the model went through a load", () =>
  withSavedModel(async (dir) => {
    const { model } = await loadLayersModel(dir);
    await saveLayersModel(model, `${dir}/again`);
    for (const name of ["model.json", "weights.bin"]) {
      assert.deepEqual(Deno.readFileSync(`${dir}/again/${name}`), Deno.readFileSync(`${dir}/${name}`), name);
    }
  }));

Deno.test("saveLayersModel() writes the new form, weights one after another as little-endian float32", () =>
  withSavedModel((dir) => {
    const { modelTopology, weightsManifest, ...rest } = JSON.parse(Deno.readTextFileSync(`${dir}/model.json`));
    assert.equal(modelTopology.class_name, "Sequential");
    assert.deepEqual(rest, {
      format: "layers-model",
      generatedBy: `TensorFlow.js tfjs-layers v${tfl.version_layers}`,
      convertedBy: null,
    });
    assert.deepEqual(weightsManifest[0].paths, ["weights.bin"]);
    assert.deepEqual(weightsManifest[0].weights[0], { name: "conv/kernel", shape: [3, 3, 2, 3], dtype: "float32" });
    const bytes = new DataView(Deno.readFileSync(`${dir}/weights.bin`).buffer);
    // The trainable weights come first, as in model.weights, whose values count through the eighths.
    assert.deepEqual([0, 4, 8].map((at) => bytes.getFloat32(at, true)), [0, 1 / 8, 2 / 8]);
  }));

Deno.test("saveLayersModel() keeps user-defined metadata", () =>
  withTempDir(async (dir) => {
    const model = smallModel();
    model.setUserDefinedMetadata({ labels: "a,b" });
    await saveLayersModel(model, dir);
    const loaded = await loadLayersModel(dir);
    assert.deepEqual(loaded.model.getUserDefinedMetadata(), { labels: "a,b" });
  }));

Deno.test("saveLayersModel() round-trips a model without weights", () =>
  withTempDir(async (dir) => {
    await saveLayersModel(tfl.sequential({ layers: [tfl.layers.flatten({ inputShape: [2, 2] })] }), dir);
    const { model } = await loadLayersModel(dir);
    assert.deepEqual(model.outputShape, [null, 4]);
  }));

Deno.test("saveLayersModel() refuses a model when two of its weights have one name", () =>
  withTempDir(async (dir) => {
    const inner = () => tfl.sequential({ layers: [tfl.layers.dense({ name: "d", units: 2, inputShape: [2] })] });
    const model = tfl.sequential({ name: "outer", layers: [inner(), inner()] });
    await assert.rejects(saveLayersModel(model, dir), {
      name: "RangeError",
      message: 'Cannot save the model "outer": two of its weights are named "d/kernel", ' +
        "layers with names of their own are needed",
    });
    assert.deepEqual([...Deno.readDirSync(dir)], []);
  }));

Deno.test("saveLayersModel() throws OutputError when the folder is a file", () =>
  withTempDir(async (dir) => {
    Deno.writeTextFileSync(`${dir}/file`, "");
    await assert.rejects(saveLayersModel(smallModel(), `${dir}/file`), OutputError);
  }));

Deno.test("loadLayersModel() reads the old form with model_config and training_config", () =>
  withSavedModel(async (dir) => {
    editModelJson(dir, (json) => {
      const modelConfig = json.modelTopology;
      json.modelTopology = {
        keras_version: "2.1.6",
        backend: "tensorflow",
        model_config: modelConfig,
        training_config: { optimizer_config: { class_name: "Nadam", config: { lr: 2e-4 } }, loss: "no_such_loss" },
      };
      json.trainingConfig = { loss: "no_such_loss", optimizer_config: { class_name: "NoSuch", config: {} } };
      delete json.format;
    });
    const { model } = await loadLayersModel(dir);
    assert.deepEqual(weightValues(model), weightValues(smallModel()));
  }));

Deno.test("loadLayersModel() ignores an optimizer's weights", () =>
  withSavedModel(async (dir) => {
    editModelJson(dir, (json) => {
      json.weightsManifest[0].weights.push({ name: "conv/kernel/m", shape: [2], dtype: "float32", group: "optimizer" });
    });
    Deno.writeFileSync(`${dir}/weights.bin`, new Uint8Array(8), { append: true });
    const { model } = await loadLayersModel(dir);
    assert.deepEqual(weightValues(model), weightValues(smallModel()));
  }));

Deno.test("loadLayersModel() joins the shards of a group when weights cross their borders", () =>
  withSavedModel(async (dir) => {
    const bytes = Deno.readFileSync(`${dir}/weights.bin`);
    Deno.mkdirSync(`${dir}/parts`);
    // Borders at odd bytes, inside the elements of the conv's kernel and of the dense layer's.
    const borders = [0, 7, 7, 301, bytes.length];
    const paths = borders.slice(1).map((end, i) => {
      Deno.writeFileSync(`${dir}/parts/shard${i}.bin`, bytes.subarray(borders[i], end));
      return i % 2 === 0 ? `./parts/shard${i}.bin` : `parts/shard${i}.bin`;
    });
    editModelJson(dir, (json) => json.weightsManifest[0].paths = paths);
    const { model, source } = await loadLayersModel(dir);
    assert.deepEqual(weightValues(model), weightValues(smallModel()));
    assert.equal(source.files.length, 1 + 4);
  }));

Deno.test("loadLayersModel() reads one group a weight, in an order of their own", () =>
  withSavedModel(async (dir) => {
    const bytes = Deno.readFileSync(`${dir}/weights.bin`);
    editModelJson(dir, (json) => {
      let offset = 0;
      json.weightsManifest = json.weightsManifest[0].weights.map((weight, i) => {
        const end = offset + 4 * weight.shape.reduce((a, b) => a * b, 1);
        Deno.writeFileSync(`${dir}/group${i}-shard1of1`, bytes.subarray(offset, end));
        offset = end;
        return { paths: [`group${i}-shard1of1`], weights: [weight] };
      }).reverse();
    });
    const { model } = await loadLayersModel(dir);
    assert.deepEqual(weightValues(model), weightValues(smallModel()));
  }));
