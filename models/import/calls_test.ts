/** Which calls a model's layers are read with: shared layers in the right order, damaged references refused. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, inputFor, nestedModel, predict, seedWeights } from "../../tests/_support/small_models.ts";
import { CallsError, orderCalls } from "./_calls.ts";
import { editModelJson, withSavedModel, withTempDir } from "./_test_models.ts";
import { loadLayersModel, ModelFileError, saveLayersModel } from "./layers_model.ts";

const { layers } = tfl;

/** x → a → b → shared, and x → shared → c → d → e: the second call can be made before the first, and TF.js does so. */
function lateFirstCall(shared: tfl.layers.Layer): tfl.LayersModel {
  const x = tfl.input({ shape: [3], name: "x" });
  const chain = (names: string, input: tfl.SymbolicTensor) =>
    [...names].reduce((value, name) => apply(layers.dense({ units: 3, name }), value), input);
  const [first, second] = [chain("ab", x), x].map((input) => apply(shared, input));
  const cat = apply(layers.concatenate({ name: "cat" }), chain("cde", second), first);
  return seedWeights(
    tfl.model({ inputs: x, outputs: apply(layers.dense({ units: 1, name: "last" }), cat), name: "late" }),
  );
}

/** A whole model called twice, the deeper value first. */
function backbone(): tfl.LayersModel {
  const input = tfl.input({ shape: [3], name: "inner" });
  return tfl.model({ inputs: input, outputs: apply(layers.dense({ units: 2, name: "fc" }), input), name: "backbone" });
}

/** What TF.js's own loader makes of the files. */
function loadByTfjs(dir: string): Promise<tfl.LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(Deno.readTextFileSync(`${dir}/model.json`));
  const weightData = Deno.readFileSync(`${dir}/weights.bin`).buffer;
  return tfl.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }));
}

for (
  const [what, make] of [["layer", () => layers.dense({ units: 2, name: "shared" })], ["model", backbone]] as const
) {
  Deno.test(`loadLayersModel() and TF.js read a shared ${what} right whose second call can be made first`, () =>
    withTempDir(async (dir) => {
      await tf.setBackend("cpu");
      const model = lateFirstCall(make());
      const inputs = inputFor(model);
      await saveLayersModel(model, dir);
      const { model: loaded } = await loadLayersModel(dir);
      assert.deepEqual(predict(loaded, inputs), predict(model, inputs));
      assert.deepEqual(predict(await loadByTfjs(dir), inputs), predict(model, inputs));
    }));

  Deno.test(`loadLayersModel() reads a shared ${what} right as TF.js saves it, which TF.js does not`, () =>
    withTempDir(async (dir) => {
      await tf.setBackend("cpu");
      const model = lateFirstCall(make());
      const inputs = inputFor(model);
      await saveLayersModel(model, dir);
      editModelJson(dir, (json) => (json.modelTopology = model.toJSON(null, false) as Record<string, unknown>));
      assert.deepEqual(predict((await loadLayersModel(dir)).model, inputs), predict(model, inputs));
      const theirs = predict(await loadByTfjs(dir), inputs);
      assert.notDeepEqual(theirs, predict(model, inputs), "TF.js reads it right by now");
    }));
}

Deno.test("orderCalls() returns topologies as they are that have nothing to be put in order", () => {
  const topology = nestedModel().toJSON(null, false) as Record<string, unknown>;
  assert.equal(orderCalls(topology), topology);
});

/** A functional topology of dense layers: what each call reads, by the layer. */
function topology(calls: Readonly<Record<string, unknown>>) {
  const own = Object.entries(calls).map(([name, inbound_nodes]) => ({
    name,
    class_name: "Dense",
    config: {} as Record<string, unknown>,
    inbound_nodes,
  }));
  const input = { name: "x", class_name: "InputLayer", config: {}, inbound_nodes: [] };
  return { class_name: "Model", config: { name: "m", layers: [input, ...own], output_layers: [["a", 0, 0]] } };
}

Deno.test("orderCalls() lists calls as they will be made, and numbers references and outputs anew", () => {
  const { config } = orderCalls(topology({
    shared: [[["a", 0, 0, {}]], [["x", 0, 0, {}]]],
    a: [[["shared", 1, 0, {}]]],
    b: [[["shared", 0, 0, {}], ["shared", 1, 0, {}]]],
  }));
  const { layers: listed } = config as { layers: { name: string; inbound_nodes: unknown }[] };
  assert.deepEqual(listed.slice(1).map(({ inbound_nodes }) => inbound_nodes), [
    [[["x", 0, 0, {}]], [["a", 0, 0, {}]]],
    [[["shared", 0, 0, {}]]],
    [[["shared", 1, 0, {}], ["shared", 0, 0, {}]]],
  ]);
});

