import assert from "node:assert/strict";
import type { SampleInput, SampleSet } from "./samples.ts";
import { readScalings, scaleRows, scalingsOf } from "./standardize.ts";

function setOf(input: SampleInput, count: number): SampleSet {
  return { name: "set", count, inputs: { input }, targets: {} };
}

function rows(...values: number[]): SampleInput {
  return { kind: "rows", names: ["a", "b"], values: Float32Array.from(values) };
}

Deno.test("scaleRows() gives the training half mean 0 and deviation 1, and the test half the same map", () => {
  // a: 1, 3 → mean 2, deviation 1; b never changes.
  const given = { name: "s", train: setOf(rows(1, 7, 3, 7), 2), test: setOf(rows(6, 9), 1) };
  const scalings = scalingsOf(given.train);
  assert.deepEqual(scalings, { input: { columns: ["a", "b"], mean: [2, 7], std: [1, 1] } });
  const { train, test } = scaleRows(given, scalings);
  assert.deepEqual([train, test].map(({ inputs: { input } }) => input.kind === "rows" ? [...input.values] : []), [
    [-1, 0, 1, 0],
    [4, 2],
  ]);
});

Deno.test("scaleRows() leaves pictures alone", () => {
  const picture: SampleInput = { kind: "pictures", height: 1, width: 1, channels: 1, bytes: Uint8Array.of(9) };
  const given = { name: "s", train: setOf(picture, 1), test: setOf(picture, 1) };
  assert.deepEqual([scalingsOf(given.train), scaleRows(given, {})], [{}, given]);
});

Deno.test("readScalings() gives saved scalings back, and refuses damaged ones and those of other columns", () => {
  const set = setOf(rows(1, 7, 3, 7), 2);
  const scalings = scalingsOf(set);
  assert.deepEqual(readScalings(JSON.parse(JSON.stringify(scalings)), set), scalings);
  const { input } = scalings;
  const damaged = [7, null, [], { input: 7 }, { input: { ...input, std: [1, 0] } }, { input: { ...input, mean: [1] } }];
  for (const saved of damaged) assert.throws(() => readScalings(saved, set), /saved scalings? .*(are|is) damaged/);
  assert.throws(() => readScalings({ input: { ...input, columns: ["a", "c"] } }, set), {
    name: "TypeError",
    message: 'Cannot scale "set": its columns are a, b, the model was trained on a, c',
  });
  assert.throws(() => readScalings({ other: input }, set), /its columns are none/);
});
