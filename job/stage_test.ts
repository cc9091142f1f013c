/** What sets the stages of training apart. */
import assert from "node:assert/strict";
import { planOf } from "./_stage.ts";
import { resolveOptions } from "./options.ts";

const OPTIONS = resolveOptions({
  floatLr: 0.01,
  lr: 0.002,
  floatEpochs: 5,
  adaptEpochs: 3,
  freezeObserversAfter: 2,
  freezeBnAfter: 1,
});

function plan(name: Parameters<typeof planOf>[0]) {
  return planOf(name, { options: { ...OPTIONS, task: "classification" } });
}

Deno.test("trainStage() trains float models at the rate for them, in orders that no stage before has had", () => {
  for (const [name, firstEpoch] of [["float", 0], ["adapted", 5], ["own-adapted", 5]] as const) {
    const { rate, firstEpoch: first } = plan(name);
    assert.deepEqual([name, rate, first], [name, 0.01, firstEpoch]);
  }
});

Deno.test("trainStage() trains the controls at the rate and in the orders of the training that they are a control of", () => {
  for (const name of ["qat", "control", "own-control"] as const) {
    const { rate, firstEpoch } = plan(name);
    assert.deepEqual([name, rate, firstEpoch], [name, 0.002, 8]);
  }
});

Deno.test("trainStage() rounds in quantization-aware training only, and freezes there when it is asked to", () => {
  const at = (epoch: number) => ({ epoch, step: 0, stepsPerEpoch: 10 });
  for (const name of ["float", "adapted", "own-adapted", "control", "own-control"] as const) {
    for (const epoch of [0, 9]) assert.equal(plan(name).schedule(at(epoch)).fakeQuantizing, false);
  }
  const phases = [0, 1, 2].map((epoch) => plan("qat").schedule(at(epoch)));
  assert.ok(phases.every(({ fakeQuantizing }) => fakeQuantizing));
  assert.deepEqual(phases.map(({ observing }) => observing), [true, true, false]);
  assert.deepEqual(phases.map(({ trainingBatchNorm }) => trainingBatchNorm), [true, false, false]);
});
