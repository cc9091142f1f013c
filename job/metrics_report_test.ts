import assert from "node:assert/strict";
import { bindTasks } from "../tasks/bind.ts";
import { defaultTask } from "../tasks/mod.ts";
import { measureAll } from "../tasks/task.ts";
import type { Evaluation } from "../train/evaluate.ts";
import type { JudgedStep } from "./_job.ts";
import { describeModels } from "./_metrics_report.ts";

const LABELS = [0, 1, 1, 0, 1, 0, 0, 1];
const task = bindTasks({ task: defaultTask() }, { outputs: [{ name: "y", shape: [2] }], model: "net" });

/** A model that answers the first `right` of eight samples rightly; of fewer samples the first. */
function answering(right: number, count = 8): Evaluation {
  const values = Float32Array.from({ length: 2 * count }, (_, i) => {
    const [sample, column] = [Math.floor(i / 2), i % 2];
    return (column === LABELS[sample]) === (sample < right) ? 0.9 : 0.1;
  });
  const judged = {
    answers: { y: { values, shape: [count, 2] } },
    targets: { y: Int32Array.from(LABELS.slice(0, count)) },
  };
  return { ...judged, metrics: measureAll(task, judged), count, task };
}

/** Which float model quantization is measured against. */
function referenceAmong(...steps: readonly JudgedStep["step"][]) {
  const float = steps.map((step, i) => ({ step, epochs: i, judged: answering(i + 1) }));
  const { metrics, floatBefore } = describeModels({ float, simulated: answering(7), deployed: answering(8) });
  const [reference, ...others] = floatBefore.filter(({ isReference }) => isReference);
  assert.equal(others.length, 0);
  assert.equal(metrics[0].float, (steps.indexOf(reference.step) + 1) / 8);
  assert.deepEqual([metrics[0].simulated, metrics[0].deployed], [7 / 8, 1]);
  return reference.step;
}

Deno.test("describeModels() measures against the control, else the net as its user knows it, else the last float model", () => {
  assert.equal(referenceAmong("original", "swapped", "adapted", "control", "own-control"), "control");
  assert.equal(referenceAmong("original", "control"), "control");
  assert.equal(referenceAmong("original", "swapped", "adapted"), "original");
  assert.equal(referenceAmong("original", "swapped"), "original");
  assert.equal(referenceAmong("original", "adapted"), "adapted");
  assert.equal(referenceAmong("original"), "original");
});

Deno.test("describeModels() keeps which samples the last form of the model hit, of one sample too", () => {
  const kept = (count: number, ...right: readonly number[]) => {
    const [float, simulated, deployed] = right.map((right) => answering(right, count));
    const forms = { ...(simulated && { simulated }), ...(deployed && { deployed }) };
    const { kept } = describeModels({ float: [{ step: "original", epochs: 0, judged: float }], ...forms });
    return kept?.kind === "hits" ? [...kept.hits] : kept;
  };
  assert.deepEqual(kept(4, 4, 0, 2), [1, 1, 0, 0]);
  assert.deepEqual(kept(4, 4, 1), [1, 0, 0, 0]);
  assert.deepEqual(kept(4, 3), [1, 1, 1, 0]);
  assert.deepEqual(kept(1, 0, 0, 1), [1]);
});
