/** What is checked before anything is read or allocated: sizes against the manifest, paths against the model's folder. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { makeLink } from "../../tests/_support/link.ts";
import { loadLayersModel, ModelFileError } from "./layers_model.ts";
import { probeModel } from "./probe.ts";
import { type EditableJson, editModelJson, withSavedModel } from "./_test_models.ts";

interface LayerJson {
  class_name: string;
  config: Record<string, unknown>;
}

/** Refuses the model in `dir` and returns why, without tensors left behind. */
async function refusal(dir: string): Promise<string> {
  const before = tf.memory();
  try {
    await loadLayersModel(dir);
  } catch (error) {
    assert.ok(error instanceof ModelFileError, String(error));
    assert.ok(!error.message.includes("\n") && error.message.length <= 1001, error.message);
    assert.equal(tf.memory().numTensors, before.numTensors, "tensors of a refused model stay");
    return error.message;
  }
  throw new Error("the model was loaded");
}

function layersOf(json: EditableJson): LayerJson[] {
  const { config } = json.modelTopology as { config: { layers: LayerJson[] } };
  return config.layers;
}

const SIZES: Readonly<Record<string, readonly [layer: number, config: Record<string, unknown>, because: RegExp]>> = {
  "a million units": [
    3,
    { units: 1e6 },
    /"logits\/kernel" of shape \[12,1000000\], "weightsManifest" has shape \[12,5\]/,
  ],
  "more units than memory": [3, { units: 5e9 }, /shape \[12,5000000000\]/],
  "more filters than memory": [0, { filters: 2 ** 40 }, /"conv\/kernel" of shape \[3,3,2,1099511627776\]/],
  "a huge kernel": [
    0,
    { kernel_size: [2 ** 20, 2 ** 20], padding: "same" },
    /"conv\/kernel" of shape \[1048576,1048576,2,3\]/,
  ],
  "renamed and large": [3, { units: 1e7, name: "new" }, /"new\/kernel", which "weightsManifest" does not have/],
  "a huge picture": [
    0,
    { batch_input_shape: [null, 1e5, 1e5, 2] },
    /the layer "conv" gives \[\?,99998,99998,3\], \d+ numbers/,
  ],
  "strides of nothing": [0, { strides: [0, 0] }, /the layer "conv" gives \[\?,Infinity,Infinity,3\], whole numbers/],
  "strides that go back": [0, { strides: [-1, -1] }, /the layer "conv" gives \[\?,0,0,3\], sizes of at least 1/],
};

for (const [what, [at, config, because]] of Object.entries(SIZES)) {
  Deno.test(`loadLayersModel() refuses ${what} before anything is allocated`, () =>
    withSavedModel(async (dir) => {
      editModelJson(dir, (json) => Object.assign(layersOf(json)[at].config, config));
      assert.match(await refusal(dir), because);
    }));
}

const ODD: Readonly<Record<string, readonly [edit: (json: EditableJson) => unknown, because: RegExp]>> = {
  "a flag that is a text": [
    (json) => layersOf(json)[0].config.use_bias = "no",
    /the layer "conv" \(Conv2D\) has "use_bias" "no", true or false is needed$/,
  ],
  "units in a text": [
    (json) => layersOf(json)[3].config.units = "5",
    /the layer "logits" \(Dense\) has "units" "5", a whole number from 1 is needed$/,
  ],
  "a momentum above 1": [
    (json) => layersOf(json)[1].config.momentum = 1.5,
    /the layer "bn" \(BatchNormalization\) has "momentum" 1.5, a number from 0 to 1 is needed$/,
  ],
  "an epsilon below 0": [(json) => layersOf(json)[1].config.epsilon = -1, /"epsilon" -1, a number from 0 is needed$/],
  "a rate of 1": [
    (json) => layersOf(json).push({ class_name: "Dropout", config: { name: "drop", rate: 1 } }),
    /the layer "drop" \(Dropout\) has "rate" 1, a number from 0 to below 1 is needed$/,
  ],
  "an alpha that is an object": [
    (json) => layersOf(json).push({ class_name: "LeakyReLU", config: { name: "leaky", alpha: { a: 1 } } }),
    /the layer "leaky" \(LeakyReLU\) has "alpha" \{"a":1\}, a number is needed$/,
  ],
  "a name that is no text": [
    (json) => layersOf(json)[1].config.name = { toString: null },
    /it has a layer whose name is \{"toString":null\}, a text is needed$/,
  ],
  "a class that is no text": [
    (json) => layersOf(json)[0].config.kernel_initializer = { class_name: [{}], config: {} },
    /the layer "conv" \(Conv2D\) cannot be made: its configuration is damaged$/,
  ],
  "a stride that is an object": [
    (json) => layersOf(json)[0].config.strides = [1, {}],
    /the layer "conv" \(Conv2D\) cannot be made: its configuration is damaged$/,
  ],
  "a size that is an object": [
    (json) => layersOf(json)[0].config.batch_input_shape = [null, 4, 4, { a: 1 }],
    /needs the weight "conv\/kernel" of shape \[3,3,no number,3\], a list of sizes is needed$/,
  ],
  "a dtype of an input that is none": [
    (json) => layersOf(json)[0].config.dtype = "float3",
    /float3/,
  ],
  "the key __proto__": [
    (json) => layersOf(json)[0].config = JSON.parse(`{"__proto__": {}, "name": "conv"}`),
    /its JSON has the key "__proto__"/,
  ],
  "more levels than the stack has": [
    (json) => layersOf(json)[0].config.extra = JSON.parse("[".repeat(3000) + "]".repeat(3000)),
    /its JSON has more than 300 levels/,
  ],
};

