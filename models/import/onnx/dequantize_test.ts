import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../../../export/to_onnx.ts";
import { prepareOnGrids } from "../../../quantize/on_grids.ts";
import { quantizedLayersIn, setQatPhase } from "../../../src/quant/mod.ts";
import { encodeModel } from "../../../src/onnx/file/mod.ts";
import type { Attrs, Graph, Node, Tensor } from "../../../src/onnx/graph.ts";
import { Random } from "../../../src/numbers/random.ts";
import { Session } from "../../../src/runtime/session.ts";
import { testWithShared } from "../../../tests/_support/shared.ts";
import { differenceOf, type ImportFacts } from "../imported.ts";
import { loadBytes } from "./_test_net.ts";
import { loadOnnx } from "./mod.ts";

const f32 = (shape: readonly number[], values: ArrayLike<number>): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});
const u8 = (value: number): Tensor => ({ dtype: "uint8", shape: [], data: Uint8Array.of(value) });
const s8 = (shape: readonly number[], values: ArrayLike<number>): Tensor => ({
  dtype: "int8",
  shape,
  data: Int8Array.from(values),
});
const node = (op: string, inputs: string, outputs: string, attrs: Attrs = {}, domain?: string): Node => ({
  op,
  name: outputs.split(" ")[0],
  inputs: inputs.split(" ").map((name) => name === "-" ? "" : name),
  outputs: outputs.split(" "),
  attrs,
  ...(domain === undefined ? {} : { domain }),
});

const random = new Random(7);
const CODES = Array.from({ length: 4 * 3 * 3 * 3 }, () => random.below(255) - 127);
// The largest code of each channel is in use, as tools make it.
for (let channel = 0; channel < 4; channel++) CODES[27 * channel] = 127;
const DENSE = Array.from({ length: 4 * 5 }, (_, i) => i < 5 ? 127 : random.below(255) - 127);

const CONSTANTS: readonly (readonly [string, Tensor])[] = [
  ["xs", f32([], [1 / 128])],
  ["xz", u8(3)],
  ["w", s8([4, 3, 3, 3], CODES)],
  ["ws", f32([4], [0.01, 0.02, 0.015, 0.03])],
  ["wz", s8([4], [0, 0, 0, 0])],
  ["b", { dtype: "int32", shape: [4], data: Int32Array.of(100, -2000, 0, 55) }],
  ["bs", f32([4], [0.01 / 128, 0.02 / 128, 0.015 / 128, 0.03 / 128])],
  ["bz", { dtype: "int32", shape: [4], data: new Int32Array(4) }],
  ["hs", f32([], [0.0625])],
  ["hz", u8(0)],
  ["d", s8([4, 5], DENSE)],
  ["ds", f32([], [0.02])],
  ["dz", s8([], [0])],
  ["ys", f32([], [0.25])],
  ["yz", u8(120)],
];

function graphOf(nodes: readonly Node[], outputs = ["y"]): Graph {
  return {
    name: "net",
    inputs: ["x"],
    outputs,
    initializers: new Map(CONSTANTS),
    nodes,
    types: new Map([
      ["x", { dtype: "float32", shape: ["n", 3, 6, 6] }],
      ["y", { dtype: "float32", shape: ["n", 5] }],
      ["yq", { dtype: "uint8", shape: ["n", 5] }],
    ]),
  };
}

const POOLED: readonly Node[] = [
  node("GlobalAveragePool", "hd", "g"),
  node("QuantizeLinear", "g hs hz", "gq"),
  node("DequantizeLinear", "gq hs hz", "gd"),
  node("Flatten", "gd", "row"),
];

const PAIRS: readonly Node[] = [
  node("QuantizeLinear", "x xs xz", "xq"),
  node("DequantizeLinear", "xq xs xz", "xd"),
  node("DequantizeLinear", "w ws wz", "wd", { axis: 0 }),
  node("DequantizeLinear", "b bs bz", "bd", { axis: 0 }),
  node("Conv", "xd wd bd", "h"),
  node("QuantizeLinear", "h hs hz", "hq"),
  node("MaxPool", "hq", "hp", { kernel_shape: [2, 2], strides: [2, 2] }),
  node("DequantizeLinear", "hp hs hz", "hd"),
  ...POOLED,
  node("DequantizeLinear", "d ds dz", "dd"),
  node("MatMul", "row dd", "m"),
  node("QuantizeLinear", "m ys yz", "yq"),
  node("DequantizeLinear", "yq ys yz", "y"),
];

