import assert from "node:assert/strict";
import { bytesOf } from "../../data/pixels.ts";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { dummySamples } from "./dummy.ts";

const { layers } = tfl;

Deno.test("dummySamples() makes pictures of noise for models of pictures, the same for the same seed", () => {
  const model = tfl.sequential({
    layers: [layers.conv2d({ filters: 1, kernelSize: 1, inputShape: [4, 5, 3], name: "c" })],
  });
  const [{ inputs, count, targets }, same, other] = [0, 0, 1].map((seed) => dummySamples(model, { count: 9, seed }));
  const [input] = Object.values(inputs);
  assert.ok(input.kind === "pictures");
  assert.deepEqual([count, targets, input.height, input.width, input.channels], [9, {}, 4, 5, 3]);
  assert.equal(input.bytes.length, 9 * 60);
  assert.ok(Math.max(...bytesOf(input.bytes)) > 200 && Math.min(...bytesOf(input.bytes)) < 50);
  assert.deepEqual(same.inputs, inputs);
  assert.notDeepEqual(other.inputs, inputs);
});

Deno.test("dummySamples() makes numbers on both sides of 0 for rows", () => {
  const model = tfl.sequential({ layers: [layers.dense({ units: 1, inputShape: [7], name: "d" })] });
  const [input] = Object.values(dummySamples(model, { count: 20, seed: 0 }).inputs);
  assert.ok(input.kind === "rows" && input.names.length === 7 && input.values.length === 140);
  assert.ok(input.values.every((value) => value >= -1 && value < 1) && input.values.some((value) => value < 0));
});

Deno.test("dummySamples() makes indices of an embedding's rows", () => {
  const input = tfl.input({ shape: [6], name: "tokens" });
  const table = layers.embedding({ inputDim: 5, outputDim: 2, name: "table" });
  const model = tfl.model({ inputs: input, outputs: table.apply(input) as tfl.SymbolicTensor });
  const [tokens] = Object.values(dummySamples(model, { count: 50, seed: 0 }).inputs);
  assert.ok(tokens.kind === "tokens" && tokens.length === 6 && tokens.names.length === 5);
  assert.deepEqual([...new Set(tokens.values)].sort(), [0, 1, 2, 3, 4]);
});

Deno.test("dummySamples() makes indices of the smallest of the tables that are looked up in", () => {
  for (const rows of [[5, 3], [3, 5]]) {
    const input = tfl.input({ shape: [6], name: "tokens" });
    const tables = rows.map((inputDim) => layers.embedding({ inputDim, outputDim: 2 }));
    const read = tables.map((table) => table.apply(input) as tfl.SymbolicTensor);
    const model = tfl.model({ inputs: input, outputs: layers.add().apply(read) as tfl.SymbolicTensor });
    const [tokens] = Object.values(dummySamples(model, { count: 50, seed: 0 }).inputs);
    assert.ok(tokens.kind === "tokens");
    assert.deepEqual([...new Set(tokens.values)].sort(), [0, 1, 2]);
  }
});
