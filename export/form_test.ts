import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import type { Graph } from "../src/onnx/graph.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import { TARGETS } from "../quantize/targets/mod.ts";
import { predict } from "../tests/_support/small_models.ts";
import { prepareCalibrated, relativeError, runExported, samplesFor } from "./_test_support.ts";
import { DeployedModel } from "./deployed.ts";
import { type Precision, toOnnx, type ToOnnxOptions } from "./to_onnx.ts";
import { validate } from "./validate.ts";
import { verifyFusion } from "./verify.ts";

/** A convolution, dense layers on sequences and on vectors, one of a single unit, one kernel used twice. */
function mixedModel(): tfl.LayersModel {
  const x = tfl.input({ shape: [8, 8, 3], name: "x" });
  const apply = (layer: tfl.layers.Layer, to: tfl.SymbolicTensor) => layer.apply(to) as tfl.SymbolicTensor;
  const seed = 3;
  const init = () => tfl.initializers.glorotUniform({ seed });
  const conv = apply(tfl.layers.conv2d({ name: "conv", filters: 8, kernelSize: 3, kernelInitializer: init() }), x);
  const rows = apply(tfl.layers.reshape({ targetShape: [36, 8] }), apply(tfl.layers.reLU(), conv));
  const project = apply(tfl.layers.dense({ name: "project", units: 96, kernelInitializer: init() }), rows);
  const shared = tfl.layers.dense({ name: "shared", units: 96, activation: "relu", kernelInitializer: init() });
  const pooled = apply(tfl.layers.globalAveragePooling1d(), apply(shared, apply(shared, project)));
  const one = apply(tfl.layers.dense({ name: "one", units: 1, kernelInitializer: init() }), pooled);
  const last = apply(tfl.layers.dense({ name: "last", units: 10, kernelInitializer: init(), useBias: false }), pooled);
  return tfl.model({ inputs: x, outputs: [one, last], name: "mixed" });
}

function opsIn({ nodes }: Graph): readonly string[] {
  return [...new Set(nodes.map(({ op }) => op))];
}

const FORMS: readonly (ToOnnxOptions & { readonly error: number; readonly op: string; readonly share: number })[] = [
  { precision: "dynamic", error: 0.03, op: "MatMulInteger", share: 0.75 },
  { precision: "dynamic", target: "x86-portable", error: 0.06, op: "MatMulInteger", share: 0.75 },
  { precision: "weights8", error: 0.02, op: "DequantizeLinear", share: 0.7 },
  { precision: "weights8", block: 16, error: 0.02, op: "MatMulNBits", share: 0.75 },
  { precision: "weights8", block: 16, products: "float32", error: 0.02, op: "MatMulNBits", share: 0.75 },
  { precision: "weights4", products: "int8", error: 0.3, op: "MatMulNBits", share: 0.65 },
  { precision: "weights4", error: 0.3, op: "MatMulNBits", share: 0.65 },
  { precision: "weights4", block: 16, symmetric: false, error: 0.3, op: "MatMulNBits", share: 0.7 },
  { precision: "float16", error: 0.01, op: "Cast", share: 0.65 },
  { precision: "float16", half: "weights", error: 0.01, op: "Cast", share: 0.65 },
];

for (const { error, op, share, ...options } of FORMS) {
  Deno.test(`toOnnx() writes a smaller file that answers close to the model when given ${JSON.stringify(options)}`, async () => {
    await registerBackend();
    const model = mixedModel();
    const exported = await toOnnx(model, { ...options, debug: true });
    const float = await toOnnx(model, { precision: "float32" });
    assert.ok(opsIn(exported.graph).includes(op));
    assert.ok(exported.bytes.length < share * float.bytes.length, `${exported.bytes.length} of ${float.bytes.length}`);
    assert.deepEqual([exported.graph.inputs, exported.graph.outputs], [float.graph.inputs, float.graph.outputs]);
    await tf.setBackend("cpu");
    const x = samplesFor(model, 3);
    const expected = predict(model, x);
    // Products of full codes saturate on x86 without VNNI, and what keeps them from it is an optimization.
    const isFull = options.precision === "dynamic" && options.target === undefined;
    for (const optimization of isFull ? ["all"] as const : ["disabled", "all"] as const) {
      runExported(exported, x, { optimization, precise: options.precision === "dynamic" }).forEach((values, i) => {
        const is = relativeError(values, expected[i]);
        assert.ok(is < error && is > 0, `output ${i}, ${optimization}: ${is}`);
      });
    }
  });
}