const ON_CODES: readonly Node[] = [
  node("QuantizeLinear", "x xs xz", "xq"),
  node("QLinearConv", "xq xs xz w ws wz hs hz b", "hq"),
  node("MaxPool", "hq", "hp", { kernel_shape: [2, 2], strides: [2, 2] }),
  node("QLinearGlobalAveragePool", "hp hs hz hs hz", "gq", { channels_last: 0 }, "com.microsoft"),
  node("Flatten", "gq", "row"),
  node("QLinearMatMul", "row hs hz d ds dz ys yz", "yq"),
  node("DequantizeLinear", "yq ys yz", "y"),
];

async function read(graph: Graph): Promise<{ readonly model: tfl.LayersModel; readonly facts: ImportFacts }> {
  let facts: ImportFacts | undefined;
  const model = await loadBytes(encodeModel(graph), { onImport: (told) => facts = told });
  return { model, facts: facts! };
}

/** What a model answers, all rounded, and what its file does. */
async function rounded(model: tfl.LayersModel, { grids }: ImportFacts): Promise<number> {
  const prepared = prepareOnGrids(model, grids!);
  assert.deepEqual(prepared.open, []);
  setQatPhase(prepared.model, { observing: false, fakeQuantizing: true });
  const x = tf.randomUniform([3, ...model.inputs[0].shape.slice(1).map(Number)], 0, 1, "float32", 4);
  const [known] = await grids!.answer([x]);
  const own = prepared.model.predict(x) as tf.Tensor;
  return differenceOf(await own.data(), await known.data());
}

/** How much a file that is written of a model on a file's grids differs from that. */
async function writtenAgain(model: tfl.LayersModel, { grids }: ImportFacts): Promise<number> {
  const { graph } = await toOnnx(prepareOnGrids(model, grids!).model);
  const x = tf.randomUniform([3, ...model.inputs[0].shape.slice(1).map(Number)], 0, 1, "float32", 4);
  const [known] = await grids!.answer([x]);
  const session = new Session(encodeModel(graph), { optimization: "disabled" });
  const own = session.run({ [graph.inputs[0]]: { dtype: "float32", shape: x.shape, data: x.dataSync<"float32">() } });
  session.dispose();
  return differenceOf(own[graph.outputs[0]].data as Float32Array, await known.data());
}

for (const [name, nodes] of Object.entries({ "Q/DQ pairs": PAIRS, "operators on codes": ON_CODES })) {
  Deno.test(`loadOnnx() reads ${name} as the float model that they stand for, with the file's grids`, async () => {
    const { model, facts } = await read(graphOf(nodes));
    const classes = model.layers.map((layer) => layer.getClassName());
    assert.deepEqual(classes, ["InputLayer", "Conv2D", "ReLU", "MaxPooling2D", "GlobalAveragePooling2D", "Dense"]);
    const [kernel, bias, dense] = model.getWeights().map((weight) => weight.dataSync());
    // [4, 3, 3, 3] → [3, 3, 3, 4]
    assert.ok(Math.abs(kernel[0] - 1.27) < 1e-6 && Math.abs(kernel[1] - 127 * 0.02) < 1e-6);
    assert.ok(Math.abs(bias[1] + 2000 * 0.02 / 128) < 1e-6);
    assert.ok(Math.abs(dense[0] - 2.54) < 1e-6);
    const grids = facts.grids!;
    const of = [...grids.values].map(([layer, { scale, zeroPoint, dtype }]) => [
      model.getLayer(layer).getClassName(),
      scale[0],
      zeroPoint[0],
      dtype,
    ]);
    assert.deepEqual(of, [
      ["InputLayer", 1 / 128, 3, "uint8"],
      ["ReLU", 0.0625, 0, "uint8"],
      ["GlobalAveragePooling2D", 0.0625, 0, "uint8"],
      ["Dense", 0.25, 120, "uint8"],
    ]);
    assert.deepEqual([...grids.weights.values()].map(({ scale }) => scale.length), [4, 1]);
    assert.ok(await rounded(model, facts) < 1e-6);
  });
}

