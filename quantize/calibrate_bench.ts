/**
 * Calibration of MobileNetV2 on 8 pictures of 224 × 224, by every observer, against running the float model alone:
 * `deno bench --no-prompt --allow-read --allow-ffi quantize/calibrate_bench.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { buildArchitecture } from "../models/arch/mod.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { OBSERVER_NAMES, type ObserverName, setQatPhase } from "../src/quant/mod.ts";
import { calibrate } from "./calibrate.ts";
import { prepareQat } from "./prepare.ts";

const SHAPE = [8, 224, 224, 3];

await registerBackend();
const net = buildArchitecture("mobilenet_v2", { inputShape: SHAPE.slice(1), outputs: 1000, seed: 1 });
const { model } = prepareQat(net);
const pictures = tf.randomUniform(SHAPE, -1, 1, "float32", 1);

Deno.bench("the float model alone", { group: "calibrate", baseline: true, n: 5, warmup: 2 }, () => {
  setQatPhase(model, { fakeQuantizing: false });
  tf.tidy(() => void (model.predictOnBatch(pictures) as tf.Tensor).dataSync());
  setQatPhase(model, { fakeQuantizing: true });
});

for (const observer of OBSERVER_NAMES as readonly ObserverName[]) {
  Deno.bench(observer, { group: "calibrate", n: 5, warmup: 2 }, async () => {
    await calibrate(model, [pictures], { observer, values: "float" });
  });
}
