import assert from "node:assert/strict";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { GraphBuilder } from "../src/onnx/writer.ts";
import { describeFile, type FileDescription } from "./_file.ts";

const IMAGE = { kind: "image", shape: [4, 6, 3], layout: "nhwc", mean: [0], std: [1] };
const CLASSES = { task: "classification" };

interface Said {
  readonly input?: object;
  readonly inputs?: object;
  readonly outputs?: object;
  readonly target?: string;
}

/** A file of one picture of 4 × 6 in and two outputs out, which says so of itself. */
function describe({ input = {}, inputs = { x: { ...IMAGE, ...input } }, outputs = { y: CLASSES }, target }: Said) {
  const b = new GraphBuilder();
  const x = b.input("float32", [1, 4, 6, 3], "x");
  const flat = b.node("Flatten", [x]);
  const y = b.node("Softmax", [flat]);
  const z = b.node("Reshape", [b.node("Identity", [b.node("Relu", [flat])]), b.constant("int64", [2], [1, 72])]);
  const graph = b.build("net", [y.name, z.name]);
  const renamed = new Map([[y.name, "y"], [z.name, "z"]]);
  const rename = (name: string) => renamed.get(name) ?? name;
  const bytes = encodeModel({
    ...graph,
    outputs: ["y", "z"],
    nodes: graph.nodes.map((node) => ({ ...node, outputs: node.outputs.map(rename), inputs: node.inputs.map(rename) })),
    types: new Map([...graph.types].map(([name, type]) => [rename(name), type])),
  }, {
    metadata: {
      inputs: JSON.stringify(inputs),
      outputs: JSON.stringify(outputs),
      ...(target === undefined ? {} : { target }),
    },
  });
  return describeFile(bytes, "net.onnx");
}

function refused(said: Said, because: string): void {
  assert.throws(() => describe(said), { name: "RangeError", message: `Cannot predict with "net.onnx": ${because}` });
}

Deno.test("describeFile() tells how a picture goes in, and what each output answers", () => {
  const { input, outputs, target } = describe({ outputs: { z: { task: "regression" }, y: CLASSES }, target: "arm" });
  const expected: FileDescription["input"] = {
    name: "x",
    height: 4,
    width: 6,
    channels: 3,
    layout: "nhwc",
    fit: "stretch",
    normalize: { text: "0:1", mean: [0], std: [1] },
  };
  assert.deepEqual(input, expected);
  assert.equal(target, "arm");
  // In the file's order, by the operator that computes them and not by those that only move what it gave.
  const found = outputs.map(({ name, task, shape, endsIn }) => ({ name, task, shape, endsIn }));
  assert.deepEqual(found, [
    { name: "y", task: "classification", shape: [72], endsIn: "Softmax" },
    { name: "z", task: "regression", shape: [72], endsIn: "Relu" },
  ]);
  assert.ok(!("target" in describe({})));
});

Deno.test("describeFile() takes bytes without a normalization, and normalizations of one number or one a channel", () => {
  assert.ok(!("normalize" in describe({ input: { dtype: "uint8", mean: undefined } }).input));
  const { normalize } = describe({ input: { dtype: "float32", mean: [1, 2, 3], std: [4] } }).input;
  assert.deepEqual(normalize, { text: "1,2,3:4", mean: [1, 2, 3], std: [4] });
  const at = "inputs.x.";
  refused({ input: { mean: [1, 2] } }, `${at}mean is [1,2], 1 or 3 numbers are needed`);
  refused({ input: { std: [1, 2] } }, `${at}std is [1,2], 1 or 3 numbers above 0 are needed`);
  refused({ input: { std: [1, 0, 1] } }, `${at}std is [1,0,1], 1 or 3 numbers above 0 are needed`);
  // Finite for black, not for white: and the other way round.
  const within = "numbers that keep pixels within float32 are needed";
  refused({ input: { mean: [0], std: [1e-39] } }, `${at}std is [1e-39], ${within}`);
  refused({ input: { mean: [1], std: [1e-39] } }, `${at}std is [1e-39], ${within}`);
});

Deno.test("describeFile() refuses inputs that are no picture, or another than the file's", () => {
  const sides = "height, width and 1 or 3 channels are needed";
  for (const shape of [[4, 6], [4, 6, 3, 1], [4, 6, 2], [0, 6, 3], [4, 6.5, 3], [4, 20_000, 3]]) {
    refused({ input: { shape } }, `inputs.x.shape is ${JSON.stringify(shape)}, ${sides}`);
  }
  refused({ input: { shape: [6, 4, 3] } }, 'its input "x" is [n,4,6,3], its metadata says [n,6,4,3]');
  refused({ input: { layout: "nchw" } }, 'its input "x" is [n,4,6,3], its metadata says [n,3,4,6]');
  const needed = "one that takes a picture is needed";
  refused({ input: { kind: "numbers" } }, `its input "x" takes rows of numbers, ${needed}`);
  refused({ input: { kind: "series" } }, `its input "x" takes sequences of rows, ${needed}`);
  refused({ input: { kind: "tokens" } }, `its input "x" takes sequences of tokens, ${needed}`);
  refused({ inputs: { x: IMAGE, more: IMAGE } }, `it has 2 inputs, ${needed}`);
  refused({ inputs: {} }, `it has 1 inputs, ${needed}`);
  refused({ inputs: { other: IMAGE } }, 'its input is "x", its metadata speaks of "other"');
});

Deno.test("describeFile() refuses outputs that there are not, and files that say nothing of any", () => {
  refused({ outputs: { y: CLASSES, w: CLASSES } }, 'it has no output "w", of which its metadata speaks');
  assert.throws(() => describe({ outputs: {} }), /it does not say what its answers mean/);
  const bare = (metadata: Readonly<Record<string, string>>) => {
    const b = new GraphBuilder();
    const y = b.node("Relu", [b.input("float32", [1, 2], "x")]);
    return () => describeFile(encodeModel(b.build("net", [y.name]), { metadata }), "a.onnx");
  };
  const needed = "in its metadata), a file of deno task qat or ptq is needed";
  assert.throws(bare({}), {
    message: `Cannot predict with "a.onnx": it does not say how it is fed (there is no "inputs" ${needed}`,
  });
  assert.throws(bare({ inputs: "{}" }), {
    message: `Cannot predict with "a.onnx": it does not say how it is read (there is no "outputs" ${needed}`,
  });
});

Deno.test("describeFile() knows no operator behind an output that is the input in another form", () => {
  const b = new GraphBuilder();
  const y = b.node("Identity", [b.node("Transpose", [b.input("float32", [1, 4, 6, 3], "x")], { perm: [0, 3, 1, 2] })]);
  const metadata = { inputs: JSON.stringify({ x: IMAGE }), outputs: JSON.stringify({ [y.name]: CLASSES }) };
  const { outputs } = describeFile(encodeModel(b.build("net", [y.name]), { metadata }), "net.onnx");
  assert.deepEqual(outputs.map(({ endsIn }) => endsIn), [""]);
});