/** Weights of one grid each, whose zero points are their own: older versions of ONNX Runtime's quantizer write them so. */
const AFFINE: readonly (readonly [string, Tensor])[] = [
  ["w", { ...u8(0), shape: [4, 3, 3, 3], data: Uint8Array.from(CODES, (code) => code + 128) }],
  ["ws", f32([], [0.01])],
  ["wz", u8(97)],
  ["bs", f32([4], new Array(4).fill(0.01 / 128))],
  ["d", s8([4, 5], DENSE)],
  ["dz", s8([], [-30])],
];

const withConstants = (graph: Graph, more: typeof AFFINE): Graph => ({
  ...graph,
  initializers: new Map([...graph.initializers, ...more]),
});

for (const [name, nodes] of Object.entries({ "Q/DQ pairs": PAIRS, "operators on codes": ON_CODES })) {
  Deno.test(`loadOnnx() takes affine grids of weights from ${name}, and a file of them answers as theirs`, async () => {
    const { model, facts } = await read(withConstants(graphOf(nodes), AFFINE));
    assert.ok(await rounded(model, facts) < 1e-6);
    const { target, model: prepared, layers } = prepareOnGrids(model, facts.grids!);
    const schemes = layers.flatMap(({ weights }) => weights === undefined ? [] : [weights]);
    assert.deepEqual(schemes.map(({ dtype, symmetric }) => [dtype, symmetric]), [["uint8", false], ["int8", false]]);
    const grids = quantizedLayersIn(prepared).filter(({ role }) => role === "weights").map((layer) =>
      layer.readGrids()[0].grid
    );
    const numbers = grids.map(({ scale, zeroPoint }) => [scale, zeroPoint].map((of) => Array.from(of as Float32Array)));
    assert.deepEqual(numbers, [[[Math.fround(0.01)], [97]], [[Math.fround(0.02)], [-30]]]);
    // One file has weights of one type.
    assert.equal(target, "simulation");
  });

  Deno.test(`loadOnnx() reads ${name} of affine weights of one type, which a file of ours holds as they are`, async () => {
    const uint8: typeof AFFINE = [
      ...AFFINE,
      ["d", { ...u8(0), shape: [4, 5], data: Uint8Array.from(DENSE, (code) => code + 128) }],
      ["dz", u8(140)],
    ];
    const { model, facts } = await read(withConstants(graphOf(nodes), uint8));
    assert.equal(prepareOnGrids(model, facts.grids!).target, "x86-u8u8");
    assert.ok(await rounded(model, facts) < 1e-6);
    assert.equal(await writtenAgain(model, facts), 0);
  });
}

Deno.test("loadOnnx() takes a zero point of each channel's weights", async () => {
  const { model, facts } = await read(withConstants(graphOf(PAIRS), [["wz", s8([4], [3, -90, 0, 127])]]));
  const { target, taken } = prepareOnGrids(model, facts.grids!);
  assert.deepEqual([target, taken], ["simulation", 6]);
  assert.ok(await rounded(model, facts) < 1e-6);
});

for (const { mode, code } of [{ mode: "constant", code: 3 }, { mode: "reflect" }, { mode: "edge" }] as const) {
  Deno.test(`loadOnnx() reads a Pad of codes, ${mode}, as one of real numbers`, async () => {
    const pad = node("Pad", code === undefined ? "xq pads" : "xq pads code", "xpad", { mode });
    const at = PAIRS.findIndex(({ name }) => name === "xq") + 1;
    const padded = [...PAIRS.slice(0, at), pad, ...PAIRS.slice(at)].map((one) =>
      one.name === "xd" ? { ...one, inputs: ["xpad", ...one.inputs.slice(1)] } : one
    );
    const pads: Tensor = { dtype: "int64", shape: [8], data: BigInt64Array.of(0n, 0n, 1n, 0n, 0n, 0n, 2n, 1n) };
    const graph = withConstants(graphOf(padded), [["pads", pads], ["code", u8(code ?? 0)]]);
    const { model, facts } = await read(graph);
    assert.ok(await rounded(model, facts) < 1e-6);
    if (code === undefined) return;
    await assert.rejects(
      read(withConstants(graph, [["code", u8(4)]])),
      /\(Pad\) pads with the code 4, that of 0 is needed$/,
    );
  });
}

