import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { loadLayersModel, saveLayersModel } from "../models/import/layers_model.ts";
import { fromModel } from "../src/rewrite/mod.ts";
import { apply, islandModel, nestedModel, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import { adoptPrepared } from "./adopt.ts";
import { type PreparedModel, prepareQat } from "./prepare.ts";
import { keepFloat } from "./recipe.ts";
import { attachRecord, recordOf } from "./record.ts";

async function saveAndLoad(model: tfl.LayersModel): Promise<tfl.LayersModel> {
  const dir = await Deno.makeTempDir();
  try {
    await saveLayersModel(model, dir);
    return (await loadLayersModel(dir)).model;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What a record says, without the model. */
function said({ model: _, unmatched: __, ...record }: PreparedModel) {
  return JSON.parse(JSON.stringify(record));
}

for (const make of [sequentialModel, skipModel, nestedModel, islandModel]) {
  Deno.test(`adoptPrepared() gives all back that was known of ${make.name}() before it was saved`, async () => {
    const [name] = fromModel(make()).nodes.filter(({ layer }) => layer.weights.length > 0).map(({ name }) => name);
    const rules = [...keepFloat(name), { match: { kind: "weighted" }, then: { weights: { qmin: -64, qmax: 64 } } }];
    const prepared = prepareQat(make(), { target: "arm", recipe: { name: "mine", rules } });
    const loaded = await saveAndLoad(prepared.model);
    assert.deepEqual(said(adoptPrepared(loaded)), said(prepared));
    assert.ok(prepared.units.length > 0 && prepared.islands.length > 0);
  });

  Deno.test(`adoptPrepared() finds units, islands and schemes of ${make.name}() without a record`, async () => {
    const prepared = prepareQat(make(), { target: "arm" });
    prepared.model.setUserDefinedMetadata({});
    const { units, islands, quantizers, layers, target } = adoptPrepared(await saveAndLoad(prepared.model));
    assert.deepEqual(units, prepared.units);
    assert.deepEqual(islands, prepared.islands);
    assert.deepEqual(quantizers, prepared.quantizers);
    assert.deepEqual(layers, prepared.layers);
    assert.equal(target, "arm");
  });
}

Deno.test("adoptPrepared() finds the weights of shared layers without a record, in float and quantized", () => {
  const image = tfl.input({ shape: [4, 4, 3], name: "image" });
  const conv = tfl.layers.conv2d({ filters: 3, kernelSize: 1, name: "conv" });
  const prelu = tfl.layers.prelu({ name: "prelu" });
  const outputs = [conv, prelu, conv, prelu].reduce((x, layer) => apply(layer, x), image);
  const prepared = prepareQat(tfl.model({ inputs: image, outputs }), { swap: [] });
  prepared.model.setUserDefinedMetadata({});
  const { layers, islands } = adoptPrepared(prepared.model);
  assert.deepEqual(islands, prepared.islands);
  const weights = (all: typeof layers) => all.map(({ layer, weights }) => [layer, weights]);
  assert.deepEqual(weights(layers), weights(prepared.layers));
});

Deno.test("adoptPrepared() tells layers that were left in float without a record", () => {
  const prepared = prepareQat(sequentialModel(), { recipe: { rules: keepFloat("fc") } });
  prepared.model.setUserDefinedMetadata({});
  const { islands, target } = adoptPrepared(prepared.model);
  assert.deepEqual(islands, [{ layer: "fc_linear", because: "it was left in float when the model was prepared" }]);
  assert.equal(target, "x86");
});

Deno.test("attachRecord() keeps other metadata, the task's name, and this project's version", async () => {
  const prepared = prepareQat(sequentialModel());
  prepared.model.setUserDefinedMetadata({ author: "me" });
  attachRecord(prepared.model, { ...prepared, task: "regression" });
  assert.equal(recordOf(prepared.model)?.task, "regression");
  const metadata = JSON.parse(JSON.stringify(prepared.model.getUserDefinedMetadata()));
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  assert.deepEqual([metadata.author, metadata["tfjs-qat"].version], ["me", version]);
});

/** Damages to a record, and what is said of them. */
const DAMAGES: Readonly<Record<string, readonly [(record: Record<string, unknown>) => unknown, RegExp]>> = {
  "is no object": [() => "x86", /\$ is "x86", an object is needed/],
  "is of a later form": [(record) => ({ ...record, schema: 2 }), /\$\.schema is 2/],
  "lacks its units": [({ units: _, ...record }) => record, /\$\.units is missing/],
  "has an unknown target": [(record) => ({ ...record, target: "x68" }), /\$\.target is "x68"/],
  "has a broken recipe": [
    (record) => ({ ...record, recipe: { rules: [{}] } }),
    /\$\.recipe\.rules\[0\]\.match is missing/,
  ],
  "speaks of other layers": [
    (record) => ({ ...record, units: [{ kind: "weighted", layer: "gone", end: "gone" }] }),
    /it speaks of a layer "gone", which the model does not have/,
  ],
};

for (const [name, [damage, message]] of Object.entries(DAMAGES)) {
  Deno.test(`recordOf() refuses a record that ${name}`, () => {
    const { model } = prepareQat(sequentialModel());
    const { "tfjs-qat": record } = JSON.parse(JSON.stringify(model.getUserDefinedMetadata()));
    model.setUserDefinedMetadata({ "tfjs-qat": damage(record) });
    assert.throws(() => recordOf(model), { name: "TypeError", message });
    assert.throws(() => recordOf(model), /Cannot read the quantization record of model "seq": /);
  });
}

Deno.test("recordOf() finds none in a model that is not prepared", () => {
  assert.equal(recordOf(sequentialModel()), undefined);
});