Deno.test("toOnnx() shares codes between the calls of one layer, and rounds its kernel once", async () => {
  await registerBackend();
  const { graph } = await toOnnx(mixedModel(), { precision: "dynamic" });
  const codes = [...graph.initializers.keys()].filter((name) => name.endsWith("_codes"));
  assert.deepEqual(codes.toSorted(), ["last", "one", "project", "shared"].map((layer) => `${layer}/kernel_codes`));
});

Deno.test("toOnnx() rounds weights of dynamic files to int8 around 0, whatever codes the target has", async () => {
  await registerBackend();
  const dense = tfl.layers.dense({ name: "dense", units: 3, inputShape: [16], kernelInitializer: "glorotNormal" });
  const model = tfl.sequential({ layers: [dense] });
  for (const target of TARGETS.filter(({ file }) => file !== undefined)) {
    const { graph } = await toOnnx(model, { precision: "dynamic", target: target.name });
    const { dtype, data } = graph.initializers.get("dense/kernel_codes")!;
    const codes = Array.from(data as Int8Array);
    const most = target.name === "x86-portable" ? 64 : 127;
    assert.equal(dtype, "int8");
    assert.equal(Math.max(...codes.map(Math.abs)), most, target.name);
    assert.ok(codes.some((code) => code < 0) && codes.some((code) => code > 0), target.name);
  }
});

Deno.test("toOnnx() says of a dynamic file which layers it left in float, and what is better for them", async () => {
  await registerBackend();
  const { declined } = await toOnnx(mixedModel(), { precision: "dynamic" });
  assert.deepEqual(
    declined.filter(({ pass }) => pass === "dynamicProducts").map(({ node, because }) => [node, because]),
    [
      [
        "conv",
        "convolutions with ranges at run time are slower than in float: take method static, or weights for size alone",
      ],
    ],
  );
});

Deno.test("toOnnx() writes the same weights of a model that was prepared for training", async () => {
  await registerBackend();
  const model = tfl.sequential({ layers: [tfl.layers.dense({ name: "dense", units: 4, inputShape: [64] })] });
  const [weights] = model.getWeights();
  const { model: prepared } = await prepareCalibrated(model);
  const { graph } = await toOnnx(prepared, { precision: "weights8" });
  const largest = Math.max(...await tf.abs(weights).data());
  const scale = graph.initializers.get("dense/kernel_scale");
  assert.ok(scale !== undefined && Math.abs(Math.max(...scale.data as Float32Array) - largest / 127) < 1e-6);
});

const NO_BLOCKS = `it has no blocks, as "weights4" and "weights8" with "block" have`;

const refused: readonly (readonly [ToOnnxOptions, string])[] = [
  [{ precision: "weights4", block: 24 }, `Cannot export with "block": it is 24, needed is a power of 2 from 16 to 256`],
  [
    { precision: "weights4", block: NaN },
    `Cannot export with "block": it is NaN, needed is a power of 2 from 16 to 256`,
  ],
  [{ precision: "dynamic", block: 32 }, `Cannot export dynamic with "block": ${NO_BLOCKS}`],
  [{ precision: "weights8", symmetric: false }, `Cannot export weights8 with "symmetric": ${NO_BLOCKS}`],
  [{ precision: "float16", products: "int8" }, `Cannot export float16 with "products": ${NO_BLOCKS}`],
  [{ block: 32 }, `Cannot export int8 with "block": ${NO_BLOCKS}`],
  [{ ports: "float16" }, `Cannot export int8 with "ports": "float16" takes it`],
  [{ precision: "dynamic", half: "graph" }, `Cannot export dynamic with "half": "float16" takes it`],
  [
    { precision: "float16", half: "weights", ports: "float16" },
    "Cannot export weights of float16 with ports of float16: they compute in float32",
  ],
];

