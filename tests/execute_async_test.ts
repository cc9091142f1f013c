/** Graph models whose control flow or shapes depend on values: TF.js reads tensors while it executes them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { onBothBackends, readAll } from "./_support/backends.ts";

/** A node of a TensorFlow GraphDef, as far as TF.js reads it. */
interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, unknown>>;
}

interface Topology {
  readonly node: readonly NodeDef[];
  readonly library?: unknown;
}

/** TF.js writes them into the model's version. */
const VERSIONS = { producer: 1, minConsumer: 1 };

const FLOAT = { dtype: { type: "DT_FLOAT" } };
const INT = { dtype: { type: "DT_INT32" } };

function node(name: string, op: string, input: readonly string[] = [], attr: NodeDef["attr"] = {}): NodeDef {
  return { name, op, input, attr };
}

/** Loads a graph whose constants are given as weights. */
function load(modelTopology: Topology, constants: Readonly<Record<string, number>>) {
  const weightSpecs: tf.io.WeightsManifestEntry[] = Object.keys(constants).map((name) => ({
    name,
    shape: [],
    dtype: name.startsWith("int") ? "int32" : "float32",
  }));
  const words = Object.entries(constants).map(([name, value]) =>
    name.startsWith("int") ? Int32Array.of(value) : Float32Array.of(value)
  );
  return loadGraphModel({
    load: () =>
      Promise.resolve({
        modelTopology: { versions: VERSIONS, ...modelTopology },
        weightSpecs,
        weightData: words.map(({ buffer }) => buffer),
      }),
  });
}

/** The elements of x beyond 0, however many they are. */
const positives: Topology = {
  node: [
    node("x", "Placeholder", [], FLOAT),
    node("zero", "Const", [], FLOAT),
    node("beyond", "Greater", ["x", "zero"]),
    node("where", "Where", ["beyond"]),
    node("picked", "GatherNd", ["x", "where"]),
  ],
};

/** x doubled three times, in a loop. */
const doubled: Topology = {
  node: [
    node("x", "Placeholder", [], FLOAT),
    node("int_start", "Const", [], INT),
    node("loop", "StatelessWhile", ["int_start", "x"], {
      cond: { func: { name: "go_on" } },
      body: { func: { name: "step" } },
    }),
    node("result", "Identity", ["loop:1"]),
  ],
  library: {
    function: [
      {
        signature: {
          name: "go_on",
          inputArg: [{ name: "i", type: "DT_INT32" }, { name: "v", type: "DT_FLOAT" }],
          outputArg: [{ name: "more", type: "DT_BOOL" }],
        },
        nodeDef: [node("int_limit", "Const", [], INT), node("less", "Less", ["i", "int_limit"])],
        ret: { more: "less:z:0" },
      },
      {
        signature: {
          name: "step",
          inputArg: [{ name: "i", type: "DT_INT32" }, { name: "v", type: "DT_FLOAT" }],
          outputArg: [{ name: "next", type: "DT_INT32" }, { name: "twice", type: "DT_FLOAT" }],
        },
        nodeDef: [
          node("int_one", "Const", [], INT),
          node("add", "AddV2", ["i", "int_one"]),
          node("sum", "AddV2", ["v", "v"]),
        ],
        ret: { next: "add:z:0", twice: "sum:z:0" },
      },
    ],
  },
};

Deno.test("executeAsync() gives outputs whose shape depends on values", async () => {
  const { actual, expected, fallbacks } = await onBothBackends(async () => {
    const model = await load(positives, { zero: 0 });
    const x = tf.tensor1d([3, -1, 2, -5, 7]);
    const outputs = readAll(await model.executeAsync({ x }, "picked"));
    x.dispose();
    model.dispose();
    return outputs;
  });
  assert.deepEqual(actual, [[3, 2, 7]]);
  assert.deepEqual(expected, actual);
  assert.deepEqual(fallbacks, {});
});

Deno.test("executeAsync() runs a loop that ends by a value", async () => {
  const { actual, expected, fallbacks } = await onBothBackends(async () => {
    const model = await load(doubled, { int_start: 0, int_limit: 3, int_one: 1 });
    const x = tf.tensor1d([1, -2]);
    const outputs = readAll(await model.executeAsync({ x }, "result"));
    x.dispose();
    model.dispose();
    return outputs;
  });
  assert.deepEqual(actual, [[8, -16]]);
  assert.deepEqual(expected, actual);
  assert.deepEqual(fallbacks, {});
});
