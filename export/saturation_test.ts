import assert from "node:assert/strict";
import type { Graph, Tensor, ValueType } from "../src/onnx/graph.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { Session } from "../src/runtime/session.ts";
import { LARGEST_SUM, multiplyLargest, saturates } from "./saturation.ts";

/** A convolution between grids whose sum of two products is 2·255·127, which 16 bits do not hold. */
function convolution(): Uint8Array {
  const scalar = (dtype: "float32" | "uint8" | "int8", value: number): Tensor => {
    const data = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array }[dtype].of(value);
    return { dtype, shape: [], data };
  };
  const kernel = { dtype: "int8" as const, shape: [16, 8, 1, 1], data: new Int8Array(128).fill(127) };
  const node = (op: string, inputs: string[], output: string) => ({
    op,
    name: output,
    inputs,
    outputs: [output],
    attrs: {},
  });
  const real = (channels: number) => ({ dtype: "float32" as const, shape: [1, channels, 4, 4] });
  const graph: Graph = {
    name: "net",
    inputs: ["x"],
    outputs: ["z"],
    initializers: new Map<string, Tensor>([
      ["one", scalar("float32", 1)],
      ["coarse", scalar("float32", 2048)],
      ["u0", scalar("uint8", 0)],
      ["i0", scalar("int8", 0)],
      ["w", kernel],
    ]),
    nodes: [
      node("QuantizeLinear", ["x", "one", "u0"], "xq"),
      node("DequantizeLinear", ["xq", "one", "u0"], "xr"),
      node("DequantizeLinear", ["w", "one", "i0"], "wr"),
      node("Conv", ["xr", "wr"], "y"),
      node("QuantizeLinear", ["y", "coarse", "u0"], "yq"),
      node("DequantizeLinear", ["yq", "coarse", "u0"], "z"),
    ],
    types: new Map<string, ValueType>([
      ["x", real(8)],
      ["xq", { dtype: "uint8", shape: [1, 8, 4, 4] }],
      ["xr", real(8)],
      ["wr", { dtype: "float32", shape: [16, 8, 1, 1] }],
      ["y", real(16)],
      ["yq", { dtype: "uint8", shape: [1, 16, 4, 4] }],
      ["z", real(16)],
    ]),
  };
  return encodeModel(graph);
}

/** The file's answer to a white picture: 8·255·127 / 2048 = 126.504. */
function answer(precise: boolean): number {
  const session = new Session(convolution(), { precise });
  try {
    const { z } = session.run({ x: { dtype: "float32", shape: [1, 8, 4, 4], data: new Float32Array(128).fill(255) } });
    return (z.data as Float32Array)[0] / 2048;
  } finally {
    session.dispose();
  }
}

Deno.test("saturates() tells whether a plain session loses large sums; a precise one never does", () => {
  assert.equal(answer(true), 127);
  assert.equal(answer(false) < 127, saturates());
});

Deno.test("multiplyLargest() adds up 64 products of 255 and 127 where kernels are exact", () => {
  assert.equal(LARGEST_SUM, 2_072_640);
  assert.equal(multiplyLargest({ precise: true }), 2_072_640);
  assert.equal(multiplyLargest() !== 2_072_640, saturates());
});
