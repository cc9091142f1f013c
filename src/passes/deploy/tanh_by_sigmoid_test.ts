import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, graphOf, opsOf, run } from "../_test_support.ts";
import { fakeQuantized, quantizedWeights } from "../_test_support.ts";
import { tanhBySigmoid } from "./tanh_by_sigmoid.ts";

const [Q, DQ] = ["QuantizeLinear", "DequantizeLinear"];
const TANH = { scale: 1 / 128, zeroPoint: 128 };

function tanhOf(b: GraphBuilder, x: Value, grid = TANH): Value {
  return fakeQuantized(b, b.node("Tanh", [x]), grid);
}

Deno.test("tanhBySigmoid() gives the codes of tanh for every code of its input", () => {
  for (const grid of [{ scale: 0.031, zeroPoint: 128 }, { scale: 0.2, zeroPoint: 7 }]) {
    const graph = graphOf([256], (b, x) => tanhOf(b, fakeQuantized(b, x, grid)));
    const after = applied(tanhBySigmoid, graph);
    assert.deepEqual(opsOf(after), [Q, DQ, "Sigmoid", Q, DQ]);
    const x = Float32Array.from({ length: 256 }, (_, code) => (code - grid.zeroPoint) * grid.scale);
    const actual = run(after, { x })[0].data as Float32Array;
    const expected = Array.from(x, (value) => Math.min(127, Math.round(128 * Math.tanh(value))) / 128);
    assert.deepEqual(Array.from(actual, Math.fround), expected.map(Math.fround));
  }
});

Deno.test("tanhBySigmoid() finds the sigmoid's grid for other codes too", () => {
  const between = (dtype: "int8" | "uint8", scale: number, zeroPoint: number) =>
    graphOf([256], (b, x) => {
      const pair = (value: Value, s: number, z: number) => {
        const grid = [b.constant("float32", [], [s]), b.constant(dtype, [], [z])];
        return b.node(DQ, [b.node(Q, [value, ...grid]), ...grid]);
      };
      return pair(b.node("Tanh", [pair(x, 0.031, zeroPoint)]), scale, zeroPoint);
    });
  const x = Float32Array.from({ length: 256 }, (_, i) => (i - 128) * 0.031);
  for (const [dtype, scale, zeroPoint, sigmoid] of [["int8", 1 / 128, 0, -128], ["uint8", 1 / 64, 64, 0]] as const) {
    const graph = between(dtype, scale, zeroPoint);
    const after = applied(tanhBySigmoid, graph);
    assert.deepEqual(opsOf(after), [Q, DQ, "Sigmoid", Q, DQ]);
    const [real, zero] = after.nodes[3].inputs.slice(1).map((name) => after.initializers.get(name)!.data[0]);
    assert.deepEqual([real, zero], [scale / 2, sigmoid]);
    assert.deepEqual(run(after, { x })[0].data, run(graph, { x })[0].data);
  }
  assert.ok(opsOf(applied(tanhBySigmoid, between("int8", 1 / 129, 0))).includes("Tanh"));
  assert.ok(opsOf(applied(tanhBySigmoid, between("uint8", 1 / 128, 127))).includes("Tanh"));
});

Deno.test("tanhBySigmoid() keeps a tanh on another grid, of real values, and one that something else reads", () => {
  const grid = { scale: 0.05, zeroPoint: 128 };
  const graphs = [
    graphOf([8], (b, x) => tanhOf(b, fakeQuantized(b, x, grid), { scale: 1 / 127, zeroPoint: 128 })),
    graphOf([8], (b, x) => tanhOf(b, fakeQuantized(b, x, grid), { scale: 1 / 128, zeroPoint: 127 })),
    graphOf([8], (b, x) => tanhOf(b, x)),
    graphOf([8], (b, x) => [b.node("Neg", [x]), tanhOf(b, quantizedWeights(b, [3, 2], { axis: 1 }))]),
    graphOf([8], (b, x) => {
      const tanh = b.node("Tanh", [fakeQuantized(b, x, grid)]);
      return [fakeQuantized(b, tanh, TANH), tanh];
    }),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(tanhBySigmoid, graph)), opsOf(graph));
});
