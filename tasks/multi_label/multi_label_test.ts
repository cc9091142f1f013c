import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { evaluate } from "../../train/evaluate.ts";
import { fit, type FitOptions } from "../../train/fit.ts";
import { multiLabel } from "./multi_label.ts";

tf.env().set("PROD", true);

const BATCH = {
  inputs: { x: Float32Array.of(-1, -1, -1, 1, 1, -1, 1, 1) },
  targets: { labels: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) },
  size: 4,
};

/** Two numbers in, two labels out: whether each is above 0. */
function model(activation: "sigmoid" | "softmax" | "relu" = "sigmoid"): tfl.LayersModel {
  const dense = tfl.layers.dense({ name: "labels", units: 2, inputShape: [2], kernelInitializer: "zeros", activation });
  return tfl.sequential({ name: "net", layers: [dense] });
}

function options(given: Partial<FitOptions> = {}): FitOptions {
  const optimizer = tf.train.sgd(1);
  return { task: multiLabel(), train: () => [BATCH], epochs: 1, stepsPerEpoch: 1, optimizer, ...given };
}

Deno.test("multiLabel() trains a fused sigmoid on its logits, and is judged by F1 and average precision", async () => {
  await tf.setBackend("cpu");
  const net = model();
  const { epochs } = await fit(net, options({ epochs: 50 }));
  assert.ok(Math.abs(epochs[0].loss - Math.log(2)) < 1e-6, `${epochs[0].loss}`);
  assert.ok(epochs[49].loss < 0.1);
  const task = multiLabel({ labels: ["left", "right"] });
  const { metrics, task: bound, answers, targets } = await evaluate(net, [BATCH], { task });
  assert.deepEqual(metrics.map(({ name, value }) => [name, value]), [["F1", 1], ["average precision", 1]]);
  assert.ok(answers.labels.values.every((p) => p > 0 && p < 1));
  const { sameAnswer } = bound.heads.labels;
  assert.deepEqual(
    [[0.6, 0.2], [0.4, 0.2]].map((other) => sameAnswer!(Float32Array.of(0.9, 0.1), Float32Array.from(other))),
    [true, false],
  );
  const [table, curve] = bound.sections({ answers, targets });
  assert.ok(table.kind === "table" && curve.kind === "curve");
  assert.deepEqual(table.rows, [["left", 2, 1, 1], ["right", 2, 1, 1]]);
  assert.deepEqual(curve.series[0].points, [[0.5, 1], [1, 1], [1, 2 / 3], [1, 0.5]]);
});

Deno.test("multiLabel() refuses other ends, targets that are not 0 or 1, and another number of labels", async () => {
  await tf.setBackend("cpu");
  for (const end of ["softmax", "relu"] as const) {
    await assert.rejects(fit(model(end), options()), new RegExp(`its output "labels" ends in ${end} .* sigmoid`));
  }
  const targets = { labels: Float32Array.of(0, 0, 0, 1, 1, 0.5, 1, 1) };
  await assert.rejects(fit(model(), options({ train: () => [{ ...BATCH, targets }] })), {
    message: 'Cannot train "net": a target of output "labels" is 0.5 (sample 2 of its batch), needed is 0 or 1',
  });
  assert.throws(() => multiLabel({ labels: ["a"] }).bind([{ name: "labels", shape: [2] }], "net"), {
    name: "TypeError",
    message: 'Cannot train "net" by multi-label: its output "labels" is [?,2], for 1 labels as many are needed',
  });
});
