import assert from "node:assert/strict";
import type { Graph, Node } from "../../../src/onnx/graph.ts";
import { randomFeeds } from "./_feeds.ts";

const node = (op: string, inputs: string, outputs: string, attrs: Node["attrs"] = {}): Node => ({
  op,
  name: outputs,
  inputs: inputs.split(" "),
  outputs: [outputs],
  attrs,
});

const table = (...shape: number[]) => ({
  dtype: "float32" as const,
  shape,
  data: new Float32Array(shape[0] * shape[1]),
});

const GRAPH: Graph = {
  name: "net",
  inputs: ["ids", "kinds", "mask", "picture", "x", "flags"],
  outputs: ["y"],
  initializers: new Map([["words", table(7, 4)], ["kindsOf", table(4, 3)], ["axes", table(1, 1)]]),
  nodes: [
    node("Gather", "words ids", "w"),
    node("Unsqueeze", "kinds axes", "k1"),
    node("Cast", "k1", "k2", { to: 6 }),
    node("Gather", "kindsOf k2", "k", { axis: -1 }),
    node("Cast", "mask", "m", { to: 1 }),
  ],
  types: new Map([
    ["ids", { dtype: "int64", shape: ["n", 50] }],
    ["kinds", { dtype: "int32", shape: ["n", 50] }],
    ["mask", { dtype: "int64", shape: ["n", 50] }],
    ["picture", { dtype: "uint8", shape: ["n", 50] }],
    ["x", { dtype: "float32", shape: ["n", 50] }],
    ["flags", { dtype: "bool", shape: ["n", 50] }],
  ]),
};

const SHAPES = Object.fromEntries(GRAPH.inputs.map((name) => [name, [4, 50]]));

Deno.test("randomFeeds() draws whole numbers that are rows of the tables in which they are looked up", () => {
  const feeds = randomFeeds(GRAPH, SHAPES);
  const drawn = (name: string) => [...new Set(Array.from(feeds[name].data, Number))].sort();
  assert.deepEqual(drawn("ids"), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(drawn("kinds"), [0, 1, 2]);
  assert.deepEqual(drawn("mask"), [0, 1]);
  assert.deepEqual(drawn("flags"), [0, 1]);
  const picture = drawn("picture");
  assert.ok(picture.length > 50 && Math.max(...picture) < 100);
  const x = drawn("x");
  assert.ok(x.length > 190 && x.every((value) => value >= 0 && value < 1));
  assert.deepEqual(feeds.ids.shape, [4, 50]);
  assert.deepEqual(randomFeeds(GRAPH, SHAPES), feeds);
});

Deno.test("randomFeeds() draws the first row alone of what is computed, and of the smallest of several tables", () => {
  const computed = [...GRAPH.nodes, node("MatMul", "x words", "c"), node("Gather", "c kinds", "ck")];
  const both = [...GRAPH.nodes, node("Gather", "kindsOf ids", "other")];
  const most = (nodes: readonly Node[], name: string) =>
    Math.max(...Array.from(randomFeeds({ ...GRAPH, nodes }, SHAPES)[name].data, Number));
  assert.equal(most(computed, "kinds"), 0);
  assert.equal(most(both, "ids"), 3);
});
