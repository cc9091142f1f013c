import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import { loadLayersModel, saveLayersModel } from "../models/import/layers_model.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { FakeQuantize, quantizedLayersIn, setQatPhase } from "../src/quant/mod.ts";
import { fixInputShape } from "../src/rewrite/mod.ts";
import { MAKER } from "../src/version.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { keepFloat } from "../quantize/recipe.ts";
import { testWithShared } from "../tests/_support/shared.ts";
import {
  islandModel,
  nestedModel,
  predict,
  seedWeights,
  sequentialModel,
  skipModel,
} from "../tests/_support/small_models.ts";
import { prepareCalibrated, relativeError, runExported, samplesFor } from "./_test_support.ts";
import { leftInPairs, toOnnx } from "./to_onnx.ts";
import { verifyFusion } from "./verify.ts";

const MODELS = { sequentialModel, skipModel, nestedModel, islandModel };

for (const [name, make] of Object.entries(MODELS)) {
  Deno.test(`toOnnx() writes float models that answer as TF.js does when given ${name}()`, async () => {
    await registerBackend();
    const model = make();
    const exported = await toOnnx(model);
    await tf.setBackend("cpu");
    const x = samplesFor(model, 3);
    const expected = predict(model, x);
    runExported(exported, x).forEach((values, i) => {
      // Batch norm is folded, and sums are added up in another order.
      assert.ok(relativeError(values, expected[i]) < 1e-5, `output ${i}: ${relativeError(values, expected[i])}`);
    });
  });

  Deno.test(`toOnnx() leaves the batch open when given ${name}()`, async () => {
    await registerBackend();
    const { model } = await prepareCalibrated(make());
    const exported = await toOnnx(model);
    for (const port of [...exported.graph.inputs, ...exported.graph.outputs]) {
      assert.equal(exported.graph.types.get(port)?.shape[0], "batch");
    }
    const x = samplesFor(model, 64);
    const all = runExported(exported, x);
    for (const batch of [1, 3]) {
      const part = runExported(exported, x.map((tensor) => tf.slice(tensor, 0, batch)));
      part.forEach((values, i) => assert.deepEqual(values, all[i].slice(0, values.length)));
    }
  });
}

Deno.test("toOnnx() writes files of the opset asked for that answer alike", async () => {
  await registerBackend();
  const { model } = await prepareCalibrated(skipModel());
  const x = samplesFor(model, 2);
  const expected = runExported(await toOnnx(model), x);
  for (const opset of [13, 14, 15, 16]) {
    const exported = await toOnnx(model, { opset });
    assert.equal(decodeModel(exported.bytes).opsets[""], opset);
    assert.deepEqual(runExported(exported, x), expected);
  }
});

for (const opset of [12, 18, 16.5, NaN]) {
  Deno.test(`toOnnx() refuses opset ${opset}`, async () => {
    await assert.rejects(
      toOnnx(sequentialModel(), { opset }),
      new RangeError(`Cannot export opset ${opset}: it must be a whole number from 13 to 17`),
    );
  });
}

Deno.test("toOnnx() answers [n, c, h, w] inputs as it does [n, h, w, c] ones", async () => {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  const [x] = samplesFor(model, 3);
  const exported = await toOnnx(model, { inputLayout: "nchw" });
  assert.deepEqual(exported.graph.types.get("conv1_input")?.shape, ["batch", 3, 8, 8]);
  const turned = tf.transpose(x, [0, 3, 1, 2]);
  assert.deepEqual(runExported(exported, [turned]), runExported(await toOnnx(model), [x]));
  // Inside, the graph is [n, c, h, w]: nothing is turned before the first convolution.
  const conv = exported.graph.nodes.findIndex(({ op }) => op === "Conv");
  assert.ok(exported.graph.nodes.slice(0, conv).every(({ op }) => op !== "Transpose"));
});

Deno.test("toOnnx() names nodes, weights and outputs after the layers", async () => {
  await registerBackend();
  const { model } = await prepareCalibrated(skipModel());
  const { graph } = await toOnnx(model);
  const work = graph.nodes.filter(({ op }) =>
    !["QuantizeLinear", "DequantizeLinear", "Transpose", "Reshape"].includes(op)
  );
  assert.deepEqual(work.map(({ name, op }) => [name, op]), [
    ["conv_a", "Conv"],
    ["relu_a", "Relu"],
    ["conv_b", "Conv"],
    ["sum", "Add"],
    ["relu_sum", "Relu"],
    ["avg", "AveragePool"],
    ["up", "Resize"],
    ["cat", "Concat"],
    ["conv_map", "Conv"],
    ["gap", "GlobalAveragePool"],
    ["score_linear", "Gemm"],
    ["score", "Sigmoid"],
  ]);
  assert.deepEqual([graph.inputs, graph.outputs], [["image"], ["score", "conv_map"]]);
  for (const part of ["kernel", "kernel_scale", "bias", "bias_scale"]) {
    assert.ok(graph.initializers.has(`conv_b/${part}`), `no conv_b/${part}`);
  }
});

