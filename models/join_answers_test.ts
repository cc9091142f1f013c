import assert from "node:assert/strict";
import type { Answer } from "./answers.ts";
import { AnswersJoin } from "./join_answers.ts";

/** Answers of 2^22 numbers a sample, all of them the sample's own. */
function large(...samples: number[]): Answer {
  const values = new Float32Array(samples.length * WIDTH);
  samples.forEach((value, i) => values.fill(value, i * WIDTH, (i + 1) * WIDTH));
  return { values, shape: [samples.length, 2 ** 11, 2 ** 11] };
}

const WIDTH = 2 ** 22;

/** The first number of each sample as a byte. */
const firstOf = ({ values, shape }: Answer) => ({
  values: Uint8Array.from({ length: shape[0] }, (_, i) => values[i * WIDTH]),
  shape: [shape[0]],
});

Deno.test("AnswersJoin keeps digests of all samples and the first answers, as many as fit", () => {
  const join = new AnswersJoin({ digests: { map: firstOf } });
  const grid = { scale: 1, zeroPoint: 0 };
  join.add({ map: { ...large(1), grid }, row: { values: Float32Array.of(10), shape: [1, 1] } });
  join.add({ map: large(2, 3), row: { values: Float32Array.of(20, 30), shape: [2, 1] } });
  join.add({ map: large(4), row: { values: Float32Array.of(40), shape: [1, 1] } });
  const { map, row } = join.answers;
  assert.deepEqual([map.shape, map.values[0], map.values[WIDTH], map.grid], [[2, 2 ** 11, 2 ** 11], 1, 2, grid]);
  assert.deepEqual(map.digest, { values: Uint8Array.of(1, 2, 3, 4), shape: [4] });
  assert.deepEqual(row, { values: Float32Array.of(10, 20, 30, 40), shape: [4, 1] });
});

Deno.test("AnswersJoin keeps the first answers of outputs that nobody asked to be whole", () => {
  const join = new AnswersJoin({ digests: {}, whole: ["kept"] });
  for (const sample of [1, 2, 3]) join.add({ kept: large(sample), other: large(sample) });
  assert.deepEqual(Object.values(join.answers).map(({ shape: [samples] }) => samples), [3, 2]);
});
