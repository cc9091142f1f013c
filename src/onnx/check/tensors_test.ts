import assert from "node:assert/strict";
import type { TypedArray } from "../../numbers/dtype.ts";
import type { Graph, Tensor } from "../graph.ts";
import { checkTensors } from "./_tensors.ts";

function problemsOf(tensor: Tensor): string[] {
  const initializers = new Map([["w", tensor]]);
  const graph: Graph = { name: "g", inputs: [], outputs: [], nodes: [], types: new Map(), initializers };
  return checkTensors(graph).map(({ rule, where, message }) => `${rule}, ${where}: ${message}`);
}

const float = (shape: readonly number[], data: TypedArray): Tensor => ({ dtype: "float32", shape, data });

Deno.test("checkTensors() takes whole shapes, as many elements as they have, in the type's own array", () => {
  assert.deepEqual(problemsOf(float([2, 3], new Float32Array(6))), []);
  assert.deepEqual(problemsOf(float([], new Float32Array(1))), []);
  assert.deepEqual(problemsOf(float([0, 3], new Float32Array(0))), []);
  const where = 'elements, initializer "w"';
  assert.deepEqual(problemsOf(float([2.5, 2], new Float32Array(5))), [`${where}: its shape is [2.5,2]`]);
  assert.deepEqual(problemsOf(float([-2, -3], new Float32Array(6))), [`${where}: its shape is [-2,-3]`]);
  assert.deepEqual(problemsOf(float([6], new Float64Array(6))), [`${where}: it is float32, held by a Float64Array`]);
  assert.deepEqual(problemsOf(float([2, 3], new Float32Array(5))), [
    `${where}: it has 5 elements, its shape [2,3] has 6`,
  ]);
});

Deno.test("checkTensors() finds the first element that is no number, in every type that can hold one", () => {
  const said = (at: number) => [`finite, initializer "w": element ${at} is NaN or infinite`];
  assert.deepEqual(problemsOf(float([3], Float32Array.of(0, NaN, Infinity))), said(1));
  assert.deepEqual(problemsOf({ dtype: "float64", shape: [2], data: Float64Array.of(-Infinity, 0) }), said(0));
  const half = (...bits: number[]): Tensor => ({ dtype: "float16", shape: [2], data: Uint16Array.from(bits) });
  // 65504, the largest; infinity; a NaN
  assert.deepEqual(problemsOf(half(0x7bff, 0xfbff)), []);
  assert.deepEqual(problemsOf(half(0, 0x7c00)), said(1));
  assert.deepEqual(problemsOf(half(0xfe01, 0)), said(0));
  assert.deepEqual(problemsOf({ dtype: "uint16", shape: [1], data: Uint16Array.of(0x7c00) }), []);
});
