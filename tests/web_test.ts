/**
 * The files in onnxruntime-web, the build of ONNX Runtime for browsers, whose wasm Deno runs as they do: the same codes as
 * in onnxruntime-node.
 *
 * Kernels are the browser's (docs/deploy.md has what was measured there), and there is one thread.
 */
import assert from "node:assert/strict";
import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { relativeError, runExported } from "../export/_test_support.ts";
import { type OnnxModel, toOnnx, type ToOnnxOptions } from "../export/to_onnx.ts";
import { toOrt } from "../export/to_ort.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { exportFor, NETS } from "../quantize/targets/_test_nets.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { testWithShared } from "./_support/shared.ts";
import { randomTensor } from "./_support/small_models.ts";

env.wasm.numThreads = 1;

/** Runs a file in onnxruntime-web, for the outputs of `like`. */
async function runInWeb(
  bytes: Uint8Array,
  { like, inputs }: { readonly like: OnnxModel; readonly inputs: readonly tf.Tensor[] },
): Promise<readonly Float32Array[]> {
  const session = await InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  try {
    const feeds = like.graph.inputs.map((name, i) =>
      [name, new Tensor("float32", inputs[i].dataSync<"float32">(), inputs[i].shape)] as const
    );
    const outputs = await session.run(Object.fromEntries(feeds));
    // Our files give float32.
    return like.graph.outputs.map((name) => outputs[name].data as Float32Array);
  } finally {
    await session.release();
  }
}

/** Asserts that onnxruntime-web answers with the numbers of onnxruntime-node, whatever the form of the file. */
async function assertSameInWeb(model: LayersModel, inputs: readonly tf.Tensor[], target: string): Promise<void> {
  const int8Activations = target === "arm";
  const pairs = await toOnnx(model);
  const node = runExported(pairs, inputs, { int8Activations });
  assert.ok(node.some((values) => new Set(values).size > 3), "all answers are alike");
  const onCodes = await toOnnx(model, { format: "qoperator" });
  const { bytes: packed } = await toOnnx(model, { format: "qoperator", packPixels: true });
  const files = { qoperator: onCodes.bytes, packed, ort: toOrt(pairs.bytes, { int8Activations }) };
  for (const [form, bytes] of Object.entries(int8Activations ? files : { qdq: pairs.bytes, ...files })) {
    assert.deepEqual(await runInWeb(bytes, { like: pairs, inputs }), node, form);
  }
}

/** Nets of which files for ARM are run too: of each kind of kernel one. */
const ON_INT8 = new Set(["conv", "dense", "add", "concat", "average pool", "softmax"]);

for (const target of ["x86", "arm"]) {
  for (const [net, build] of Object.entries(NETS)) {
    if (target === "arm" && !ON_INT8.has(net)) continue;
    Deno.test(`onnxruntime-web has the codes of onnxruntime-node when a file for ${target} is of: ${net}`, async () => {
      const { prepared: { model }, x } = await exportFor(target, build);
      await assertSameInWeb(model, [x], target);
    });
  }
}

testWithShared(
  "onnxruntime-web has the codes of onnxruntime-node in a trained LeNet",
  "models/lenet_mnist",
  async (path) => {
    await registerBackend();
    const { model } = prepareQat((await loadLayersModel(path)).model);
    const inputs = model.inputs.map(({ shape }) => randomTensor(shape.map((dim) => dim ?? 8), 3));
    await calibrate(model, [inputs]);
    await assertSameInWeb(model, inputs, "x86");
  },
);

/** Of the forms of float models, with sums in other orders: how far answers may lie apart. */
const FORMS: readonly (readonly [ToOnnxOptions, number])[] = [
  [{ precision: "dynamic" }, 0.02],
  [{ precision: "weights8" }, 1e-5],
  [{ precision: "weights8", block: 32 }, 0.02],
  [{ precision: "weights4" }, 1e-5],
  [{ precision: "weights4", symmetric: false }, 1e-5],
  [{ precision: "float16" }, 5e-3],
  [{ precision: "float16", half: "weights" }, 1e-5],
];

for (const [options, tolerance] of FORMS) {
  // Convolutions are in blocks nowhere, and in dynamic files float.
  const isAboutConvolutions = options.precision === "float16" || options.precision === "weights8" && !options.block;
  for (const arch of ["lstm", "transformer", ...isAboutConvolutions ? ["cifar_cnn"] : []]) {
    Deno.test(`onnxruntime-web answers as onnxruntime-node does when given ${arch} with ${JSON.stringify(options)}`, async () => {
      await registerBackend();
      const inputShape = arch === "cifar_cnn" ? [32, 32, 3] : [8, 16, 1];
      const model = buildArchitecture(arch, { inputShape, outputs: 10, seed: 1 });
      const file = await toOnnx(model, options);
      const inputs = [randomTensor([3, ...inputShape], 4)];
      const [node] = runExported(file, inputs);
      const [web] = await runInWeb(file.bytes, { like: file, inputs });
      assert.ok(relativeError(web, node) <= tolerance, `${relativeError(web, node)}`);
    });
  }
}
