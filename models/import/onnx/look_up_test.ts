/** Tables of which whole numbers pick rows, however many of them a sample has. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { encodeModel } from "../../../src/onnx/file/mod.ts";
import type { Graph } from "../../../src/onnx/graph.ts";
import type { ImportFacts } from "../imported.ts";
import { loadBytes, NetWriter } from "./_test_net.ts";

/** Rows of a table of 7 by indices of a shape behind the batch. */
function graphOf(sides: readonly number[]): Graph {
  const net = new NetWriter();
  const y = net.add("Gather", [net.random([7, 3]), "ids"]);
  return {
    name: "net",
    inputs: ["ids"],
    outputs: [y],
    initializers: net.initializers,
    nodes: net.nodes,
    types: new Map([
      ["ids", { dtype: "int64", shape: ["n", ...sides] }],
      [y, { dtype: "float32", shape: ["n", ...sides, 3] }],
    ]),
  };
}

const classes: readonly (readonly [readonly number[], string])[] = [
  [[], "InputLayer Embedding Reshape"],
  [[5], "InputLayer Embedding"],
  [[2, 4], "InputLayer Reshape Embedding Reshape"],
];

for (const [sides, expected] of classes) {
  Deno.test(`loadOnnx() picks rows of a table by [n,${sides}] indices, as lists`, async () => {
    const graph = graphOf(sides);
    let facts: ImportFacts | undefined;
    const model = await loadBytes(encodeModel(graph), { onImport: (told) => facts = told });
    assert.equal(model.layers.map((layer) => layer.getClassName()).join(" "), expected);
    // TF.js feeds no single numbers: they are lists of one.
    const shape = sides.length === 0 ? [1] : sides;
    assert.deepEqual(model.inputs[0].shape, [null, ...shape]);
    const count = 6;
    const size = shape.reduce((product, side) => product * side, 1);
    const ids = Array.from({ length: count * size }, (_, i) => (5 * i + 2) % 7);
    const x = tf.tensor(ids, [count, ...shape]);
    const table = [...graph.initializers.values()][0].data;
    const rows = ids.flatMap((id) => [...table.subarray(3 * id, 3 * id + 3)].map(Number));
    const own = model.predict(x) as tf.Tensor;
    assert.deepEqual(own.shape, [count, ...sides, 3]);
    assert.deepEqual([...await own.data()], rows);
    const [known] = await facts!.source!.answer([x]);
    assert.deepEqual([...await known.data()], rows);
  });
}
