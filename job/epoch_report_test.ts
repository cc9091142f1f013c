import assert from "node:assert/strict";
import { describeEpoch } from "./_report.ts";
import type { EpochMetric, StageEpoch } from "./_stage_epoch.ts";

const metric = (value: number): EpochMetric => ({
  name: "accuracy",
  output: "softmax",
  value,
  unit: "fraction",
  better: "higher",
  count: 4,
});

const EPOCH: StageEpoch = {
  endedAt: 0,
  epoch: 2,
  epochs: 4,
  loss: 0.25,
  metrics: [],
  fakeQuantizing: true,
  steps: 3,
  samplesPerSecond: 9,
  observing: true,
  trainingBatchNorm: false,
  stepMs: 7,
  simulated: [metric(0.5), metric(0.75)],
};

Deno.test("describeEpoch() gives each metric its simulated and its deployed value, or the one that there is", () => {
  const { metrics, ...rest } = describeEpoch({ ...EPOCH, deployed: [metric(0.4), metric(0.7)] });
  assert.deepEqual(rest, { epoch: 2, loss: 0.25, observing: true, trainingBatchNorm: false, stepMs: 7 });
  assert.deepEqual(metrics.map(({ simulated, deployed }) => [simulated, deployed]), [[0.5, 0.4], [0.75, 0.7]]);
  const alone = describeEpoch(EPOCH).metrics;
  assert.deepEqual(alone.map((entry) => "deployed" in entry), [false, false]);
  const { simulated: _, ...bare } = EPOCH;
  assert.deepEqual(describeEpoch(bare).metrics, []);
});
