import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { FileGrid, ImportedGrids } from "../models/import/imported.ts";
import { quantizedLayersIn } from "../src/quant/mod.ts";
import { seedWeights } from "../tests/_support/small_models.ts";
import { prepareOnGrids } from "./on_grids.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

const INT8 = { dtype: "int8", qmin: -128, qmax: 127, axis: 0 } as const;
const UINT8 = { dtype: "uint8", qmin: 0, qmax: 255, axis: 0 } as const;

/** x → "first" → ReLU → "second". */
function net(): tfl.LayersModel {
  return seedWeights(tfl.sequential({
    layers: [
      layers.dense({ units: 2, name: "first", inputShape: [3] }),
      layers.reLU({ name: "relu" }),
      layers.dense({ units: 1, name: "second" }),
    ],
  }));
}

const VALUES: Readonly<Record<string, FileGrid>> = {
  first_input: { ...UINT8, scale: [0.5], zeroPoint: [7] },
  relu: { ...UINT8, scale: [0.25], zeroPoint: [0] },
  second: { ...UINT8, scale: [0.125], zeroPoint: [100] },
};

function gridsOf(weights: Readonly<Record<string, FileGrid>>, values = VALUES): ImportedGrids {
  return {
    values: new Map(Object.entries(values)),
    weights: new Map(Object.entries(weights)),
    isDynamic: false,
    answer: () => Promise.resolve([]),
  };
}

/** Grids of a prepared model's layers, as plain numbers. */
function numbersIn(model: tfl.LayersModel) {
  return quantizedLayersIn(model).filter(({ role }) => role !== "batch-norm").map((layer) => {
    const [{ grid: { scale, zeroPoint } }] = layer.readGrids();
    return [scale, zeroPoint].map((of) => typeof of === "number" ? of : Array.from(of));
  });
}

Deno.test("prepareOnGrids() gives values and weights the grids of a file, one a tensor or one a channel", () => {
  const first: FileGrid = { ...INT8, scale: [0.5, 0.25], zeroPoint: [0, 0] };
  const second: FileGrid = { ...INT8, scale: [0.0625], zeroPoint: [0] };
  const { model, target, taken, open, islands } = prepareOnGrids(net(), gridsOf({ first, second }));
  assert.deepEqual([target, taken, open, islands], ["x86", 5, [], []]);
  assert.deepEqual(numbersIn(model), [[0.5, 7], [[0.5, 0.25], 0], [0.25, 0], [[0.0625], 0], [0.125, 100]]);
});

Deno.test("prepareOnGrids() has affine weights where the file has, for the target that holds them", () => {
  const affine = (of: typeof INT8 | typeof UINT8, zero: number): FileGrid => ({
    ...of,
    scale: [0.5],
    zeroPoint: [zero],
  });
  const prepare = (grid: FileGrid) => prepareOnGrids(net(), gridsOf({ first: grid, second: grid }));
  assert.deepEqual([affine(INT8, -9), affine(UINT8, 9)].map((grid) => prepare(grid).target), ["x86", "x86-u8u8"]);
  const { model } = prepare(affine(UINT8, 9));
  assert.deepEqual(numbersIn(model), [[0.5, 7], [[0.5], [9]], [0.25, 0], [[0.5], [9]], [0.125, 100]]);
  // Around the middle the codes are those of int8.
  assert.equal(prepare(affine(UINT8, 128)).target, "x86");
});

Deno.test("prepareOnGrids() takes no affine grid that has no codes for channels which it turned", () => {
  // Weights −3.5 to 0.5 in steps of 0.5: 0 has code 7 of 8, and its negatives lie beyond the last code.
  const build = (gamma: number) => {
    const model = tfl.sequential({
      layers: [
        layers.dense({ units: 1, name: "first", inputShape: [3], useBias: false }),
        layers.batchNormalization({ name: "norm" }),
      ],
    });
    model.getLayer("first").setWeights([tf.tensor2d([[-3.5], [0], [0.5]])]);
    model.getLayer("norm").setWeights([[gamma], [0], [0], [1]].map((of) => tf.tensor1d(of)));
    return model;
  };
  const first: FileGrid = { ...UINT8, scale: [0.5], zeroPoint: [253] };
  const values = { first_input: VALUES.first_input, norm: VALUES.second };
  const [kept, turned] = [1, -1].map((gamma) => prepareOnGrids(build(gamma), gridsOf({ first }, values)));
  assert.deepEqual([kept.taken, turned.taken], [3, 2]);
  assert.deepEqual(numbersIn(kept.model)[1], [[0.5], [253]]);
  const [, [[scale], [zero]]] = numbersIn(turned.model) as number[][][];
  // Its own: −0.5 to 3.5.
  assert.deepEqual([scale, zero], [Math.fround(4 / 255), 32]);
});

Deno.test("prepareOnGrids() leaves in float what has no grid in the file, and open what calibration is to find", () => {
  const second: FileGrid = { ...INT8, scale: [0.0625], zeroPoint: [0] };
  const { relu: _, ...values } = VALUES;
  const { islands, open, taken } = prepareOnGrids(net(), gridsOf({ second }, values));
  assert.deepEqual([islands.map(({ layer }) => layer), open, taken], [["first"], ["relu_quant"], 2]);
});