Deno.test("loadOnnx() gives an output of codes as the real numbers that they stand for", async () => {
  const { model } = await read(graphOf(PAIRS.slice(0, -1), ["yq"]));
  assert.deepEqual(model.outputs.map(({ name }) => name.split("/")[0]), ["yq"]);
});

Deno.test("loadOnnx() reads a file whose ranges are found at run time as the float model that it stands for", async () => {
  const dynamic: readonly Node[] = [
    node("Flatten", "x", "row"),
    node("DynamicQuantizeLinear", "row", "q s z"),
    node("MatMulInteger", "q k z dz", "m"),
    node("Cast", "m", "c", { to: 1 }),
    node("Mul", "s ds", "sd"),
    node("Mul", "c sd", "y"),
  ];
  const k = s8([108, 5], Array.from({ length: 540 }, (_, i) => (i * 37) % 255 - 127));
  const graph = graphOf(dynamic);
  const { model, facts } = await read({ ...graph, initializers: new Map([...graph.initializers, ["k", k]]) });
  assert.equal(facts.grids?.isDynamic, true);
  const x = new Float32Array(108).map((_, i) => Math.sin(i));
  const file = encodeModel({ ...graph, initializers: new Map([...graph.initializers, ["k", k]]) });
  const session = new Session(file, { precise: true });
  const known = session.run({ x: { dtype: "float32", shape: [1, 3, 6, 6], data: x } }).y.data as Float32Array;
  session.dispose();
  const pictures = tf.transpose(tf.tensor(x, [1, 3, 6, 6]), [0, 2, 3, 1]);
  const own = await (model.predict(pictures) as tf.Tensor).data();
  // Of 8 bits, on a range of 2.
  assert.ok(differenceOf(own, known) < 0.05);
});

Deno.test("loadOnnx() says in one line what of a quantized file it cannot read", async () => {
  const refused = async (
    nodes: readonly Node[],
    message: RegExp,
    more: readonly (readonly [string, Tensor])[] = [],
  ) => {
    const graph = graphOf(nodes);
    const bytes = encodeModel({ ...graph, initializers: new Map([...graph.initializers, ...more]) });
    await assert.rejects(loadBytes(bytes), (error: Error) => {
      assert.match(error.message, message);
      return error.name === "ModelFileError";
    });
  };
  await refused(PAIRS, /^Cannot load "net\.onnx": a scale of "xq" is 0, a number above 0 is needed$/, [[
    "xs",
    f32([], [0]),
  ]]);
  await refused(PAIRS, /"wd" has 4 scales and 3 zero points/, [["wz", s8([3], [0, 0, 0])]]);
  const other = PAIRS.map((each) => each.name === "hd" ? node("DequantizeLinear", "hp ys hz", "hd") : each);
  await refused(other, /its node "hd" reads codes on another grid than they were written on$/);
  const form = ON_CODES.map((each) =>
    each.name === "gq" ? { ...each, inputs: ["hp", "ys", ...each.inputs.slice(2)] } : each
  );
  await refused(form, /its node "gq" reads codes on another grid than they were written on$/);
  const computed = PAIRS.map((each) => each.name === "hp" ? node("Mul", "hq hq", "hp") : each);
  await refused(computed, /its node "hp" \(Mul\) computes with codes/);
  await refused(
    [
      node("Abs", "hs", "scale"),
      ...PAIRS.map((each) => each.name === "hq" ? node("QuantizeLinear", "h scale hz", "hq") : each),
    ],
    /the scale of "hq" is computed \("scale"\), a constant is needed$/,
  );
});

for (const name of ["cifar_cnn", "resnet20", "mobilenet_v2"]) {
  const file = `peers/${name}.ort_static_u8s8.onnx`;
  testWithShared(
    `loadOnnx() finds the float net of ${file}, and its grids round as the file does`,
    file,
    async (path) => {
      let facts: ImportFacts | undefined;
      const model = await loadOnnx(path, { onImport: (told) => facts = told });
      const float = await loadOnnx(path.replace(".ort_static_u8s8", ".float"));
      const classes = ({ layers }: tfl.LayersModel) => layers.map((layer) => layer.getClassName()).join(" ");
      assert.equal(classes(model), classes(float));
      // Where a product lies between two codes either may come of it: the last grid has some 200 of them.
      assert.ok(await rounded(model, facts!) < 0.02);
      // Written again, products are summed by the same program.
      assert.equal(await writtenAgain(model, facts!), 0);
    },
  );
}
