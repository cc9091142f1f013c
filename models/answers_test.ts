import assert from "node:assert/strict";
import { type Answer, rowOf, widthOf } from "./answers.ts";
import { joinAnswers } from "./join_answers.ts";

const answer = (shape: readonly number[], ...values: number[]): Answer => ({
  values: Float32Array.from(values),
  shape,
});

Deno.test("widthOf() counts the numbers of one answer", () => {
  assert.deepEqual([[5], [5, 3], [0, 3], [2, 3, 4], [7, 2, 0]].map((shape) => widthOf(answer(shape))), [
    1,
    3,
    3,
    12,
    0,
  ]);
});

Deno.test("rowOf() returns one answer, in the same memory", () => {
  const all = answer([3, 1, 2], 1, 2, 3, 4, 5, 6);
  assert.deepEqual([0, 1, 2].map((i) => [...rowOf(all, i)]), [[1, 2], [3, 4], [5, 6]]);
  rowOf(all, 1)[0] = -1;
  assert.deepEqual([...all.values], [1, 2, -1, 4, 5, 6]);
});

Deno.test("joinAnswers() puts batches of any sizes one behind the other, an output at a time", () => {
  const grid = { scale: 0.5, zeroPoint: 3 };
  const joined = joinAnswers([
    { a: { ...answer([1, 2], 1, 2), grid }, b: answer([1], 10) },
    { a: { ...answer([0, 2]), grid: { scale: 9, zeroPoint: 9 } }, b: answer([0]) },
    { b: answer([2], 20, 30), a: answer([2, 2], 3, 4, 5, 6) },
    { a: answer([1, 2], 7, 8), b: answer([1], 40) },
  ]);
  assert.deepEqual(Object.keys(joined), ["a", "b"]);
  assert.deepEqual(joined, {
    a: { ...answer([4, 2], 1, 2, 3, 4, 5, 6, 7, 8), grid },
    b: answer([4], 10, 20, 30, 40),
  });
});

Deno.test("joinAnswers() copies, and has nothing where there is nothing", () => {
  const part = { a: answer([1, 1, 1], 1) };
  const joined = joinAnswers([part]);
  assert.deepEqual(joined, part);
  assert.notEqual(joined.a.values.buffer, part.a.values.buffer);
  assert.deepEqual(joinAnswers([]), {});
});
