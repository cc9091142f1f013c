import assert from "node:assert/strict";
import { assertLegal } from "../../onnx/check/check.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import type { Graph } from "../../onnx/graph.ts";
import { feedsFor, graphOf, ints, realConstant, run } from "../_test_support.ts";
import { symbolicBatch } from "./symbolic_batch.ts";

type Model = (b: GraphBuilder, x: Value) => Value | readonly Value[];

function traced(model: Model, batch: number) {
  return { batch, graph: graphOf([batch, 4, 3], model) };
}

/** `model` traced at two batch sizes and made symbolic. */
function symbolic(model: Model, [a, c]: readonly [number, number] = [11, 13]): Graph {
  return symbolicBatch(traced(model, a), traced(model, c));
}

/** Asserts that the symbolic graph computes at batch 5 what a trace at batch 5 does. */
function assertFollowsBatch(model: Model): Graph {
  const graph = symbolic(model);
  const { graph: fixed } = traced(model, 5);
  const feeds = feedsFor(fixed);
  const types = new Map(graph.types).set("x", fixed.types.get("x")!);
  assertLegal(graph, { opset: 13 });
  // ONNX Runtime takes any batch; the feeds' shapes are those of the trace.
  assert.deepEqual(run({ ...graph, types }, feeds), run(fixed, feeds));
  return graph;
}

Deno.test("symbolicBatch() names the batch of inputs, outputs and all in between", () => {
  const graph = assertFollowsBatch((b, x) => b.node("Relu", [b.node("Neg", [x])]));
  for (const name of ["x", ...graph.nodes.map(({ outputs }) => outputs[0])]) {
    assert.deepEqual(graph.types.get(name)?.shape, ["batch", 4, 3]);
  }
});

Deno.test("symbolicBatch() takes another name for the dimension", () => {
  const model: Model = (b, x) => b.node("Neg", [x]);
  assert.deepEqual(symbolicBatch(traced(model, 2), traced(model, 3), "N").types.get("x")?.shape, ["N", 4, 3]);
});

Deno.test("symbolicBatch() lets a Reshape's target follow the batch", () => {
  const graph = assertFollowsBatch((b, x) => b.node("Reshape", [x, ints(b, [x.shape[0], 12])]));
  assert.deepEqual([...graph.initializers.get(graph.nodes[0].inputs[1])!.data], [-1n, 12n]);
  assert.deepEqual(graph.types.get(graph.outputs[0])?.shape, ["batch", 12]);
});

Deno.test("symbolicBatch() lets a target of a multiple of the batch follow it", () => {
  const graph = assertFollowsBatch((b, x) => b.node("Reshape", [x, ints(b, [x.shape[0] * 4, 3])]));
  assert.deepEqual(graph.types.get(graph.outputs[0])?.shape, ["batch_x4", 3]);
});

Deno.test("symbolicBatch() keeps one row of a constant that has the same for every sample", () => {
  const graph = assertFollowsBatch((b, x) => {
    const rows = (values: readonly number[]) =>
      b.constant("float32", x.shape, Array.from({ length: x.shape[0] }, () => values).flat());
    const [twelve, zeros] = [Array.from({ length: 12 }, (_, i) => i), new Array<number>(12).fill(0)];
    return b.node("Add", [rows(zeros), b.node("Mul", [x, rows(twelve)])]);
  });
  assert.deepEqual([...graph.initializers.values()].map(({ shape }) => shape), [[1, 4, 3], [1, 4, 3]]);
});

Deno.test("symbolicBatch() keeps one row of codes that are dequantized before they are broadcast", () => {
  const graph = assertFollowsBatch((b, x) => {
    const codes = b.constant("uint8", x.shape, Array.from({ length: x.shape[0] * 12 }, (_, i) => i % 12));
    const real = b.node("DequantizeLinear", [codes, b.constant("float32", [], [0.5]), b.constant("uint8", [], [3])]);
    return b.node("Mul", [x, real]);
  });
  const [dequantize] = graph.nodes;
  assert.deepEqual(graph.initializers.get(dequantize.inputs[0])?.shape, [1, 4, 3]);
  assert.deepEqual(graph.types.get(dequantize.outputs[0])?.shape, [1, 4, 3]);
});

