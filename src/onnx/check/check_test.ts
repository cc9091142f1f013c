import assert from "node:assert/strict";
import { refusalOf } from "../../../tests/_support/ort.ts";
import { broken, normalized } from "./_cases.ts";
import { f, legal, node, tensor } from "../_test_graph.ts";
import { assertLegal, checkGraph } from "./check.ts";
import type { Attrs, Graph, Tensor } from "../graph.ts";
import { encodeModel } from "../file/mod.ts";

Deno.test("checkGraph() finds nothing in a legal graph, which ONNX Runtime loads", async () => {
  assert.deepEqual(checkGraph(legal), []);
  assert.doesNotThrow(() => assertLegal(legal, { opset: 13 }));
  assert.equal(await refusalOf(encodeModel(legal, { valueInfo: true })), undefined);
});

Deno.test("checkGraph() finds nothing in a BatchNormalization of opset 13, which ONNX Runtime loads", async () => {
  const graph = normalized({ epsilon: 1e-3 });
  assert.deepEqual(checkGraph(graph, { opset: 13 }), []);
  assert.equal(await refusalOf(encodeModel(graph, { opset: 13, valueInfo: true })), undefined);
});

for (const { breaks, how, graph, opset, where, message, runtime } of broken) {
  Deno.test(`checkGraph() reports "${breaks}" when ${how}`, async () => {
    const problems = checkGraph(graph, { opset });
    const found = problems.filter(({ rule }) => rule === breaks);
    assert.ok(found.length > 0, `found: ${JSON.stringify(problems)}`);
    for (const problem of found) {
      assert.match(problem.where, where);
      assert.match(problem.message, message);
    }
    // A cycle has a node out of order, and a value that it makes undeclared; the others break one rule alone.
    if (breaks !== "cycle") assert.deepEqual([...new Set(problems.map(({ rule }) => rule))], [breaks]);
    if (runtime === "unwritable") {
      assert.throws(() => encodeModel(graph, { opset }), TypeError);
      return;
    }
    const refusal = await refusalOf(encodeModel(graph, { opset, valueInfo: true }));
    assert.equal(refusal === undefined ? "loaded" : "refused", runtime, refusal ?? "it was loaded");
  });
}

Deno.test("checkGraph() accepts dimensions that follow from symbolic ones under a name of their own", () => {
  const convolution: Graph = {
    name: "conv",
    inputs: ["x"],
    outputs: ["y"],
    initializers: new Map([["w", tensor([1, 1, 2, 2], 1, 2, 3, 4)]]),
    nodes: [
      node("Conv", "conv", [["x", "w"], ["h"]], { attrs: { strides: [2, 2] } }),
      node("Relu", "act", [["h"], ["y"]]),
    ],
    types: new Map([
      ["x", f("batch", 1, "height", "width")],
      ["h", f("batch", 1, "h2", "w2")],
      ["y", f("batch", 1, "h2", "w2")],
    ]),
  };
  assert.deepEqual(checkGraph(convolution), []);
  const crossed = { ...convolution, types: new Map([...convolution.types, ["y", f("batch", 1, "w2", "h2")]]) };
  assert.deepEqual(checkGraph(crossed).map(({ rule, where }) => [rule, where]), [["inferred type", 'node "act"']]);
});

/** What the schemas say of opsets that they do not describe yet, held against ONNX Runtime. */
const FORMS: readonly {
  readonly op: string;
  readonly attrs: Attrs;
  readonly inputs: readonly Tensor[];
  readonly shape: readonly number[];
  readonly legal: number;
  readonly not: number;
  readonly message: RegExp;
}[] = [
  {
    op: "ReduceMean",
    attrs: { axes: [0] },
    inputs: [tensor([2, 2], 1, 2, 3, 4)],
    shape: [1, 2],
    legal: 17,
    not: 18,
    message: /^this form of ReduceMean ends with opset 17, the graph has 18$/,
  },
  {
    op: "DequantizeLinear",
    attrs: { axis: 0, block_size: 2 },
    inputs: [{ dtype: "int8", shape: [4, 1], data: Int8Array.of(1, 2, 3, 4) }, tensor([2, 1], 0.5, 2)],
    shape: [4, 1],
    legal: 21,
    not: 17,
    message: /^this form of DequantizeLinear needs opset 21, the graph has 17$/,
  },
];

for (const { op, attrs, inputs, shape, legal, not, message } of FORMS) {
  Deno.test(`checkGraph() knows the opsets of a form of ${op} as ONNX Runtime does`, async () => {
    const names = inputs.map((_, i) => `c${i}`);
    const graph: Graph = {
      name: "form",
      inputs: [],
      outputs: ["y"],
      initializers: new Map(inputs.map((input, i) => [names[i], input])),
      nodes: [node(op, "node", [names, ["y"]], { attrs })],
      types: new Map([["y", f(...shape)]]),
    };
    const found = (opset: number) => checkGraph(graph, { opset }).filter(({ where }) => where === 'node "node"');
    assert.deepEqual(found(legal), []);
    assert.match(found(not)[0].message, message);
    assert.equal(await refusalOf(encodeModel(graph, { opset: legal })), undefined);
    assert.notEqual(await refusalOf(encodeModel(graph, { opset: not })), undefined);
  });
}

Deno.test("assertLegal() lists the first five problems, one a line", () => {
  const nodes = ["A", "B", "C", "D", "E", "F", "G"].map((op) => node(op, op, [["x"], [op]]));
  const types = new Map([...legal.types, ...nodes.map(({ op }) => [op, f(1)] as const)]);
  assert.throws(() => assertLegal({ ...legal, nodes, types, outputs: ["A"] }), (error: Error) => {
    assert.ok(error instanceof TypeError);
    const lines = error.message.split("\n");
    assert.equal(lines[0], 'Cannot accept graph "net": it breaks rules of ONNX');
    assert.equal(lines[1], '  node "A": no schema describes A of domain "" (operator)');
    assert.deepEqual([lines.length, lines[6]], [7, "  and 2 more"]);
    return true;
  });
});