for (const [options, message] of refused) {
  Deno.test(`toOnnx() refuses ${JSON.stringify(options)}`, async () => {
    await registerBackend();
    await assert.rejects(toOnnx(mixedModel(), options), { name: "RangeError", message });
  });
}

Deno.test("toOnnx() refuses options that there are not, and names the nearest", async () => {
  await registerBackend();
  for (
    const [name, wrong, meant] of [["half", "wieghts", "weights"], ["ports", "float61", "float16"], [
      "products",
      "int88",
      "int8",
    ]]
  ) {
    // As a program without types would.
    const options = JSON.parse(`{ "precision": "float16", "${name}": "${wrong}" }`) as ToOnnxOptions;
    const message = `^RangeError: Cannot export with "${name}": "${wrong}": .*\\(did you mean "${meant}"\\?\\)$`;
    await assert.rejects(toOnnx(mixedModel(), options), new RegExp(message));
  }
});

Deno.test("toOnnx() refuses a precision that there is not, and names the nearest", async () => {
  await registerBackend();
  // As a program without types would.
  const options = JSON.parse(`{ "precision": "weigths8" }`) as ToOnnxOptions;
  await assert.rejects(
    toOnnx(mixedModel(), options),
    /^RangeError: Cannot export precision "weigths8": .* \(did you mean "weights8"\?\)$/,
  );
});

Deno.test("toOnnx() refuses a model in which a form finds nothing to round", async () => {
  await registerBackend();
  const pool = tfl.sequential({ name: "pool", layers: [tfl.layers.maxPooling2d({ inputShape: [4, 4, 2] })] });
  for (
    const [precision, needed] of [
      ["dynamic", "a dense layer, an LSTM or an embedding"],
      ["weights8", "a layer of enough constant weights"],
      ["weights4", "a layer of enough constant weights"],
    ] as const
  ) {
    const message = `Cannot export "pool" as ${precision}: it has no weights to round, ${needed} is needed`;
    await assert.rejects(toOnnx(pool, { precision }), { name: "RangeError", message });
  }
  const conv = tfl.sequential({
    name: "net",
    layers: [tfl.layers.conv2d({ filters: 8, kernelSize: 3, inputShape: [8, 8, 3] })],
  });
  const said =
    `Cannot export "net" as dynamic: it has no weights to round, a dense layer, an LSTM or an embedding is ` +
    'needed; its 1 convolutions are better served by "int8" or "weights8"';
  await assert.rejects(toOnnx(conv, { precision: "dynamic" }), { message: said });
  const up = tfl.sequential({
    name: "net",
    layers: [tfl.layers.conv2dTranspose({ filters: 8, kernelSize: 3, inputShape: [8, 8, 3] })],
  });
  await assert.rejects(toOnnx(up, { precision: "dynamic" }), { message: said });
});

Deno.test("toOnnx() refuses blocks where no weights fit into any, whatever else is rounded, and says why", async () => {
  await registerBackend();
  const conv = () => tfl.layers.conv2d({ name: "conv", filters: 8, kernelSize: 3, inputShape: [8, 8, 3] });
  const convs = tfl.sequential({ name: "net", layers: [conv()] });
  const only = (bits: number) => `only products have ${bits}-bit blocks: its weights are int8, one scale a channel`;
  const would = "8 bits without blocks would do";
  await assert.rejects(toOnnx(convs, { precision: "weights4" }), {
    name: "RangeError",
    message:
      `Cannot export "net" as weights4: none of its weights can be 4 bits in blocks of 32 ("conv": ${only(4)}); ` +
      would,
  });
  await assert.rejects(toOnnx(convs, { precision: "weights8", block: 64 }), {
    message:
      `Cannot export "net" as weights8: none of its weights can be 8 bits in blocks of 64 ("conv": ${only(8)}); ` +
      would,
  });
  const dense = tfl.layers.dense({ name: "dense", units: 10, inputShape: [16] });
  const small = tfl.sequential({ name: "small", layers: [dense] });
  await assert.rejects(toOnnx(small, { precision: "weights4", block: 256 }), {
    message: 'Cannot export "small" as weights4: none of its weights can be 4 bits in blocks of 256 ' +
      `("dense": its 160 weights fill too little of blocks of 256); ${would}`,
  });
  // What would do does, and one product in blocks is enough.
  assert.equal((await toOnnx(convs, { precision: "weights8" })).precision, "weights8");
  const both = tfl.sequential({ layers: [conv(), tfl.layers.flatten(), tfl.layers.dense({ units: 4 })] });
  assert.equal((await toOnnx(both, { precision: "weights4" })).precision, "weights4");
  const deep = tfl.sequential({
    name: "deep",
    layers: [
      conv(),
      tfl.layers.conv2d({ name: "next", filters: 8, kernelSize: 3 }),
      tfl.layers.globalAveragePooling2d({}),
      ...[10, 9, 8, 7].map((units) => tfl.layers.dense({ name: `dense${units}`, units })),
    ],
  });
  await assert.rejects(toOnnx(deep, { precision: "weights4", block: 256 }), {
    message: 'Cannot export "deep" as weights4: none of its weights can be 4 bits in blocks of 256 ' +
      `("conv" and 1 more: ${only(4)}; "dense10": its 80 weights fill too little of blocks of 256; ` +
      `"dense9": its 90 weights fill too little of blocks of 256; …); ${would}`,
  });
});