Deno.test("symbolicBatch() repeats rows as the model runs for operators that do not broadcast, and for outputs", () => {
  const row = (b: GraphBuilder, x: Value) =>
    b.constant("float32", [x.shape[0], 2, 3], Array.from({ length: x.shape[0] * 6 }, (_, i) => i % 6));
  const joined = assertFollowsBatch((b, x) => b.node("Concat", [x, row(b, x)], { axis: 1 }));
  assert.deepEqual(joined.nodes.map(({ op }) => op), ["Shape", "Gather", "Concat", "Expand", "Concat"]);
  const flat = assertFollowsBatch((b, x) => {
    const rows = b.constant("float32", [x.shape[0] * 4, 2], Array.from({ length: x.shape[0] * 8 }, (_, i) => i % 8));
    return b.node("Concat", [b.node("Reshape", [x, ints(b, [x.shape[0] * 4, 3])]), rows], { axis: 1 });
  });
  assert.deepEqual(flat.nodes.map(({ op }) => op).slice(0, 5), ["Shape", "Gather", "Concat", "Expand", "Reshape"]);
  assert.deepEqual(flat.types.get(flat.nodes[4].outputs[0]), { dtype: "float32", shape: ["batch_x4", 2] });
  const quantized = assertFollowsBatch((b, x) => {
    const codes = b.constant("uint8", [x.shape[0], 2, 3], Array.from({ length: x.shape[0] * 6 }, (_, i) => i % 6));
    const real = b.node("DequantizeLinear", [codes, b.constant("float32", [], [0.5]), b.constant("uint8", [], [3])]);
    return b.node("Concat", [x, real], { axis: 1 });
  });
  assert.deepEqual(quantized.types.get(quantized.nodes[3].outputs[0]), { dtype: "uint8", shape: ["batch", 2, 3] });
  assertFollowsBatch((b, x) => [b.node("Neg", [x]), b.node("Identity", [row(b, x)])]);
  assertFollowsBatch((b, x) => {
    const mean = b.node("ReduceMean", [x], { axes: [0], keepdims: 1 });
    return b.node("Add", [mean, b.constant("float32", x.shape, new Float32Array(12 * x.shape[0]))]);
  });
});

Deno.test("symbolicBatch() repeats the initial states of recurrent operators, whose batch comes second", () => {
  const graph = assertFollowsBatch((b, x) => {
    const [n, , features] = x.shape;
    const weights = [features, 2].map((columns) =>
      b.constant("float32", [1, 2, columns], Array.from({ length: 2 * columns }, (_, i) => i / 4 - 0.5))
    );
    const first = b.constant("float32", [1, n, 2], Array.from({ length: 2 * n }, (_, i) => i % 2 - 0.25));
    const steps = b.node("Transpose", [x], { perm: [1, 0, 2] });
    return b.nodes("RNN", [steps, ...weights, null, null, first], { hidden_size: 2 }, 2);
  });
  const first = graph.nodes.find(({ op }) => op === "RNN")?.inputs[5] ?? "";
  assert.deepEqual(graph.types.get(first), { dtype: "float32", shape: [1, "batch", 2] });
});

Deno.test("symbolicBatch() keeps a Reshape that does not follow the batch", () => {
  const model: Model = (b, x) => {
    const weights = b.node("Reshape", [realConstant(b, [12], 1), ints(b, [4, 3])]);
    return b.node("Add", [x, weights]);
  };
  const graph = assertFollowsBatch(model);
  assert.deepEqual([...graph.initializers.get(graph.nodes[0].inputs[1])!.data], [4n, 3n]);
});

