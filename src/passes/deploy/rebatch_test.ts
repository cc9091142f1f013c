import assert from "node:assert/strict";
import type { Graph } from "../../onnx/graph.ts";
import { printGraph } from "../../onnx/text.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { fakeQuantized, graphOf, ints, quantizedWeights, realConstant, run } from "../_test_support.ts";
import { type Evaluate, optimizeForAnyBatch, optimizeForExport } from "./mod.ts";
import { atBatch, followsPlainly } from "./rebatch.ts";
import { symbolicBatch, type Traced } from "./symbolic_batch.ts";

type Model = (b: GraphBuilder, x: Value) => Value;

const evaluate: Evaluate = (graph) => {
  const tensors = run(graph, {});
  return new Map(
    graph.outputs.map((name, i) => [name, tensors[i] as ReturnType<Graph["initializers"]["get"]> & object]),
  );
};

const trace = (model: Model, batch: number): Traced => ({ batch, graph: graphOf([batch, 6, 5, 3], model) });
const traces = (model: Model, [p, q] = [41, 43]): [Traced, Traced] => [trace(model, p), trace(model, q)];
const optimized = ({ batch, graph }: Traced) => ({ batch, graph: optimizeForExport(graph, { evaluate }).graph });

/** Ones for every sample. */
const ones = (b: GraphBuilder, x: Value) =>
  b.node("Expand", [b.constant("float32", [], [1]), ints(b, [x.shape[0], 6, 5, 3])]);

/** Models that pass their batch on, and such that do more with it. */
const PLAIN: Readonly<Record<string, Model>> = {
  "convolves and multiplies": (b, x) => {
    const first = b.node("Transpose", [fakeQuantized(b, x, { scale: 0.1 })], { perm: [0, 3, 1, 2] });
    const y = b.node("Conv", [first, quantizedWeights(b, [4, 3, 3, 3], { axis: 0 })], { kernel_shape: [3, 3] });
    const last = fakeQuantized(b, b.node("Transpose", [y], { perm: [0, 2, 3, 1] }), { scale: 0.2 });
    const rows = b.node("Reshape", [last, ints(b, [x.shape[0], 48])]);
    return fakeQuantized(b, b.node("MatMul", [rows, quantizedWeights(b, [48, 2], { axis: 1 })]), { scale: 0.3 });
  },
  "joins the batch with rows and parts them again": (b, x) => {
    const [n] = x.shape;
    const rows = b.node("Reshape", [x, ints(b, [n * 30, 3])]);
    return b.node("Reshape", [b.node("MatMul", [rows, realConstant(b, [3, 2], 1)]), ints(b, [n, 6, 5, 2])]);
  },
  "sums over its batch": (b, x) => b.node("Sub", [x, b.node("ReduceMean", [x], { axes: [0], keepdims: 1 })]),
};

const MORE: Readonly<Record<string, Model>> = {
  "adds one row for every sample": (b, x) => b.node("Add", [x, ones(b, x)]),
  "counts its samples": (b, x) => b.node("Div", [x, b.node("ReduceSum", [ones(b, x)], { keepdims: 0 })]),
  "divides by its batch size": (b, x) => b.node("Div", [x, b.constant("float32", [], [x.shape[0]])]),
  "expands to its batch": (b, x) =>
    b.node("Add", [x, b.node("Expand", [b.node("ReduceMax", [x], { keepdims: 1 }), ints(b, x.shape)])]),
  "has other constants for every sample": (b, x) => b.node("Add", [x, realConstant(b, [x.shape[0], 1, 1, 1], 1)]),
  "has another operator for every batch": (b, x) => b.node(x.shape[0] === 41 ? "Neg" : "Abs", [x]),
  "has an attribute that follows": (b, x) => b.node("Concat", [x, x], { axis: x.shape[0] === 41 ? 1 : 2 }),
  "has a dimension that the batch divides": (b, x) => b.node("MatMul", [x, realConstant(b, [3, 82], 1)]),
  "has a target that the batch divides": (b, x) =>
    b.node("Reshape", [b.node("Tile", [x, ints(b, [1, 41, 1, 1])]), ints(b, [x.shape[0], 41, 90])]),
  "squares its batch": (b, x) => {
    const [n] = x.shape;
    const rows = b.node("Reshape", [x, ints(b, [n, 90])]);
    const square = b.node("MatMul", [rows, b.node("Transpose", [rows], { perm: [1, 0] })]);
    return b.node("Reshape", [square, ints(b, [n * n])]);
  },
};

/** What becomes of a model: its graph as text, or the error's message. */
function outcome(make: () => Graph): string {
  try {
    return printGraph(make());
  } catch (error) {
    return String(error);
  }
}

for (const [what, model] of Object.entries({ ...PLAIN, ...MORE })) {
  Deno.test(`optimizeForAnyBatch() gives what two optimized traces give when the model ${what}`, () => {
    const [a, b] = traces(model);
    const expected = outcome(() => symbolicBatch(optimized(a), optimized(b)));
    assert.equal(outcome(() => optimizeForAnyBatch([a, b], { evaluate }).graph), expected);
  });
}

for (const [what, model] of Object.entries(PLAIN)) {
  Deno.test(`atBatch() gives the second trace, optimized, when the model ${what}`, () => {
    const [a, b] = traces(model);
    assert.ok(followsPlainly(a, b));
    assert.equal(printGraph(atBatch(optimized(a), b.batch).graph), printGraph(optimized(b).graph));
  });
}

for (const [what, model] of Object.entries(MORE)) {
  Deno.test(`followsPlainly() is false when the model ${what}`, () => {
    assert.equal(followsPlainly(...traces(model)), false);
  });
}