Deno.test("toOnnx() refuses weights that are no numbers, in every form", async () => {
  await registerBackend();
  const model = tfl.sequential({ layers: [tfl.layers.dense({ name: "dense", units: 4, inputShape: [64] })] });
  const [kernel, bias] = model.getWeights();
  const bad = await kernel.data<"float32">();
  model.setWeights([tf.tensor(bad.with(5, NaN), kernel.shape), bias]);
  for (const precision of ["dynamic", "weights8", "weights4", "float16"] as const) {
    await assert.rejects(
      toOnnx(model, { precision }),
      /^RangeError: Cannot round constant "dense\/kernel": element 5 is NaN/,
    );
  }
});

Deno.test("verifyFusion() tells what of a file's form runs on integers, with integer weights and in half precision", async () => {
  await registerBackend();
  const model = mixedModel();
  const fusionOf = async (options: ToOnnxOptions) => {
    const file = await toOnnx(model, options);
    const { int8, moved, float, weights, half, nodes } = verifyFusion(file.bytes, file.graph, file);
    assert.ok(nodes.every(({ layer }) => layer !== ""));
    return { int8, moved, float: float.map(({ layer }) => layer), weights, half };
  };
  // One kernel a product; what reads the pooled features shares their codes. Nothing else is on integers.
  assert.deepEqual(await fusionOf({ precision: "dynamic" }), {
    int8: { DynamicQuantizeMatMul: 3, MatMulIntegerToFloat: 2 },
    moved: {},
    float: ["conv"],
    weights: undefined,
    half: undefined,
  });
  assert.deepEqual(await fusionOf({ precision: "weights8" }), {
    int8: {},
    moved: {},
    float: [],
    weights: { FusedConv: 1, Gemm: 3, FusedGemm: 2 },
    half: undefined,
  });
  assert.deepEqual((await fusionOf({ precision: "weights4" })).weights, { FusedConv: 1, MatMulNBits: 5 });
  const { half } = await fusionOf({ precision: "float16" });
  assert.ok(half !== undefined && !("Gemm" in half) && "Reshape" in half, JSON.stringify(half));
});

Deno.test("DeployedModel feeds and reads ports of half precision", async () => {
  await registerBackend();
  const model = mixedModel();
  const [float, half] = await Promise.all([
    toOnnx(model, { precision: "float32" }),
    toOnnx(model, { precision: "float16", ports: "float16" }),
  ]);
  assert.equal(half.graph.types.get("x")?.dtype, "float16");
  const x = samplesFor(model, 3).map((tensor) => tensor.dataSync<"float32">())[0];
  const [expected, actual] = [float, half].map(({ bytes }) => {
    const deployed = new DeployedModel(bytes);
    const answers = deployed.predict({ x });
    deployed.dispose();
    return answers;
  });
  for (const name of ["one", "last"]) {
    assert.deepEqual(actual[name].shape, expected[name].shape);
    assert.ok(relativeError(actual[name].values, expected[name].values) < 0.01);
  }
});

