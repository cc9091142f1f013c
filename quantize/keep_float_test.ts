import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { registerBackend } from "../src/backend/mod.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { quantizedLayer } from "../src/quant/mod.ts";
import { inputFor, predict, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import { calibrate } from "./calibrate.ts";
import { keepInFloat } from "./keep_float.ts";
import { prepareQat } from "./prepare.ts";

Deno.test.beforeAll(async () => void await registerBackend());

Deno.test("keepInFloat() keeps grids that stay, and answers in float as the model does", async () => {
  for (const [make, name] of [[skipModel, "conv_b"], [sequentialModel, "dw"]] as const) {
    const { model } = prepareQat(make());
    const x = inputFor(model);
    await calibrate(model, [x]);
    const [first] = model.layers.flatMap((layer) => quantizedLayer(layer)?.role === "activations" ? [layer.name] : []);
    // Ranges that training found, and no batch gives again.
    const gridOf = (one: typeof model) => quantizedLayer(one.getLayer(first))!.readGrids()[0].grid.scale;
    const { scale } = quantizedLayer(model.getLayer(first))!.state;
    scale.write(tf.mul(scale.read(), 1.5));
    const kept = await keepInFloat(model, { layers: [name], batches: [x] });
    assert.deepEqual(kept.islands.filter(({ because }) => because.includes("asked")).map(({ layer }) => layer), [name]);
    assert.equal(gridOf(kept.model), gridOf(model));
    for (const one of [model, kept.model]) {
      for (const layer of one.layers) quantizedLayer(layer)?.setPhase({ fakeQuantizing: false });
    }
    assert.deepEqual(predict(kept.model, x), predict(model, x));
    const { graph } = await toOnnx(kept.model);
    const node = graph.nodes.find(({ layer, op }) => layer === name && op.includes("Conv"))!;
    assert.ok(graph.initializers.has(node.inputs[1]), "its weights are no codes");
  }
});

Deno.test("keepInFloat() refuses a layer that the model does not have, and suggests one", async () => {
  const { model } = prepareQat(sequentialModel());
  await calibrate(model, [inputFor(model)]);
  await assert.rejects(keepInFloat(model, { layers: ["conv2"], batches: [] }), /did you mean "conv1"\?/);
});