const DAMAGED: Readonly<Record<string, [Readonly<Record<string, unknown>>, RegExp]>> = {
  "a layer that is not there": [{ a: [[["y", 0, 0, {}]]], yy: [] }, /"a" reads "y", a layer.*did you mean "yy"/],
  "a call that is not there": [{ a: [[["x", 0, 0]]], b: [[["a", 1, 0]]] }, /"b" reads call 1 of "a", which has 1/],
  "a call before the first": [{ a: [[["x", -1, 0]]] }, /"a" reads call -1 of "x"/],
  "half a call": [{ a: [[["x", 0.5, 0]]] }, /"a" reads call 0.5 of "x"/],
  "itself": [{ a: [[["a", 0, 0]]] }, /its layers "a" wait for each other/],
  "a name alone": [
    { a: [["x", 0, 0]] },
    /"a" has the call \["x",0,0\], a list of \["layer", call, value, \{\}\] is needed/,
  ],
  "a reference that begins with a number": [{ a: [[[0, "x", 0, 0]]] }, /"a" has the call \[\[0,"x",0,0\]\], a list/],
  "a list that is empty": [{ a: [[[]]] }, /"a" has the call \[\[\]\], a list/],
  "arguments that are none": [{ a: [[["x", 0, 0, 7]]] }, /"a" has the call \[\["x",0,0,7\]\], a list/],
  "a second value where there is one": [
    { a: [[["x", 0, 1]]] },
    /"a" reads value 1 of "x", which gives 1, counted from 0/,
  ],
  "a negative value": [{ a: [[["x", 0, -1]]] }, /"a" reads value -1 of "x"/],
  nothing: [{ a: [[]], b: [[["a", 0, 0]]] }, /"a" has a call that reads nothing/],
  "a cycle": [{ a: [[["b", 0, 0]]], b: [[["a", 0, 0]]], c: [[["x", 0, 0]]] }, /its layers "a", "b" wait/],
};

for (const [what, [calls, because]] of Object.entries(DAMAGED)) {
  Deno.test(`orderCalls() refuses a layer that reads ${what}`, () => {
    assert.throws(() => orderCalls(topology(calls)), (error) => {
      assert.ok(error instanceof CallsError);
      assert.match(error.message, because);
      return true;
    });
  });
}

Deno.test("loadLayersModel() refuses a damaged reference at once, and names the file and the layer", () =>
  withSavedModel(async (dir) => {
    const model = lateFirstCall(layers.dense({ units: 2, name: "shared" }));
    await saveLayersModel(model, dir);
    editModelJson(dir, (json) => {
      json.modelTopology = JSON.parse(JSON.stringify(json.modelTopology).replaceAll('["d",0', '["nope",0'));
    });
    await assert.rejects(loadLayersModel(dir), (error) => {
      assert.ok(error instanceof ModelFileError);
      assert.match(
        error.message,
        /^Cannot load ".*model.json": the layer "e" reads "nope", a layer of the model is needed$/,
      );
      return true;
    });
  }));

Deno.test("loadLayersModel() makes a model answer that TF.js frees a value of too early", () =>
  withTempDir(async (dir) => {
    await tf.setBackend("cpu");
    const x = tfl.input({ shape: [3], name: "x" });
    const a = apply(layers.dense({ units: 3, name: "a" }), x);
    const twice = apply(layers.add({ name: "twice" }), a, a);
    const model = tfl.model({ inputs: x, outputs: apply(layers.multiply({ name: "m" }), twice, a) });
    seedWeights(model).setUserDefinedMetadata({ note: "kept" });
    const inputs = inputFor(model);
    assert.throws(() => predict(model, inputs), "TF.js does it right by now");
    await saveLayersModel(model, dir);
    const { model: loaded } = await loadLayersModel(dir);
    const values = predict(tfl.model({ inputs: x, outputs: a }), inputs)[0];
    assert.deepEqual(predict(loaded, inputs), [values.map((value) => Math.fround(2 * value) * value)]);
    assert.deepEqual(loaded.getUserDefinedMetadata(), { note: "kept" });
  }));

Deno.test("orderCalls() refuses two layers of one name, in the list or in their configurations", () => {
  const [list, inside] = [0, 1].map(() => topology({ a: [[["x", 0, 0]]], b: [[["x", 0, 0]]] }));
  list.config.layers[2].name = "a";
  inside.config.layers[2].config = { name: "a" };
  for (const damaged of [list, inside]) assert.throws(() => orderCalls(damaged), /two of its layers are called "a"/);
});

Deno.test("orderCalls() refuses models without inputs, outputs that are not there, and layers without calls", () => {
  const refused = (changes: Readonly<Record<string, unknown>>) => () => {
    const { class_name, config } = topology({ a: [[["x", 0, 0]]] });
    return orderCalls({ class_name, config: { ...config, ...changes } });
  };
  assert.throws(
    refused({ input_layers: {} }),
    /"input_layers" is \{\}, a list of \["layer", call, value, \{\}\] is needed/,
  );
  assert.throws(refused({ output_layers: [["a", 0]] }), /"output_layers" has \["a",0\], a list of/);
  assert.throws(
    refused({ output_layers: [["a", 0, 0], ["a", 0, 0]] }),
    /"output_layers" has "a" twice, once is needed/,
  );
  assert.throws(refused({ input_layers: [] }), /"input_layers" is empty, a model needs at least one input/);
  assert.throws(refused({ output_layers: [["b", 0, 0]] }), /its output is "b", a layer of the model is needed/);
  assert.throws(refused({ output_layers: ["a", 1, 0] }), /its output is call 1 of "a", which has 1/);
  assert.throws(refused({ layers: topology({ a: null }).config.layers }), /"a" has no list "inbound_nodes"/);
  assert.doesNotThrow(refused({ input_layers: ["x", 0, 0], output_layers: [["a", 0, 0]] }));
});
