import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { evaluate } from "../../train/evaluate.ts";
import { fit, type FitOptions } from "../../train/fit.ts";
import { regression, regressionRow } from "./regression.ts";

tf.env().set("PROD", true);

const BATCH = {
  inputs: { x: Float32Array.of(-1, 0, 1, 2) },
  targets: { line: Float32Array.of(-1, -2, 1, 2, 3, 6, 5, 10) },
  size: 4,
};

/** One number in, two out: 2x + 1 and 4x + 2. */
function model(activation: "linear" | "tanh" = "linear"): tfl.LayersModel {
  const dense = tfl.layers.dense({ name: "line", units: 2, inputShape: [1], kernelInitializer: "zeros", activation });
  return tfl.sequential({ name: "net", layers: [dense] });
}

function options(given: Partial<FitOptions> = {}): FitOptions {
  return { train: () => [BATCH], epochs: 1, stepsPerEpoch: 1, optimizer: tf.train.sgd(0.2), ...given };
}

Deno.test("regression() trains towards real numbers and is judged by how near they are", async () => {
  await tf.setBackend("cpu");
  const net = model();
  const task = regression({ unit: "m", columns: ["one", "two"] });
  const { epochs } = await fit(net, options({ epochs: 400, task }));
  // Before the first update all answers are 0: the mean of |targets|.
  assert.deepEqual(epochs[0].metrics, [{ name: "MAE", unit: "m", better: "lower", value: 30 / 8 }]);
  const { metrics, task: bound, answers, targets } = await evaluate(net, [BATCH], { task });
  assert.deepEqual(metrics.map(({ name, unit }) => [name, unit]), [["MAE", "m"], ["RMSE", "m"], ["R²", ""]]);
  assert.ok(metrics[0].value < 1e-4 && metrics[2].value > 0.9999, `${metrics.map(({ value }) => value)}`);
  assert.ok(Math.abs(metrics[0].chance! - (2 + 4) / 2) < 1e-6);
  const [scatter, table] = bound.sections({ answers, targets });
  assert.ok(scatter.kind === "curve" && scatter.series.length === 2 && scatter.series[1].points.length === 4);
  assert.deepEqual(scatter.series[1].points.map(([x]) => x), [-2, 2, 6, 10]);
  assert.ok(table.kind === "table" && table.rows.length === 2);
});

Deno.test("regression() tells columns apart where there are several", () => {
  const shown = (width: number) => {
    const columns = Array.from({ length: width }, (_, i) => `c${i}`);
    const bound = regression({ columns }).bind([{ name: "line", shape: [width] }], "net");
    const values = Float32Array.from({ length: 2 * width }, (_, i) => i);
    const answers = { line: { shape: [2, width], values } };
    return bound.sections({ answers, targets: { line: values } }).map(({ heading }) => heading);
  };
  assert.deepEqual([shown(1).length, shown(2).length], [1, 2]);
  assert.equal(shown(2)[1], "Errors by column");
});

Deno.test("regression() takes any activation at the end of an output for what it says", async () => {
  await tf.setBackend("cpu");
  const { epochs } = await fit(model("tanh"), options({ task: regression() }));
  assert.ok(Number.isFinite(epochs[0].loss));
});

Deno.test("regression() refuses class numbers, targets that are no numbers, and another number of them", async () => {
  await tf.setBackend("cpu");
  const given = (line: Float32Array | Int32Array) =>
    options({ task: regression(), train: () => [{ ...BATCH, targets: { line } }] });
  await assert.rejects(
    fit(model(), given(new Int32Array(8))),
    /are whole numbers \(Int32Array\), needed are real numbers/,
  );
  await assert.rejects(
    fit(model(), given(new Float32Array(8).fill(NaN))),
    /is NaN \(sample 0 .*needed is a finite number/,
  );
  await assert.rejects(fit(model(), given(new Float32Array(4))), /are 4 for a batch of 4, needed are 8 \(2 a sample\)/);
  const columns = ["a", "b", "c"];
  assert.throws(() => regression({ columns }).bind([{ name: "line", shape: [2] }], "net"), {
    name: "TypeError",
    message: 'Cannot train "net" by regression: its output "line" is [?,2], for 3 targets as many are needed',
  });
});

Deno.test("regressionRow starts the bias of a model at the means of the targets", () => {
  const target = { kind: "reals", names: ["a", "b"], values: Float32Array.of(1, 10, 3, 30) } as const;
  assert.deepEqual(regressionRow.bias!(target), [2, 20]);
});