/** What runs in the forms of each built-in net of sequences, and how far its answers may be from float's. */
const SEQUENCES = {
  lstm: {
    dynamic: { error: 0.02, int8: { DynamicQuantizeLSTM: 1, DynamicQuantizeMatMul: 1 }, float: [] },
    weights8: { error: 0.02, weights: ["Gather", "Gemm", "LSTM"], float: [] },
    weights4: { error: 0.1, weights: ["Gather", "LSTM", "MatMulNBits"], float: ["LSTM"] },
    float16: { error: 0.01, float: [] },
  },
  gru: {
    dynamic: { error: 0.02, int8: { DynamicQuantizeMatMul: 1 }, float: ["GRU", "GRU"] },
    weights8: { error: 0.02, weights: ["GRU", "Gather", "Gemm"], float: [] },
    weights4: { error: 0.1, weights: ["GRU", "Gather", "MatMulNBits"], float: ["GRU", "GRU"] },
    float16: { error: 0.01, float: [] },
  },
  transformer: {
    dynamic: { error: 0.1, int8: { DynamicQuantizeMatMul: 7, MatMulIntegerToFloat: 6 }, float: [] },
    weights8: { error: 0.05, weights: ["FusedGemm", "Gather", "Gemm"], float: [] },
    weights4: { error: 0.4, weights: ["Gather", "MatMulNBits"], float: [] },
    // The mask: what is not to be seen becomes −10⁹.
    float16: { error: 0.01, float: ["Mul"] },
  },
} as const;

for (const [arch, forms] of Object.entries(SEQUENCES)) {
  Deno.test(`toOnnx() writes every form of ${arch}, which runs as it is meant to`, async () => {
    await registerBackend();
    const tokens = { size: 20, padding: 0 };
    const model = buildArchitecture(arch, { inputShape: [12], outputs: 4, seed: 1, tokens });
    const x = Int32Array.from({ length: 12 * 16 }, (_, i) => i % 12 > 6 + i % 5 ? 0 : 1 + (i * 7 + (i >> 4)) % 19);
    const answersOf = (bytes: Uint8Array, precise: boolean) => {
      const deployed = new DeployedModel(bytes, { precise });
      const [{ values }] = Object.values(deployed.predict({ x }));
      deployed.dispose();
      return values;
    };
    const float = answersOf((await toOnnx(model, { precision: "float32" })).bytes, false);
    for (const [precision, expected] of Object.entries(forms)) {
      // The keys of the table above.
      const file = await toOnnx(model, { precision: precision as Precision, debug: true });
      const { int8, weights, float: left } = verifyFusion(file.bytes, file.graph, file);
      const { error, ...found } = expected;
      assert.deepEqual(
        {
          ...(Object.keys(int8).length === 0 ? {} : { int8 }),
          ...(weights === undefined ? {} : { weights: Object.keys(weights).toSorted() }),
          float: left.map(({ op }) => op),
        },
        found,
        precision,
      );
      const is = relativeError(answersOf(file.bytes, precision === "dynamic"), float);
      assert.ok(is < error && is > 0, `${precision}: ${is}`);
    }
  });
}

Deno.test("validate() runs files of integer weights that layers share, however exact it is to be, and at float's speed", async () => {
  await registerBackend();
  const model = mixedModel();
  const [file, float] = [await toOnnx(model, { precision: "weights8" }), await toOnnx(model, { precision: "float32" })];
  const [x] = samplesFor(model, 4);
  const values = x.dataSync<"float32">();
  const deployed = new DeployedModel(float.bytes);
  const simulated = deployed.predict({ x: values });
  deployed.dispose();
  const found = validate({
    int8: file,
    float,
    batches: [{ x: values }],
    simulated,
    precise: true,
    latency: { runs: 2, threads: 1 },
  });
  assert.deepEqual(found.fusion.weights, { FusedConv: 1, Gemm: 3, FusedGemm: 2 });
  for (const name of ["one", "last"]) {
    assert.ok(relativeError(found.deployed[name].values, simulated[name].values) < 0.02);
  }
});
