import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../../../src/backend/mod.ts";
import { Random } from "../../../src/numbers/random.ts";
import { readGraphModel } from "../../../tests/_support/graph_models.ts";
import { testWithShared } from "../../../tests/_support/shared.ts";
import { CONV, GraphWriter } from "./_test_graph.ts";
import { staticValues } from "./_static_nodes.ts";
import { readNodes } from "./_topology.ts";
import { openModel } from "../open_model.ts";

function classesOf({ layers }: tfl.LayersModel): string {
  return layers.map((layer) => layer.getClassName()).join(" ");
}

async function withGraph<T>(
  write: (graph: GraphWriter) => void,
  fn: (dir: string) => Promise<T>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  const dir = Deno.makeTempDirSync();
  try {
    await registerBackend();
    const graph = new GraphWriter();
    write(graph);
    graph.save(`${dir}/net`, more);
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

Deno.test("staticValues() finds what inputs do not decide and others read, whatever the order, and survives circles", () => {
  const valuesOf = (node: readonly unknown[]) => staticValues(readNodes({ path: "net", topology: { node } }));
  const graph = new GraphWriter();
  writeNet(graph);
  assert.deepEqual(valuesOf(graph.nodes), ["flat/target"]);
  assert.deepEqual(valuesOf(graph.nodes.toReversed()), ["flat/target"]);
  const circle = [{ name: "a", op: "Add", input: ["b"] }, { name: "b", op: "Add", input: ["a", "^c"] }];
  assert.deepEqual(valuesOf(circle), []);
});

/** Fused operators, with and without bias and activation, one with slopes; and a split whose parts are joined in reverse. */
function writeFused(graph: GraphWriter): void {
  const fused = (...ops: readonly string[]) => ({
    ...CONV,
    fused_ops: { list: { s: ops.map((op) => btoa(op)) } },
    num_args: { i: "1" },
  });
  const x = graph.input("x", [-1, 8, 8, 3]);
  const kernel = (name: string, from: number, to: number) => graph.real(name, [3, 3, from, to]);
  const first = graph.add(
    "_FusedConv2D",
    "first/Relu6",
    [x, kernel("first/k", 3, 4), graph.real("first/b", [4])],
    fused("BiasAdd", "Relu6"),
  );
  const second = graph.add("_FusedConv2D", "second/Prelu", [
    first,
    kernel("second/k", 4, 4),
    graph.real("second/b", [4]),
    graph.real("second/alpha", [1, 1, 4]),
  ], { ...fused("BiasAdd", "Prelu"), num_args: { i: "2" } });
  const third = graph.add(
    "FusedDepthwiseConv2dNative",
    "third",
    [second, graph.real("third/k", [3, 3, 4, 1]), graph.real("third/b", [4])],
    fused("BiasAdd", "Elu"),
  );
  graph.add("Split", "parts", [graph.scalar("parts/axis", 3), third], {
    T: { type: "DT_FLOAT" },
    num_split: { i: "2" },
  });
  const swapped = graph.add("ConcatV2", "swapped", ["parts:1", "parts", graph.scalar("swapped/axis", 3)], {
    T: { type: "DT_FLOAT" },
    N: { i: "2" },
  });
  const row = graph.add("Reshape", "row", [swapped, graph.whole("row/shape", -1, 4)]);
  graph.add("_FusedMatMul", "scores", [row, graph.real("scores/k", [4, 2]), graph.real("scores/b", [2])], {
    ...fused("BiasAdd", "Sigmoid"),
    transpose_a: { b: false },
    transpose_b: { b: false },
  });
}

Deno.test("openModel() takes fused operators apart, and reads parts of a split by their places", () =>
  withGraph(writeFused, async (dir) => {
    const model = await openModel(dir, { outputs: ["scores", "first/Relu6"] });
    const classes = classesOf(model);
    for (const name of ["Conv2D ReLU", "PReLU", "DepthwiseConv2D ELU", "Concatenate", "Dense Activation"]) {
      assert.match(classes, new RegExp(name));
    }
    assert.deepEqual(model.outputNames, ["scores", "first_Relu6"]);
    await assertAnswers(dir, await openModel(dir, { outputs: ["swapped"] }), ["swapped"]);
  }));

Deno.test("openModel() knows the slope of a leaky ReLU in a depthwise convolution, which TensorFlow.js does not", () =>
  withGraph((graph) => {
    const bias = graph.real("bias", [2], [0, -3]);
    graph.add("FusedDepthwiseConv2dNative", "y", [
      graph.input("x", [-1, 1, 1, 2]),
      graph.real("k", [1, 1, 2, 1], [1, 2]),
      bias,
    ], {
      ...CONV,
      fused_ops: { list: { s: [btoa("BiasAdd"), btoa("LeakyRelu")] } },
      num_args: { i: "1" },
      leakyrelu_alpha: { f: 0.25 },
    });
  }, async (dir) => {
    const model = await openModel(dir);
    const answer = model.predict(tf.tensor([-4, 5, 3, 1], [2, 1, 1, 2]));
    assert.deepEqual([...await (answer as tf.Tensor).data()], [-1, 7, 3, -0.25]);
  }));

/** A signature's entry. */
const entry = (name: string) => ({ name, dtype: "DT_FLOAT", tensorShape: { dim: [{ size: "-1" }, { size: "4" }] } });

Deno.test("openModel() takes outputs, inputs and their shapes by a signature's names, and by nodes'", () =>
  withGraph((graph) => {
    const x = graph.add("Placeholder", "serving_x", [], {
      dtype: { type: "DT_FLOAT" },
      shape: { shape: { unknownRank: true } },
    });
    const learning = graph.real("learning/default", [], [0]);
    const scale = graph.add("PlaceholderWithDefault", "learning", [learning], { dtype: { type: "DT_FLOAT" } });
    const y = graph.add("Relu", "y", [graph.add("AddV2", "shifted", [x, scale])]);
    graph.add("Identity", "Identity", [y]);
    graph.add("Tanh", "Identity_1", [y]);
  }, async (dir) => {
    const whole = await openModel(dir);
    assert.deepEqual([whole.inputs[0].shape, whole.outputNames], [[null, 4], ["Identity_1", "Identity"]]);
    assert.deepEqual((await openModel(dir, { outputs: ["plain"] })).outputNames, ["Identity"]);
    const inner = await openModel(dir, { outputs: ["bent"], shapes: { y: [1, 3] } });
    assert.deepEqual([inner.inputNames, inner.inputs[0].shape, classesOf(inner)], [
      ["y"],
      [null, 3],
      "InputLayer Activation",
    ]);
    await assert.rejects(openModel(dir, { outputs: ["Identty"] }), /its output "Identty".*did you mean "Identity"/);
  }, {
    signature: {
      inputs: { x: entry("serving_x:0") },
      outputs: { bent: entry("Identity_1:0"), plain: entry("Identity:0") },
    },
  }));

/** A loop over what a convolution gives, as TensorFlow 1 writes it, and a number of boxes that depends on values. */
function writeTail(graph: GraphWriter): void {
  const x = graph.input("x", [-1, 6]);
  const dense = graph.add("MatMul", "dense", [x, graph.real("dense/k", [6, 3])]);
  const enter = graph.add("Enter", "loop/enter", [dense], { T: { type: "DT_FLOAT" }, frame_name: { s: btoa("loop") } });
  const merge = graph.add("Merge", "loop/merge", [enter, "loop/next"], { T: { type: "DT_FLOAT" }, N: { i: "2" } });
  const more = graph.add("LoopCond", "loop/cond", [
    graph.add("Less", "loop/less", [merge, graph.real("loop/end", [], [9])]),
  ]);
  graph.add("Switch", "loop/switch", [merge, more]);
  graph.add("NextIteration", "loop/next", [graph.add("Exp", "loop/exp", ["loop/switch:1"])]);
  graph.add("Exit", "loop/exit", ["loop/switch"]);
  const boxes = graph.add("Tanh", "boxes", [dense]);
  graph.add("Where", "picked", [graph.add("Greater", "large", [boxes, graph.real("least", [], [0])])]);
}

Deno.test("openModel() names what of a tail it cannot import, all of it, and outputs that it can", () =>
  withGraph(writeTail, async (dir) => {
    const error = await openModel(dir).then(() => undefined, (error: Error) => error);
    assert.match(
      error?.message ?? "",
      /7 of its nodes cannot be imported, .*"loop\/cond" \(LoopCond\): it is part of a loop/,
    );
    assert.match(error?.message ?? "", /"picked" \(Where\): how much it gives depends on what it reads/);
    const [, proposed] = /\(--outputs ([^)]*)\)/.exec(error?.message ?? "") ?? [];
    assert.equal(proposed, "dense,large");
    const model = await openModel(dir, { outputs: proposed.split(",") });
    assert.deepEqual(model.outputNames, ["dense", "large"]);
  }));

/** Graphs with a fault, and what is said. */
const FAULTS: readonly (readonly [write: (graph: GraphWriter) => void, message: RegExp])[] = [
  [
    (graph) => void graph.add("Relu", "y", [graph.input("x", [-1, -1, 3])]),
    /its input "x" is \[\?,\?,3\], needed are numbers behind the batch \(--shape x=1,…\)/,
  ],
  [
    (graph) => void graph.add("Where", "picked", [graph.add("Relu", "y", [graph.input("x", [-1, 4])])]),
    /Cannot load ".*": .*needed are outputs before them \(--outputs y\)/,
  ],
  [
    (graph) => void graph.add("Relu", "y", [graph.input("x", [-1, 2 ** 30, 3])]),
    /its input "x" is \[2,1073741824,3\], at most 268435456 numbers are needed/,
  ],
  [
    (graph) =>
      void graph.add("Relu", "y", [graph.add("Placeholder", "x", [], {
        dtype: { type: "DT_STRING" },
        shape: { shape: { dim: [{ size: "4" }, { size: "3" }] } },
      })]),
    /its input "x" has the type "string", numbers are needed/,
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

/** Tables of 5 and 20 rows, looked up in by whole numbers that come cast, or beside others. */
function writeLookUps(graph: GraphWriter): void {
  const whole = { dtype: { type: "DT_INT32" }, shape: { shape: { dim: [{ size: "-1" }, { size: "6" }] } } };
  const [words, kinds] = ["words", "kinds"].map((name) => graph.add("Placeholder", name, [], whole));
  const cast = graph.add("Cast", "cast", [kinds], { SrcT: { type: "DT_INT32" }, DstT: { type: "DT_INT32" } });
  const beside = graph.add("ConcatV2", "beside", [cast, cast, graph.scalar("one", 1)], {
    N: { i: "2" },
    T: { type: "DT_INT32" },
    Tidx: { type: "DT_INT32" },
  });
  const rowsOf = (name: string, rows: number, places: string) =>
    graph.add("GatherV2", name, [graph.real(`${name}/table`, [rows, 4]), places, graph.scalar(`${name}/axis`, 0)], {
      Tparams: { type: "DT_FLOAT" },
      Tindices: { type: "DT_INT32" },
      Taxis: { type: "DT_INT32" },
      batch_dims: { i: "0" },
    });
  const means = [rowsOf("word", 20, words), rowsOf("kind", 5, beside)].map((rows) =>
    graph.add("Mean", `${rows}/mean`, [rows, graph.whole(`${rows}/axes`, 1)], {
      T: { type: "DT_FLOAT" },
      keep_dims: { b: false },
    })
  );
  graph.add("AddV2", "answer", means);
}

Deno.test("openModel() reads a graph that looks whole numbers up in tables of few rows", () =>
  withGraph(writeLookUps, async (dir) => {
    const model = await openModel(dir);
    assert.match(classesOf(model), /Embedding/);
    const feeds = [[0, 19, 3, 7, 18, 1], [4, 0, 3, 2, 1, 4]].map((row) => tf.tensor(row, [1, 6], "int32"));
    const graph = await readGraphModel(dir);
    const known = graph.execute({ words: feeds[0], kinds: feeds[1] }, ["answer"]) as tf.Tensor;
    const names = model.inputs.map(({ name }) => name);
    const own = model.predict(names[0].startsWith("words") ? feeds : feeds.toReversed()) as tf.Tensor;
    const [expected, actual] = [await known.data(), await own.data()];
    expected.forEach((value, i) => assert.ok(Math.abs(value - actual[i]) < 1e-6));
  }));