Deno.test("symbolicBatch() refuses a Reshape with two entries that follow the batch", () => {
  const model: Model = (b, x) => {
    const [n] = x.shape;
    const square = b.node("MatMul", [
      b.node("Reshape", [x, ints(b, [n, 12])]),
      b.node("Reshape", [x, ints(b, [12, n])]),
    ]);
    return b.node("Reshape", [square, ints(b, [1, n, n])]);
  };
  assert.throws(() => symbolic(model), RangeError);
});

Deno.test("symbolicBatch() takes two Reshapes that share their target", () => {
  assertFollowsBatch((b, x) => {
    const flat = (y: Value) => b.node("Reshape", [y, ints(b, [y.shape[0], 12])]);
    return b.node("Add", [flat(x), flat(b.node("Neg", [x]))]);
  });
});

/** What a symbolic dimension cannot express, with the reason that is given. */
const REFUSED: Readonly<Record<string, { readonly model: Model; readonly because: RegExp }>> = {
  "an Expand to the batch": {
    model: (b, x) => b.node("Add", [x, b.node("Expand", [realConstant(b, [1, 4, 3], 1), ints(b, [...x.shape])])]),
    because: /constant "c\d+"/,
  },
  "an Expand that shares its shape with a Reshape": {
    model: (b, x) => {
      const shape = ints(b, [x.shape[0], 12]);
      return b.node("Add", [b.node("Reshape", [x, shape]), b.node("Expand", [realConstant(b, [1, 12], 1), shape])]);
    },
    because: /constant "c\d+"/,
  },
  "division by the batch": {
    model: (b, x) => b.node("Div", [x, b.constant("float32", [], [x.shape[0]])]),
    because: /constant "c\d+"/,
  },
  "a constant of the batch's shape": {
    model: (b, x) => b.node("Add", [x, realConstant(b, [x.shape[0], 1, 1], 1)]),
    because: /constant "c\d+"/,
  },
  "rows that are not alike": {
    model: (b, x) =>
      b.node("Add", [x, b.constant("float32", x.shape, Array.from({ length: 12 * x.shape[0] }, (_, i) => i))]),
    because: /constant "c\d+"/,
  },
  "an attribute that follows": {
    model: (b, x) => b.node("Concat", [x, x], { axis: x.shape[0] === 11 ? 1 : 2 }),
    because: /node "n0" \(Concat\)/,
  },
  "a tensor attribute that follows": {
    model: (b, x) => {
      const value = { dtype: "float32", shape: [1], data: Float32Array.of(x.shape[0]) } as const;
      return b.node("Add", [x, b.node("ConstantOfShape", [ints(b, [3])], { value })]);
    },
    because: /node "n0" \(ConstantOfShape\)/,
  },
  "another operator": {
    model: (b, x) => b.node(x.shape[0] === 11 ? "Neg" : "Relu", [x]),
    because: /node "n0" \(Neg\)/,
  },
  "more nodes for a larger batch": {
    model: (b, x) => x.shape[0] === 11 ? b.node("Neg", [x]) : b.node("Neg", [b.node("Neg", [x])]),
    because: /1 nodes at batch 11, 2 at 13/,
  },
  "other wiring": {
    model: (b, x) => {
      const [y, z] = [b.node("Neg", [x]), b.node("Relu", [x])];
      return b.node("Sub", x.shape[0] === 11 ? [y, z] : [z, y]);
    },
    because: /node "n2" \(Sub\)/,
  },
  "other outputs": {
    model: (b, x) => {
      const [y, z] = [b.node("Neg", [x]), b.node("Relu", [x])];
      const sum = b.node("Add", [y, z]);
      return x.shape[0] === 11 ? [sum, y] : [sum, z];
    },
    because: /outputs/,
  },
};

for (const [name, { model, because }] of Object.entries(REFUSED)) {
  Deno.test(`symbolicBatch() refuses ${name}`, () => {
    assert.throws(() => symbolic(model), (error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, /^Cannot make the batch symbolic: /);
      assert.match(error.message, because);
      return true;
    });
  });
}
