/** What clipping, decay and averages add to a step: epochs of 8 steps of `resnet20` at 32², batches of 64. */
import { registerBackend } from "../src/backend/mod.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import { fit } from "./fit.ts";
import { optimizerFor } from "./optimizers.ts";
import type { UpdateOptions } from "./updates.ts";

const [SIZE, STEPS] = [64, 8];
const batch = {
  inputs: { image: new Float32Array(SIZE * 32 * 32 * 3).map((_, i) => Math.sin(i)) },
  targets: { label: Int32Array.from({ length: SIZE }, (_, i) => i % 10) },
  size: SIZE,
};

await registerBackend();

const WAYS: Readonly<Record<string, UpdateOptions>> = {
  nothing: {},
  clipped: { clipNorm: 1 },
  decayed: { weightDecay: 0.01 },
  averaged: { averageDecay: 0.999 },
  "all three": { clipNorm: 1, weightDecay: 0.01, averageDecay: 0.999 },
};

let without = 0;
for (const [name, updates] of Object.entries(WAYS)) {
  const model = buildArchitecture("resnet20", { inputShape: [32, 32, 3], outputs: 10, seed: 0 });
  const { stepMs } = await fit(model, {
    train: () => Array(STEPS).fill(batch),
    epochs: 4,
    stepsPerEpoch: STEPS,
    optimizer: optimizerFor("adam"),
    ...updates,
  });
  if (name === "nothing") without = stepMs;
  console.log(`${name}: ${stepMs.toFixed(1)} ms a step, ${(stepMs / without).toFixed(3)} of nothing's`);
}
