import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { seedWeights } from "../tests/_support/small_models.ts";
import { makeFloatModel } from "./_float.ts";
import type { QatOptions } from "./options.ts";
import { pointsJob, save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { runQat } from "./qat.ts";

/** Two layers with an activation between them. */
function netWith(activation: tfl.layers.Layer): tfl.Sequential {
  return seedWeights(tfl.sequential({
    name: "net",
    layers: [
      tfl.layers.dense({ units: 3, inputShape: [2], name: "hidden" }),
      activation,
      tfl.layers.dense({ units: 2, activation: "softmax", name: "fc" }),
    ],
  }));
}

const relu = () => tfl.layers.reLU({ name: "act" });
const leaky = () => tfl.layers.leakyReLU({ name: "act" });

/** The stages that making a float model goes through, and the models that come of it with their epochs. */
async function stagesOf(activation: tfl.layers.Layer, options: QatOptions) {
  const job = await pointsJob({ data: "generated", batchSize: 16, epochs: 3, ...options });
  const stages: string[] = [];
  const onPhase = ({ name, epochs }: { name: string; epochs: number }) => stages.push(`${name} ${epochs}`);
  const { kept } = await makeFloatModel(netWith(activation), { ...job, events: { onPhase } });
  return { stages, kept: kept.map(({ step, epochs }) => `${step} ${epochs}`) };
}

Deno.test("makeFloatModel() trains what has no weights yet, swaps, adapts, and controls both nets for as long", async () => {
  const options = { floatEpochs: 2, adaptEpochs: 1 };
  assert.deepEqual(await stagesOf(leaky(), { ...options, control: true }), {
    stages: ["float 2", "adapted 1", "control 3", "own-adapted 1", "own-control 3"],
    kept: ["original 2", "swapped 2", "adapted 3", "control 6", "own-control 6"],
  });
  assert.deepEqual(await stagesOf(leaky(), { ...options, control: false }), {
    stages: ["float 2", "adapted 1"],
    kept: ["original 2", "swapped 2", "adapted 3"],
  });
});

Deno.test("makeFloatModel() swaps nothing where there is nothing to swap, or nobody wants it", async () => {
  const options = { floatEpochs: 1, adaptEpochs: 5, control: true };
  const plain = { stages: ["float 1", "control 3"], kept: ["original 1", "control 4"] };
  assert.deepEqual(await stagesOf(relu(), options), plain);
  assert.deepEqual(await stagesOf(leaky(), { ...options, swap: "none" }), plain);
});

Deno.test("makeFloatModel() trains a loaded model on only if it is asked to, and then behind the swap", async () => {
  const model = { model: "net" };
  assert.deepEqual(await stagesOf(relu(), { ...model, control: false }), { stages: [], kept: ["original 0"] });
  assert.deepEqual(await stagesOf(relu(), { ...model, floatEpochs: 2, control: false }), {
    stages: ["float 2"],
    kept: ["original 0", "adapted 2"],
  });
  assert.deepEqual(await stagesOf(leaky(), { ...model, floatEpochs: 2, adaptEpochs: 0, control: true }), {
    stages: ["control 3", "own-control 3"],
    kept: ["original 0", "swapped 0", "control 3", "own-control 3"],
  });
});

Deno.test("makeFloatModel() swaps gradually where it is told to, and ends in the activation that was wanted", async () => {
  const lines: string[] = [];
  const options = { data: "generated", batchSize: 16, epochs: 1, floatEpochs: 0, adaptEpochs: 2, swapEpochs: 1 };
  const job = await pointsJob({ ...options, control: false });
  const made = await makeFloatModel(netWith(leaky()), { ...job, log: (line) => lines.push(line) });
  assert.equal(made.model.getLayer("act").getClassName(), "ReLU");
  assert.deepEqual(made.kept.map(({ step }) => step), ["original", "swapped", "adapted"]);
  assert.ok(
    lines.some((line) => line === "Activations are swapped gradually, over the first 1 epoch of 2."),
    lines.join(),
  );
  // Of as many epochs at once: other steps.
  const { model } = await makeFloatModel(
    netWith(leaky()),
    await pointsJob({ ...options, swapEpochs: 0, control: false }),
  );
  assert.notDeepEqual(model.getWeights()[0].dataSync(), made.model.getWeights()[0].dataSync());
});

Deno.test("runQat() with patience trains the control for as long as the training that it is a control of", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    // Nothing is learned, so no epoch is better than the first.
    const still = { optimizer: "sgd", lr: 1e-30, floatLr: 1e-30, freezeObserversAfter: 0, freezeBnAfter: 0 };
    const phases: string[] = [];
    const report = await runQat({
      ...SMALL,
      ...still,
      model,
      control: true,
      floatEpochs: 3,
      epochs: 6,
      patience: 2,
      out: `${dir}/out`,
    }, { onPhase: ({ name, epochs }) => phases.push(`${name} ${epochs}`) });
    const ran = report.train.epochs.length;
    assert.equal(ran, 3);
    const lines = Deno.readTextFileSync(`${dir}/out/metrics.csv`).split("\r\n").slice(1, -1);
    const count = (stage: string) => lines.filter((line) => line.startsWith(`${stage},`)).length;
    assert.deepEqual([count("qat"), count("control"), count("own-control")], [ran, ran, ran]);
    assert.deepEqual([count("adapted"), count("own-adapted")], [3, 3]);
    assert.deepEqual(phases, ["adapted 3", "qat 6", `control ${ran}`, "own-adapted 3", `own-control ${ran}`]);
    assert.deepEqual(report.floatBefore?.map(({ step, epochs }) => [step, epochs]).at(-1)?.[1], 3 + ran);
  }));
