/** What calibration of a large net on large pictures takes: the same for a thousand of them as for ten. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { buildArchitecture } from "../models/arch/mod.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { randomArray } from "./_support/small_models.ts";

const MB = 2 ** 20;
const SIDE = 224;
const BATCH = 8;

/** Batches that are made when they are asked for. */
function* pictures(count: number) {
  for (let batch = 0; batch < count; batch++) {
    yield { inputs: { image: randomArray(BATCH * SIDE * SIDE * 3, batch) }, size: BATCH };
  }
}

Deno.test("calibrate() by mse takes bounded memory for MobileNetV2 at 224 × 224, however many pictures there are", async () => {
  tf.env().set("PROD", true);
  await registerBackend();
  const net = buildArchitecture("mobilenet_v2", { inputShape: [SIDE, SIDE, 3], outputs: 10, seed: 1 });
  const { model } = prepareQat(net);
  const start = Deno.memoryUsage().rss;
  const seen: number[] = [];
  await calibrate(model, pictures(3), { observer: "mse", onProgress: () => seen.push(Deno.memoryUsage().rss - start) });
  const most = (values: readonly number[]) => Math.max(...values) / MB;
  // 128 MB of values, what ONNX Runtime holds while it computes them, counts of 65 tensors, and garbage, of which there is
  // more or less by when it is collected: 450 to 1,070 MB here.
  assert.ok(most(seen) < 1500, `${most(seen)} MB`);
  // Values of a batch that were kept would be 320 MB more for each.
  const [first, rest] = [seen.slice(0, seen.length / 3), seen.slice(seen.length / 3)].map(most);
  assert.ok(rest < first + 800, `${first} MB, then ${rest} MB`);
});
