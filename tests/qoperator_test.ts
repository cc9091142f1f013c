/** Files of operators on codes against files of Q/DQ pairs, in nets of real use: codes are compared exactly. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { runExported } from "../export/_test_support.ts";
import { leftInPairs, type OnnxModel, toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { testWithShared } from "./_support/shared.ts";
import { randomTensor } from "./_support/small_models.ts";

/** Samples that answers are compared on. */
const SAMPLES = 2;

/** What is claimed of a net. */
interface Claim {
  /** Operators on codes that its file has at least. */
  readonly has: readonly string[];
  /** Operators that stay between pairs. */
  readonly left?: readonly string[];
}

const REAL: Readonly<Record<string, Claim>> = {
  lenet_mnist: { has: ["QLinearConv", "MaxPool", "QGemm", "QLinearSoftmax"] },
  faceapi_expression: { has: ["QLinearConv", "QLinearAdd"] },
  faceapi_tiny_face_detector_leaky: { has: ["QLinearConv"] },
  faceapi_landmark68_tiny: { has: ["QLinearConv", "QLinearAdd"] },
  nsfw_mobilenet_v2: { has: ["QLinearConv", "QLinearAdd", "QGemm", "QLinearSoftmax"] },
};

const BUILT: Readonly<Record<string, Claim>> = {
  tiny_yolo: { has: ["QLinearConv", "MaxPool"] },
  resnet20: { has: ["QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "QGemm"] },
};

for (const [name, claim] of Object.entries(REAL)) {
  testWithShared(`toOnnx() writes ${name} on codes, which are those of its pairs`, `models/${name}`, async (path) => {
    await assertSameCodes(async () => (await loadLayersModel(path)).model, claim);
  });
}

for (const [name, claim] of Object.entries(BUILT)) {
  Deno.test(`toOnnx() writes ${name} on codes, which are those of its pairs`, async () => {
    const build = () => buildArchitecture(name, { inputShape: [32, 32, 3], outputs: 10, head: "softmax", seed: 1 });
    await assertSameCodes(() => Promise.resolve(build()), claim);
  });
}

async function assertSameCodes(build: () => Promise<LayersModel>, { has, left = [] }: Claim): Promise<void> {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const float = await build();
  const { model, islands } = prepareQat(float);
  const samples = (count: number, seed: number) =>
    model.inputs.map(({ shape }, i) => randomTensor(shape.map((dim) => dim ?? count), seed + i));
  await calibrate(model, [samples(SAMPLES, 1)]);
  const [pairs, onCodes] = [await toOnnx(model), await toOnnx(model, { format: "qoperator" })];
  const inputs = samples(SAMPLES, 50);
  const [expected, actual] = [pairs, onCodes].map((file) => runExported(file, inputs));
  assert.deepEqual(actual, expected);
  assert.ok(expected.some((values) => new Set(values).size > 3), "all answers are alike");
  const ops = new Set(onCodes.graph.nodes.map(({ op }) => op));
  assert.deepEqual(has.filter((op) => !ops.has(op)), []);
  assert.deepEqual([...new Set(leftInPairs(onCodes).map(({ op }) => op))], left);
  // ONNX Runtime has nothing to fuse, and computes the same operators.
  const fusions = [pairs, onCodes].map(({ bytes, graph, declined }) =>
    verifyFusion(bytes, graph, { islands, declined })
  );
  assert.deepEqual(fusions[1].int8, fusions[0].int8);
  assert.deepEqual(
    fusions[1].float.map(({ layer, op }) => [layer, op]),
    fusions[0].float.map(({ layer, op }) => [layer, op]),
  );
  assertNoPairs(onCodes);
  model.dispose();
}

/** Asserts that what is dequantized is read by operators that have no form on codes, or is the answer. */
function assertNoPairs({ graph, declined }: OnnxModel): void {
  const left = new Set(declined.map(({ node }) => node));
  const real = new Set(graph.nodes.filter(({ op }) => op === "DequantizeLinear").map(({ outputs }) => outputs[0]));
  for (const { name, op, inputs } of graph.nodes) {
    if (inputs.some((input) => real.has(input))) assert.ok(left.has(name), `${name} (${op}) reads what is dequantized`);
  }
}
