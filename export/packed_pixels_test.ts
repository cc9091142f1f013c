/** Files whose first convolution reads several pixels as one, in every form of the file: the same answers, all on integers. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import { Session, type SessionOptions } from "../src/runtime/session.ts";
import { targetOf } from "../quantize/targets/mod.ts";
import { randomTensor } from "../tests/_support/small_models.ts";
import { prepareCalibrated } from "./_test_support.ts";
import { leftUnpacked, type OnnxModel, toOnnx, type ToOnnxOptions } from "./to_onnx.ts";
import { verifyFusion } from "./verify.ts";

/** A picture's net, as most begin: a convolution with batch normalization and ReLU, a pool, another convolution. */
function net(seed: number): tfl.LayersModel {
  tf.env().set("PROD", true);
  const { conv2d, batchNormalization, reLU, maxPooling2d, globalAveragePooling2d, dense } = tfl.layers;
  const kernelInitializer = (more: number) => tfl.initializers.glorotUniform({ seed: seed + more });
  return tfl.sequential({
    layers: [
      conv2d({
        filters: 8,
        kernelSize: 3,
        padding: "same",
        useBias: false,
        inputShape: [24, 32, 3],
        kernelInitializer: kernelInitializer(1),
      }),
      batchNormalization(),
      reLU(),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 8, kernelSize: 3, strides: 2, kernelInitializer: kernelInitializer(2) }),
      globalAveragePooling2d({}),
      dense({ units: 4, kernelInitializer: kernelInitializer(3) }),
    ],
  });
}

function answersOf(
  { bytes, graph }: OnnxModel,
  { x, batch, options }: { readonly x: Float32Array; readonly batch: number; readonly options: SessionOptions },
): readonly number[] {
  const session = new Session(bytes, { threads: 1, precise: true, ...options });
  try {
    const [name] = graph.inputs;
    const { dtype } = graph.types.get(name)!;
    const data = dtype === "uint8" ? Uint8Array.from(x, (value) => Math.round(255 * Math.abs(value))) : x;
    const shape = graph.types.get(name)!.shape.map((side, i) => i === 0 ? batch : Number(side));
    return [...session.run({ [name]: { dtype, shape, data } })[graph.outputs[0]].data as Float32Array];
  } finally {
    session.dispose();
  }
}

const FORMS: Readonly<Record<string, ToOnnxOptions>> = {
  "pairs": {},
  "operators on codes": { format: "qoperator" },
  "raw pixels": { pixels: { mean: [0], std: [1] } },
  "raw pixels that are normalized": { pixels: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } },
  "five at once": { fixedBatch: 5 },
  "opset 13": { opset: 13 },
};

for (const target of ["x86", "arm", "x86-u8u8"]) {
  Deno.test(`toOnnx() packs pixels in every form of a file for ${target}, and nothing else comes out`, async () => {
    await registerBackend({ threads: 1 });
    const { model, islands } = await prepareCalibrated(net(3), { target });
    const options = targetOf(target).file?.session ?? {};
    const samples = { x: randomTensor([5, 24, 32, 3], 9).dataSync<"float32">(), batch: 5, options };
    for (const [name, form] of Object.entries(FORMS)) {
      const plain = await toOnnx(model, form);
      const packed = await toOnnx(model, { ...form, packPixels: true, debug: true });
      assert.deepEqual(leftUnpacked(packed), [], name);
      assert.ok(packed.graph.nodes.filter(({ op }) => op === "Reshape").length >= 2, name);
      assert.deepEqual(answersOf(packed, samples), answersOf(plain, samples), name);
      const [before, after] = [plain, packed].map((file) =>
        verifyFusion(file.bytes, file.graph, { islands, ...options }).int8
      );
      assert.deepEqual([after.QLinearConv, after.QGemm], [before.QLinearConv, before.QGemm], name);
    }
    model.dispose();
  });
}

Deno.test("toOnnx() says which pixels stay apart, and why", async () => {
  await registerBackend({ threads: 1 });
  const { model } = await prepareCalibrated(net(4));
  const [left] = leftUnpacked(await toOnnx(model, { packPixels: true, inputLayout: "nchw" }));
  assert.match(left.because, /it does not read the codes of pictures/);
  assert.deepEqual(leftUnpacked(await toOnnx(model, { packPixels: true, precision: "float32" })), []);
  model.dispose();
});
