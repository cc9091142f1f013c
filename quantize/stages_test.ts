import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { buildArchitecture } from "../models/arch/mod.ts";
import { fromModel, modelCalls } from "../src/rewrite/mod.ts";
import { apply } from "../tests/_support/small_models.ts";
import { stagesOf } from "./stages.ts";

const { layers } = tfl;

function stagesIn(model: tfl.LayersModel): Readonly<Record<string, number>> {
  const shapes = new Map(modelCalls(model).map(({ name, shapes: [shape] }) => [name, shape]));
  return Object.fromEntries(stagesOf(fromModel(model), shapes));
}

Deno.test("stagesOf() counts halvings, not edges, and leaves out what has no sides", () => {
  const stages = stagesIn(tfl.sequential({
    layers: [
      layers.zeroPadding2d({ padding: 3, inputShape: [32, 32, 3], name: "pad" }),
      layers.conv2d({ filters: 2, kernelSize: 7, name: "edges" }),
      layers.conv2d({ filters: 2, kernelSize: 3, strides: 2, padding: "same", name: "half" }),
      layers.reLU({ name: "relu" }),
      layers.maxPooling2d({ poolSize: 2, name: "pool" }),
      layers.globalAveragePooling2d({ name: "mean" }),
      layers.dense({ units: 2, name: "dense" }),
    ],
  }));
  assert.deepEqual(stages, { pad: 1, edges: 1, half: 2, relu: 2, pool: 3 });
});

Deno.test("stagesOf() has no stage of what only pads, before the net or behind it", () => {
  const stages = stagesIn(tfl.sequential({
    layers: [
      layers.zeroPadding2d({ padding: 3, inputShape: [32, 32, 3], name: "pad" }),
      layers.dropout({ rate: 0.5, name: "drop" }),
      layers.conv2d({ filters: 2, kernelSize: 7, strides: 2, name: "half" }),
      layers.maxPooling2d({ poolSize: 2, name: "pool" }),
      layers.zeroPadding2d({ padding: 9, name: "wide" }),
    ],
  }));
  assert.deepEqual(stages, { pad: 1, drop: 1, half: 1, pool: 2, wide: 2 });
  const moved = tfl.sequential({ layers: [layers.zeroPadding2d({ inputShape: [8, 8, 3], name: "pad" })] });
  assert.deepEqual(stagesIn(moved), { pad: 1 });
});

Deno.test("stagesOf() finds five stages of resnet18, the first convolution the first", () => {
  const stages = stagesIn(buildArchitecture("resnet18", { inputShape: [112, 112, 3], outputs: 10, seed: 0 }));
  const named = ["conv1_pad", "conv1", "relu1", "stage1_block1_conv1", "stage4_block2_add"].map((name) => stages[name]);
  assert.deepEqual(named, [1, 1, 1, 2, 5]);
});

Deno.test("stagesOf() goes on counting where pictures grow again, along the longest way", () => {
  const x = tfl.input({ shape: [8, 8, 3], name: "x" });
  const down = apply(layers.conv2d({ filters: 2, kernelSize: 3, padding: "same", name: "down" }), x);
  const low = apply(layers.averagePooling2d({ poolSize: 2, name: "low" }), down);
  const up = apply(layers.upSampling2d({ size: [2, 2], name: "up" }), low);
  const skip = apply(layers.concatenate({ name: "skip" }), down, up);
  assert.deepEqual(stagesIn(tfl.model({ inputs: x, outputs: skip })), { down: 1, low: 2, up: 3, skip: 3 });
});

Deno.test("stagesOf() numbers a stage of a net that begins by halving, and takes a gate's 1 x 1 for no size", () => {
  const x = tfl.input({ shape: [8, 8, 3], name: "x" });
  const conv = apply(layers.conv2d({ filters: 3, kernelSize: 2, strides: 2, name: "conv" }), x);
  const mean = apply(layers.globalAveragePooling2d({ name: "mean" }), conv);
  const gate = apply(layers.reshape({ targetShape: [1, 1, 3], name: "gate" }), mean);
  const gated = apply(layers.multiply({ name: "gated" }), conv, gate);
  assert.deepEqual(stagesIn(tfl.model({ inputs: x, outputs: gated })), { conv: 1, gated: 1 });
});

Deno.test("stagesOf() finds the three stages of resnet20", () => {
  const model = buildArchitecture("resnet20", { inputShape: [32, 32, 3], outputs: 10, seed: 0 });
  const stages = stagesIn(model);
  assert.deepEqual([...new Set(Object.values(stages))].toSorted(), [1, 2, 3]);
  const calls = modelCalls(model).filter(({ name }) => name in stages);
  for (const { name, shapes: [[, side]] } of calls) assert.equal(side, 32 / 2 ** (stages[name] - 1), name);
});
