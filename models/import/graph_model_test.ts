import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../../src/backend/mod.ts";
import { Random } from "../../src/numbers/random.ts";
import { readGraphModel } from "../../tests/_support/graph_models.ts";
import { testWithShared } from "../../tests/_support/shared.ts";
import { CONV, GraphWriter } from "./_test_graph_model.ts";
import { staticNodes } from "./_static_nodes.ts";
import { openModel } from "./open_model.ts";

function classesOf({ layers }: tfl.LayersModel): string {
  return layers.map((layer) => layer.getClassName()).join(" ");
}

async function withGraph<T>(write: (graph: GraphWriter) => void, fn: (dir: string) => Promise<T>): Promise<T> {
  const dir = Deno.makeTempDirSync();
  try {
    await registerBackend();
    const graph = new GraphWriter();
    write(graph);
    graph.save(`${dir}/net`);
    return await fn(`${dir}/net`);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** Asserts that a layers-model answers as TF.js's own reading of the graph does, for another number of samples. */
async function assertAnswers(folder: string, model: tfl.LayersModel, outputs: readonly string[]): Promise<void> {
  const graph = await readGraphModel(folder);
  const random = new Random(3);
  const sides = model.inputs[0].shape.slice(1) as number[];
  const values = Float32Array.from({ length: 3 * sides.reduce((a, b) => a * b) }, () => random.between(-1, 1));
  const x = tf.tensor(values, [3, ...sides]);
  // One sample after the other: graphs may be for one.
  const rows = tf.split(x, 3).map((row) => [graph.execute({ [graph.inputs[0].name]: row }, [...outputs])].flat());
  const answers = [model.predict(x)].flat();
  for (const [i, answer] of answers.entries()) {
    const expected = tf.concat(rows.map((row) => row[i]));
    assert.deepEqual(answer.shape, expected.shape);
    const [own, known] = [await answer.data<"float32">(), await expected.data<"float32">()];
    const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    assert.ok(known.every((value, at) => Math.abs(value - own[at]) <= 1e-4 * largest), `output ${i}`);
  }
}

/** A convolution, a pool, what flattens by computed shapes, and a dense layer; one constant is read by nobody. */
function writeNet(graph: GraphWriter): void {
  const x = graph.input("image", [-1, 9, 8, 3]);
  const conv = graph.add("Conv2D", "conv/Conv2D", [x, graph.real("conv/kernel", [3, 3, 3, 4])], CONV);
  const biased = graph.add("BiasAdd", "conv/BiasAdd", [conv, graph.real("conv/bias", [4])]);
  const relu = graph.add("Relu6", "conv/Relu6", [biased]);
  const shape = graph.add("Shape", "flat/Shape", [relu]);
  const ones = [graph.whole("flat/0", 0), graph.whole("flat/1", 1), graph.whole("flat/step", 1)];
  const rows = graph.add("StridedSlice", "flat/rows", [shape, ...ones], {
    T: { type: "DT_INT32" },
    begin_mask: { i: "0" },
    end_mask: { i: "0" },
    ellipsis_mask: { i: "0" },
    new_axis_mask: { i: "0" },
    shrink_axis_mask: { i: "1" },
  });
  const side = graph.whole("flat/side", -1);
  const scalar = graph.add("Squeeze", "flat/scalar", [side], {
    T: { type: "DT_INT32" },
    squeeze_dims: { list: { i: ["0"] } },
  });
  const target = graph.add("Pack", "flat/target", [rows, scalar], {
    T: { type: "DT_INT32" },
    N: { i: "2" },
    axis: { i: "0" },
  });
  const flat = graph.add("Reshape", "flat/Reshape", [relu, target]);
  const dense = graph.add("MatMul", "fc/MatMul", [flat, graph.real("fc/kernel", [80, 5])], {
    T: { type: "DT_FLOAT" },
    transpose_a: { b: false },
    transpose_b: { b: false },
  });
  graph.add("Softmax", "answer", [dense]);
  graph.real("forgotten", [2]);
}

Deno.test("openModel() makes layers of a graph-model, with no transposes, and what shapes compute computed once", () =>
  withGraph(writeNet, async (dir) => {
    const log: string[] = [];
    const model = await openModel(dir, { log: (line) => log.push(line) });
    assert.match(classesOf(model), /^InputLayer Conv2D .*(Reshape|Flatten) Dense Softmax$/);
    assert.doesNotMatch(classesOf(model), /Permute/);
    assert.ok(model.layers.some(({ name }) => name.startsWith("conv")), model.layers.map(({ name }) => name).join());
    assert.equal(model.layers.at(-1)?.name, "answer");
    assert.match(log[0], /is a graph-model, read as \d layers/);
    await assertAnswers(dir, model, ["answer"]);
  }));

Deno.test("staticNodes() finds what inputs do not decide and others read, whatever the order, and survives circles", () => {
  const graph = new GraphWriter();
  writeNet(graph);
  const topology = { node: graph.nodes };
  assert.deepEqual(staticNodes({ topology }), ["flat/target"]);
  assert.deepEqual(staticNodes({ topology: { node: graph.nodes.toReversed() } }), ["flat/target"]);
  const circle = [{ name: "a", op: "Add", input: ["b"] }, { name: "b", op: "Add", input: ["a", "^c"] }];
  assert.deepEqual(staticNodes({ topology: { node: circle } }), []);
});

/** Graphs with a fault, and what is said. */
const FAULTS: readonly (readonly [write: (graph: GraphWriter) => void, message: RegExp])[] = [
  [
    (graph) => void graph.add("Relu", "y", [graph.input("x", [-1, -1, 3])]),
    /its input "x" is \[\?,\?,3\], needed are numbers behind the batch \(--shape x=1,…\)/,
  ],
  [
    (graph) => void graph.add("Where", "picked", [graph.add("Relu", "y", [graph.input("x", [-1, 4])])]),
    /Cannot load ".*": .*needed are outputs before/,
  ],
  [(graph) => void graph.add("Banana", "y", [graph.input("x", [-1, 4])]), /Cannot load ".*": .*Banana/],
  [(graph) => void graph.add("Relu", "y", ["nothing"]), /Cannot load ".*": /],
];

Deno.test("openModel() says in one line what of a graph-model it cannot import", async () => {
  for (const [write, message] of FAULTS) {
    await withGraph(write, async (dir) => {
      await assert.rejects(openModel(dir), (error: Error) => {
        assert.equal(error.name, "ModelFileError", String(error.stack));
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

for (const name of ["lenet_graph", "g_human_emotion", "g_human_blazeface-front"]) {
  testWithShared(`openModel() makes layers of ${name} that answer as TF.js does`, `models/${name}`, async (path) => {
    await registerBackend();
    const model = await openModel(path);
    const graph = await readGraphModel(path);
    const outputs = graph.outputs.map(({ name }) => name).filter((name) => !name.includes("shape"));
    assert.equal(model.outputs.length, outputs.length);
    await assertAnswers(path, model, outputs);
    model.dispose();
  });
}