Deno.test("toOnnx() writes uint8 activations, int8 weights on axis 0 and int32 biases on the grid of the accumulator", async () => {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  const { graph } = await toOnnx(model);
  const constant = (name: string) => graph.initializers.get(name)!;
  assert.deepEqual(
    ["conv1/kernel", "conv1/bias", "conv1_input_quant/zero_point"].map((name) => constant(name).dtype),
    ["int8", "int32", "uint8"],
  );
  const dequantize = graph.nodes.find(({ inputs }) => inputs[0] === "conv1/kernel");
  assert.deepEqual([dequantize?.op, dequantize?.attrs.axis], ["DequantizeLinear", 0]);
  assert.ok((constant("conv1/kernel").data as Int8Array).every((code) => code >= -127));
  const [input] = constant("conv1_input_quant/scale").data as Float32Array;
  const weights = constant("conv1/kernel_scale").data as Float32Array;
  assert.deepEqual(constant("conv1/bias_scale").data, weights.map((scale) => Math.fround(scale * input)));
  assert.ok(graph.nodes.every(({ op }) => op !== "BatchNormalization"));
});

Deno.test("toOnnx() refuses a prepared model that was never calibrated", async () => {
  await registerBackend();
  await assert.rejects(toOnnx(prepareQat(sequentialModel()).model), /Cannot export ".*_quant": it was never observed/);
});

Deno.test("toOnnx() leaves the model as it was when it writes float32 weights", async () => {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  const before = (await toOnnx(model)).bytes;
  await toOnnx(model, { precision: "float32" });
  assert.deepEqual((await toOnnx(model)).bytes, before);
});

Deno.test("toOnnx() keeps the name of a layer that ends as quantizers' do", async () => {
  await registerBackend();
  const { graph } = await toOnnx(
    tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3], name: "my_quant" })] }),
  );
  assert.deepEqual(graph.outputs, ["my_quant"]);
});

/** Side of the images for models that take any: the cpu backend, which is the oracle, is slow. */
const SHARED_MODELS: Readonly<Record<string, number | undefined>> = {
  lenet_mnist: undefined,
  emotion_mobilenet_v1_025: undefined,
  nsfw_mobilenet_v2: undefined,
  faceapi_expression: undefined,
  faceapi_tiny_face_detector_leaky: 64,
};

async function loadSized(path: string, side: number | undefined): Promise<tfl.LayersModel> {
  const { model } = await loadLayersModel(path);
  if (side === undefined) return model;
  return fixInputShape(model, [side, side, 3]);
}

for (const [name, side] of Object.entries(SHARED_MODELS)) {
  testWithShared(
    `toOnnx() exports ${name}: float as TF.js answers, int8 with no product left in float`,
    `models/${name}`,
    async (path) => {
      await registerBackend();
      const model = await loadSized(path, side);
      const x = samplesFor(model, 1);
      const float = await toOnnx(model);
      const { model: prepared } = await prepareCalibrated(model);
      const int8 = await toOnnx(prepared);
      const fusion = verifyFusion(int8.bytes, int8.graph);
      assert.deepEqual(fusion.float.filter(({ op }) => /Conv|Gemm|MatMul/.test(op)), []);
      const layers = new Set(prepared.layers.map((layer) => layer.name));
      for (const { op, layer } of fusion.nodes) assert.ok(layers.has(layer), `${op} is of "${layer}"`);
      await tf.setBackend("cpu");
      const expected = predict(model, x);
      runExported(float, x).forEach((values, i) => {
        const error = relativeError(values, expected[i]);
        assert.ok(error < 1e-4, `output ${i} is off by ${error}`);
      });
    },
  );
}

Deno.test("toOnnx() names the ports of a Sequential that was loaded and never run", async () => {
  await registerBackend();
  const dir = Deno.makeTempDirSync();
  await saveLayersModel(sequentialModel(), dir);
  const { model } = await loadLayersModel(dir);
  Deno.removeSync(dir, { recursive: true });
  const { graph } = await toOnnx(model);
  assert.deepEqual([graph.inputs, graph.outputs], [["conv1_input"], ["fc"]]);
});

