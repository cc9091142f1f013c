import assert from "node:assert/strict";
import type { SampleInput, SampleSet } from "./samples.ts";
import { standardize } from "./standardize.ts";

function setOf(input: SampleInput, count: number): SampleSet {
  return { name: "set", count, inputs: { input }, targets: {} };
}

function rows(...values: number[]): SampleInput {
  return { kind: "rows", names: ["a", "b"], values: Float32Array.from(values) };
}

Deno.test("standardize() gives the training half mean 0 and deviation 1, and the test half the same map", () => {
  // a: 1, 3 → mean 2, deviation 1; b never changes.
  const { split, scalings } = standardize({ name: "s", train: setOf(rows(1, 7, 3, 7), 2), test: setOf(rows(6, 9), 1) });
  assert.deepEqual(scalings, { input: { columns: ["a", "b"], mean: [2, 7], std: [1, 1] } });
  assert.deepEqual(
    [split.train, split.test].map(({ inputs: { input } }) => input.kind === "rows" ? [...input.values] : []),
    [
      [-1, 0, 1, 0],
      [4, 2],
    ],
  );
});

Deno.test("standardize() leaves pictures alone", () => {
  const picture: SampleInput = { kind: "pictures", height: 1, width: 1, channels: 1, bytes: Uint8Array.of(9) };
  const given = { name: "s", train: setOf(picture, 1), test: setOf(picture, 1) };
  assert.deepEqual(standardize(given), { split: given, scalings: {} });
});