for (const [what, [edit, because]] of Object.entries(ODD)) {
  Deno.test(`loadLayersModel() refuses ${what} in one line`, () =>
    withSavedModel(async (dir) => {
      editModelJson(dir, edit);
      assert.match(await refusal(dir), because);
    }));
}

Deno.test("probeModel() refuses in one line what TensorFlow.js makes and cannot run", () =>
  withSavedModel(async (dir) => {
    const whole = Deno.readTextFileSync(`${dir}/model.json`);
    const probe = async (edit: (layers: LayerJson[]) => void) => {
      Deno.writeTextFileSync(`${dir}/model.json`, whole);
      editModelJson(dir, (json) => edit(layersOf(json)));
      probeModel((await loadLayersModel(dir)).model, dir);
    };
    await probe(() => {});
    const reshape = { class_name: "Reshape", config: { name: "shape", target_shape: [3, 5] } };
    await assert.rejects(probe((layers) => layers.push(reshape)), {
      name: "ModelFileError",
      message:
        `Cannot load "${dir}": the layer "shape" (Reshape) cannot read [1,5]: Total size of new array must be unchanged.`,
    });
    const initializer = { class_name: "TruncatedNormal", config: {} };
    await assert.rejects(probe((layers) => layers[3].config.activation = initializer), {
      name: "ModelFileError",
      message: `Cannot load "${dir}": the layer "logits" (Dense) cannot read [1,12]: its configuration is damaged`,
    });
  }));

Deno.test("loadLayersModel() names the layer that TensorFlow.js cannot make or call, and says no more than a line", () =>
  withSavedModel(async (dir) => {
    const whole = Deno.readTextFileSync(`${dir}/model.json`);
    const refused = (edit: (layers: LayerJson[]) => void) => {
      Deno.writeTextFileSync(`${dir}/model.json`, whole);
      editModelJson(dir, (json) => edit(layersOf(json)));
      return refusal(dir);
    };
    const wrongActivation = await refused((layers) => layers[0].config.activation = { "": "x".repeat(1e5) });
    assert.match(wrongActivation, /the layer "conv" \(Conv2D\) cannot be made: /);
    const nothing = await refused((layers) => layers[0].config.kernel_initializer = 7);
    assert.match(nothing, /the layer "conv" \(Conv2D\) cannot be made: /);
    const flat = await refused((layers) => layers.splice(1, 0, layers[2]));
    assert.match(flat, /the layer/);
  }));

Deno.test("loadLayersModel() reads weights within the folder of model.json only, and tells nothing of others", () =>
  withSavedModel(async (dir) => {
    const outside = `${dir}_outside`;
    await Deno.mkdir(outside);
    try {
      await Deno.copyFile(`${dir}/weights.bin`, `${outside}/weights.bin`);
      await Deno.mkdir(`${dir}/inner`);
      makeLink(`${dir}/weights.bin`, `${dir}/inside.bin`);
      makeLink(`${outside}/weights.bin`, `${dir}/link.bin`);
      makeLink(`${outside}/none`, `${dir}/dangling.bin`);
      makeLink(outside, `${dir}/folder`);
      const withPath = async <T>(path: string, then: (dir: string) => Promise<T>) => {
        editModelJson(dir, (json) => json.weightsManifest[0].paths = [path]);
        return await then(dir);
      };
      const name = outside.slice(outside.lastIndexOf("/") + 1);
      const refused = [`../${name}/weights.bin`, "inner/../../x", "..", "/etc/passwd", "C:\\x", "..\\x"];
      for (const path of refused) assert.match(await withPath(path, refusal), /is (an absolute path|a path out of)/);
      const links = ["link.bin", "dangling.bin", "folder/weights.bin", "folder/none"];
      const said = [];
      for (const path of links) said.push((await withPath(path, refusal)).replace(path, "PATH"));
      assert.match(
        said[0],
        /"PATH" is a link out of the model's folder, one within the folder of model.json is needed$/,
      );
      assert.equal(new Set(said).size, 1, "whether something is there can be told");
      for (const path of ["weights.bin", "inside.bin", "inner/../weights.bin", "./weights.bin"]) {
        (await withPath(path, loadLayersModel)).model.dispose();
      }
    } finally {
      await Deno.remove(outside, { recursive: true });
    }
  }));

Deno.test("loadLayersModel() shows no control characters and no whole configurations", () =>
  withSavedModel(async (dir) => {
    editModelJson(dir, (json) => layersOf(json)[1].class_name = `\x1b[2J\n${"x".repeat(1e5)}`);
    const message = await refusal(dir);
    assert.doesNotMatch(message, /\p{Cc}/u);
    assert.match(message, /is needed$/);
  }));
