import assert from "node:assert/strict";
import { refusalOf } from "../../../tests/_support/ort.ts";
import { broken, normalized } from "./_cases.ts";
import { f, legal, node, tensor } from "../_test_graph.ts";
import { assertLegal, checkGraph } from "./check.ts";
import type { Graph } from "../graph.ts";
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
    assert.equal(refusal === undefined ? "loaded" : "refused", runtime, refusal);
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