Deno.test("toOnnx() leaves layers in float that were kept so, weights and all", async () => {
  await registerBackend();
  const { model, islands } = await prepareCalibrated(skipModel(), { recipe: { rules: keepFloat("conv_b", "score") } });
  const exported = await toOnnx(model);
  const { float } = verifyFusion(exported.bytes, exported.graph, { islands });
  const kept = "it was asked to stay in float";
  const found = float.map(({ op, layer, because }) => `${layer} ${op}: ${because}`);
  for (const line of [`conv_b Conv: ${kept}`, `score_linear Gemm: ${kept}`]) {
    assert.ok(found.includes(line), found.join("\n"));
  }
  const x = samplesFor(model, 2);
  const simulated = predict(model, x);
  runExported(exported, x).forEach((values, i) => {
    const { sourceLayer } = model.outputs[i];
    const tolerance = sourceLayer instanceof FakeQuantize ? sourceLayer.readGrid().scale / 2 : 1e-5;
    assert.ok(values.every((value, k) => Math.abs(value - simulated[i][k]) <= tolerance), `output ${i}`);
  });
});

Deno.test("toOnnx() writes integers when quantizers are off, and leaves them as they are", async () => {
  const { model } = await prepareCalibrated(sequentialModel());
  const expected = (await toOnnx(model)).bytes;
  setQatPhase(model, { fakeQuantizing: false });
  const { bytes, graph } = await toOnnx(model);
  assert.deepEqual(bytes, expected);
  assert.ok(graph.nodes.some(({ op }) => op === "QuantizeLinear"));
  assert.ok(quantizedLayersIn(model).every(({ phase }) => phase.fakeQuantizing !== true));
});

Deno.test("toOnnx() refuses a prepared model whose quantizers are off and have seen nothing, by name", async () => {
  const { model } = prepareQat(sequentialModel());
  setQatPhase(model, { fakeQuantizing: false });
  await assert.rejects(toOnnx(model), /"conv1_input_quant".*was never observed/);
  assert.ok(quantizedLayersIn(model).every(({ phase }) => phase.fakeQuantizing !== true));
  await toOnnx(model, { precision: "float32" });
});

Deno.test("toOnnx() holds the file to the table of a target, its own or the one that is asked for", async () => {
  const { model } = await prepareCalibrated(sequentialModel());
  await toOnnx(model, { target: "x86" });
  await assert.rejects(toOnnx(model, { target: "x86-portable" }), {
    name: "RangeError",
    message: /^Cannot write "\w+" for target "x86-portable": its weights are int8 -?\d+ to 127 around 0/,
  });
  await assert.rejects(toOnnx(model, { target: "arm" }), /its activations are uint8/);
  await assert.rejects(toOnnx(model, { format: "qop" as "qdq" }), /Cannot write "\w+" in the form "qop": needed is/);
  await assert.rejects(toOnnx(model, { target: "amd" }), /Cannot quantize for "amd": needed is one of/);
});

Deno.test("toOnnx() says which operators of a file on codes stay between pairs", async () => {
  await registerBackend();
  const layers = [
    tfl.layers.dense({ units: 4, inputShape: [3], name: "fc" }),
    tfl.layers.elu({ name: "elu" }),
    tfl.layers.dense({ units: 2, name: "last" }),
  ];
  const { model } = await prepareCalibrated(seedWeights(tfl.sequential({ name: "mixed", layers })));
  assert.deepEqual(leftInPairs(await toOnnx(model)), []);
  const left = leftInPairs(await toOnnx(model, { format: "qoperator" }));
  assert.deepEqual(left.map(({ op }) => op), ["Elu"]);
});

Deno.test("toOnnx() says in the file what it is, and what its user adds", async () => {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  const about = (bytes: Uint8Array) => {
    const { metadata: { versions, ...metadata }, producer, producerVersion, doc } = decodeModel(bytes);
    assert.deepEqual(Object.keys(JSON.parse(versions)), [producer, "tfjs", "tfjs-layers", "onnxruntime-node"]);
    assert.equal(JSON.parse(versions)[producer], producerVersion);
    return [metadata, doc];
  };
  const by = `by ${MAKER.name} ${MAKER.version}.`;
  assert.deepEqual(about((await toOnnx(model)).bytes), [
    { precision: "int8", target: "x86", format: "qdq", layout: "nhwc" },
    `The TF.js model "seq" in int8 for target "x86", ${by}`,
  ]);
  const [{ format }] = about((await toOnnx(model, { format: "qoperator" })).bytes) as [Record<string, string>, string];
  assert.equal(format, "qoperator");
  const options = {
    precision: "float32",
    inputLayout: "nchw",
    metadata: { a: "1", layout: "mine" },
    doc: "More.",
  } as const;
  assert.deepEqual(about((await toOnnx(model, options)).bytes), [
    { precision: "float32", layout: "mine", a: "1" },
    `The TF.js model "seq" in float32, ${by}\nMore.`,
  ]);
});
