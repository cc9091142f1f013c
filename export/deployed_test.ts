import assert from "node:assert/strict";
import { encodeModel } from "../src/onnx/file/mod.ts";
import type { Graph, Node, Tensor, ValueType } from "../src/onnx/graph.ts";
import { DeployedModel } from "./deployed.ts";

const scalar = (dtype: "float32" | "uint8", value: number): Tensor => ({
  dtype,
  shape: [],
  data: dtype === "uint8" ? Uint8Array.of(value) : Float32Array.of(value),
});

/** A file that answers a + b, and the same on the grid of 0.5 around code 3; `b` has 2 numbers, `a` too. */
function sums({ zeroPoint = true, scales = 1 } = {}): Uint8Array {
  const float: ValueType = { dtype: "float32", shape: ["batch", 2] };
  const scale: Tensor = scales === 1
    ? scalar("float32", 0.5)
    : { dtype: "float32", shape: [scales], data: new Float32Array(scales).fill(0.5) };
  const zero: Tensor = scales === 1
    ? scalar("uint8", 3)
    : { dtype: "uint8", shape: [scales], data: new Uint8Array(scales).fill(3) };
  const grid = ["s", ...zeroPoint ? ["z"] : []];
  const node = (op: string, inputs: string[], output: string): Node => ({
    op,
    name: output,
    inputs,
    outputs: [output],
    attrs: op === "Add" ? {} : { axis: 1 },
  });
  const graph: Graph = {
    name: "sums",
    inputs: ["a", "b"],
    outputs: ["sum", "rounded"],
    initializers: new Map<string, Tensor>([["s", scale], ...zeroPoint ? [["z", zero] as const] : []]),
    nodes: [
      node("Add", ["a", "b"], "sum"),
      node("QuantizeLinear", ["sum", ...grid], "codes"),
      node("DequantizeLinear", ["codes", ...grid], "rounded"),
    ],
    types: new Map<string, ValueType>([
      ["a", float],
      ["b", float],
      ["sum", float],
      ["codes", { dtype: "uint8", shape: ["batch", 2] }],
      ["rounded", float],
    ]),
  };
  return encodeModel(graph);
}

function withModel(bytes: Uint8Array, use: (model: DeployedModel) => void): void {
  const model = new DeployedModel(bytes, { threads: 1 });
  try {
    use(model);
  } finally {
    model.dispose();
  }
}

Deno.test("DeployedModel.predict() takes inputs by name, and tells the grids of what comes out of one", () =>
  withModel(sums(), (model) => {
    assert.deepEqual(model.sampleShapes, { a: [2], b: [2] });
    const answers = model.predict({ b: Float32Array.of(10, 20, 30, 40), a: Float32Array.of(0.1, 0.2, 0.3, 0.4) });
    assert.deepEqual(Object.keys(answers), ["sum", "rounded"]);
    assert.deepEqual([answers.sum.shape, answers.sum.grid], [[2, 2], undefined]);
    assert.deepEqual([...answers.rounded.values], [10, 20, 30.5, 40.5]);
    assert.deepEqual(answers.rounded.grid, { scale: 0.5, zeroPoint: 3 });
  }));

Deno.test("DeployedModel.predict() takes a missing zero point as 0, and scales a channel as no grid", () => {
  const x = { a: Float32Array.of(1, 2), b: Float32Array.of(0, 0) };
  withModel(sums({ zeroPoint: false }), (model) => {
    assert.deepEqual(model.predict(x).rounded.grid, { scale: 0.5, zeroPoint: 0 });
  });
  withModel(sums({ scales: 2 }), (model) => {
    assert.deepEqual([...model.predict(x).rounded.values], [1, 2]);
    assert.equal(model.predict(x).rounded.grid, undefined);
  });
});

Deno.test("DeployedModel.predict() refuses inputs of different numbers of samples, and inputs that are missing", () =>
  withModel(sums(), (model) => {
    const [one, two] = [Float32Array.of(1, 2), Float32Array.of(1, 2, 3, 4)];
    for (const [a, b] of [[one, two], [two, one]]) {
      assert.throws(
        () => model.predict({ a, b }),
        new TypeError(
          `Cannot predict: the batch has ${a.length / 2} samples for "a" and ${b.length / 2} for "b", ` +
            "the same number is needed",
        ),
      );
    }
    assert.throws(() => model.predict({ a: one }), RangeError);
  }));

Deno.test("DeployedModel refuses a file without inputs", () => {
  const graph: Graph = {
    name: "constant",
    inputs: [],
    outputs: ["y"],
    initializers: new Map([["c", scalar("float32", 1)]]),
    nodes: [{ op: "Identity", name: "n", inputs: ["c"], outputs: ["y"], attrs: {} }],
    types: new Map([["y", { dtype: "float32", shape: [] }]]),
  };
  assert.throws(
    () => new DeployedModel(encodeModel(graph)),
    new TypeError("Cannot predict with this model: it has no inputs, at least 1 is needed"),
  );
});
