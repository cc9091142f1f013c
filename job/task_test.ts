/** Tasks from the command line's side: tables, targets and outputs. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import sharp from "sharp";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { openData } from "../data/open.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { apply, randomArray, seedWeights } from "../tests/_support/small_models.ts";
import { save, SMALL, withFolder } from "./_test_support.ts";
import { runQat } from "./qat.ts";
import { dealTargets } from "./_task.ts";

const TABLE = {
  // One folder for several jobs.
  overwrite: true,
  limit: 60,
  batchSize: 18,
  epochs: 1,
  floatEpochs: 2,
  precise: true,
  control: false,
};

/** A table of two columns of numbers, and of targets that depend on them. */
function table(header: string, targets: (a: number, b: number) => readonly (number | string)[], count = 80): string {
  const numbers = randomArray(2 * count, 5);
  const lines = Array.from({ length: count }, (_, i) => {
    const [a, b] = [100 * numbers[2 * i], numbers[2 * i + 1]];
    return [a, b, ...targets(a, b)].join();
  });
  return [`a,b,${header}`, ...lines].join("\n");
}

Deno.test("runQat() learns real numbers from rows of numbers, and says how near it comes", () =>
  withFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/line.csv`, table("y_one,y_two", (a, b) => [50 + a / 10, 3 * b]));
    const log: string[] = [];
    const report = await runQat({ ...TABLE, task: "regression", data: `csv:${dir}/line.csv`, out: `${dir}/out` }, {
      log: (line) => log.push(line),
    });
    assertFitsSchema(report, []);
    assert.deepEqual(report.metrics.map(({ name, better, output }) => [name, better, output]), [
      ["MAE", "lower", "dense"],
      ["RMSE", "lower", "dense"],
      ["R²", "higher", "dense"],
    ]);
    const [{ deployed, chance, count }] = report.metrics;
    // Starting at the means of the targets, two epochs cannot be far off; from 0 they would be off by 25.
    assert.ok(deployed! < 1.5 * chance! && count === 16, `${deployed} against ${chance}`);
    assert.deepEqual(report.model?.inputs?.map(({ shape }) => shape), [[2]]);
    assert.deepEqual([report.model?.name, report.data?.facts], ["mlp", ["2 numbers a sample"]]);
    const chosen =
      /^float: epoch [12] of 2 is the best on 6 validation samples, MAE: [\d.]+, RMSE: [\d.]+, R²: -?[\d.]+\.$/;
    assert.ok(log.some((line) => chosen.test(line)), log.join("\n"));
    assert.ok(
      log.some((line) => line.endsWith("54 samples to train on, 6 to choose the best epoch by, 16 to judge by.")),
    );
    assert.equal(report.accuracy, undefined);
    const again = { ...TABLE, task: "regression", data: `csv:${dir}/line.csv`, out: `${dir}/out` };
    await assert.rejects(
      runQat({ ...again, normalize: "0..1" }),
      /^RangeError: Cannot use --normalize with ".*": it is for/,
    );
    await assert.rejects(runQat({ ...again, augment: true }), /Cannot use --augment with/);
    await assert.rejects(runQat({ ...again, outputs: ["dense"] }), /Cannot use --outputs without --model/);
    const { metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
    const { hidden1_input: { kind, columns, mean, std } } = JSON.parse(metadata.inputs);
    assert.deepEqual([kind, columns, mean.length, std.every((x: number) => x > 0)], ["numbers", ["a", "b"], 2, true]);
    assert.ok(!log.some((line) => line.startsWith("float/model.json")), "a plain model needs no word");
    assert.deepEqual(JSON.parse(metadata.outputs).dense.columns, ["y_one", "y_two"]);
    assert.equal(report.sections?.length, 2);
  }));

Deno.test("runQat() learns labels from pictures that a table names", () =>
  withFolder(async (dir) => {
    const lines = ["image,dark,light"];
    for (let i = 0; i < 24; i++) {
      const value = (i * 37) % 256;
      const background = { r: value, g: value, b: value };
      const picture = await sharp({ create: { width: 9, height: 5, channels: 3, background } }).png().toBuffer();
      Deno.writeFileSync(`${dir}/${i}.png`, picture);
      lines.push(`${i}.png,${value < 100 ? 1 : 0},${value > 50 ? 1 : 0}`);
    }
    Deno.writeTextFileSync(`${dir}/tags.csv`, lines.join("\n"));
    const conv = tfl.layers.conv2d({
      filters: 4,
      kernelSize: 3,
      activation: "relu",
      inputShape: [8, 8, 3],
      name: "conv",
    });
    const pool = tfl.layers.globalAveragePooling2d({ name: "pool" });
    const dense = tfl.layers.dense({ units: 2, activation: "sigmoid", name: "tags" });
    const model = await save(seedWeights(tfl.sequential({ layers: [conv, pool, dense] })), `${dir}/in`);
    const options = { ...SMALL, data: `csv:${dir}/tags.csv`, model, out: `${dir}/out`, batchSize: 6 };
    const log: string[] = [];
    const report = await runQat({ ...options, task: "multi-label" }, { log: (line) => log.push(line) });
    assert.deepEqual(report.metrics.map(({ name }) => name), ["F1", "average precision"]);
    assert.deepEqual(report.task.outputs[0].decoding, {
      answer: "labels above the threshold",
      threshold: 0.5,
      labels: ["dark", "light"],
    });
    assert.ok(log.includes("Images of whatever size are made 8x8x3."));
    const { metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
    assert.equal(metadata.task, "multi-label");
    assert.deepEqual(JSON.parse(metadata.inputs), {
      conv_input: { kind: "image", shape: [8, 8, 3], layout: "nhwc", mean: [0.5], std: [0.5] },
    });
    assert.deepEqual(JSON.parse(metadata.outputs), {
      tags: {
        task: "multi-label",
        answer: "labels above the threshold",
        threshold: 0.5,
        labels: ["dark", "light"],
      },
    });
    // The same table by another task: its columns are no class, and the model is no classifier.
    await assert.rejects(runQat(options), /classes stand in one column, it has the targets dark, light/);
    await assert.rejects(runQat({ ...options, targets: ["dark"] }), /its output "tags" ends in sigmoid/);
  }));

Deno.test("runQat() trains on the smallest sets that there are, and says what little they tell", () =>
  withFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/two.csv`, "a,y,split\n1,2,train\n3,4,test\n");
    const log: string[] = [];
    const options = { ...TABLE, out: `${dir}/out`, floatEpochs: 1, control: true };
    const two = await runQat({ ...options, task: "regression", data: `csv:${dir}/two.csv` }, {
      log: (l) => log.push(l),
    });
    assert.deepEqual([two.data?.train, two.data?.validation, two.data?.test], [1, undefined, 1]);
    assert.ok(log.some((line) => line.startsWith("1 training sample is too few to put 10 % aside")), log.join("\n"));
    // Nothing can be said of how sure one sample makes.
    assert.deepEqual([two.metrics[0].intervals, two.metrics[0].change], [{}, undefined]);
    assertFitsSchema(two, []);
    const lines = ["up,train", "down,train", "up,train", "up,val", "down,val", "up,test", "up,test"];
    Deno.writeTextFileSync(`${dir}/own.csv`, ["a,y,split", ...lines.map((line, i) => `${i},${line}`)].join("\n"));
    const own = await runQat({ ...options, data: `csv:${dir}/own.csv` });
    assert.deepEqual([own.data?.train, own.data?.validation, own.data?.test], [3, 2, 2]);
    // All that there is to test by is of one class, which chance would name too.
    assert.equal(own.metrics[0].chance, 1);
    await assert.rejects(
      runQat({ ...options, data: `csv:${dir}/own.csv`, validation: 0.5 }),
      /^RangeError: Cannot use --validation 0\.5 with ".*own\.csv": it has 2 validation samples of its own, needed is no/,
    );
    const none = await runQat({ ...options, data: `csv:${dir}/own.csv`, validation: 0 }, { log: (l) => log.push(l) });
    assert.equal(none.data?.validation, undefined);
    assert.ok(log.includes("No samples are put aside for validation: each training ends with its last epoch."));
  }));

Deno.test("runQat() tells classes apart that a table names", () =>
  withFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/t.csv`, table("y", (a) => [a > 0 ? "plus" : "minus"]));
    const report = await runQat({ ...TABLE, data: `csv:${dir}/t.csv`, out: `${dir}/out` });
    assert.deepEqual([report.metrics[0].name, report.data?.facts?.[0]], ["accuracy", "2 classes"]);
    assert.deepEqual(Object(report.task.outputs[0].decoding).classNames, ["minus", "plus"]);
  }));

Deno.test("runQat() goes on with the task that a prepared model was trained for", () =>
  withFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/line.csv`, table("y_one,y_two", (a, b) => [50 + a / 10, 3 * b]));
    const options = { ...TABLE, data: `csv:${dir}/line.csv` };
    const first = await runQat({ ...options, task: "regression", floatEpochs: 10, floatLr: 0.01, out: `${dir}/a` });
    const again = { ...options, floatEpochs: 0, adaptEpochs: 0, model: `${dir}/a/qat`, out: `${dir}/b` };
    const { task, metrics } = await runQat(again);
    assert.deepEqual([task.name, metrics[0].name], ["regression", "MAE"]);
    // It is fed as it was: from rows that are not standardized it would answer anything.
    assert.ok(metrics[0].float! < 2 * first.metrics[0].simulated!, `${metrics[0].float}`);
    Deno.writeTextFileSync(`${dir}/c.csv`, table("c,y_one,y_two", (a, b) => [a, a, b]));
    await assert.rejects(
      runQat({ ...again, data: `csv:${dir}/c.csv` }),
      /its columns are a, b, c, the model was trained on a, b/,
    );
  }));

/** Two outputs after one dense layer: "near", one number, and "far", two, through a fused tanh. */
function twoOutputs(): tfl.LayersModel {
  const input = tfl.input({ shape: [2], name: "numbers" });
  const hidden = apply(tfl.layers.dense({ units: 8, activation: "relu", name: "hidden" }), input);
  const outputs = [
    apply(tfl.layers.dense({ units: 1, name: "near" }), hidden),
    apply(tfl.layers.dense({ units: 2, activation: "tanh", name: "far" }), hidden),
  ];
  return seedWeights(tfl.model({ inputs: input, outputs, name: "two" }));
}

Deno.test("runQat() trains the outputs that are named, and deals the targets out to them", () =>
  withFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/t.csv`, table("y1,y2,y3", (a, b) => [b, a / 100, b / 2]));
    const model = await save(twoOutputs(), `${dir}/in`);
    const options = {
      ...TABLE,
      floatEpochs: 0,
      task: "regression",
      data: `csv:${dir}/t.csv`,
      model,
      out: `${dir}/out`,
    };
    const log: string[] = [];
    const both = await runQat({ ...options, outputs: ["far", "near"] }, { log: (line) => log.push(line) });
    assert.ok(!log.some((line) => line.includes("the last")));
    assert.deepEqual(both.metrics.filter(({ name }) => name === "MAE").map(({ output }) => output), [
      "near",
      "far",
    ]);
    assert.deepEqual(both.agreement?.map(({ output, compared }) => [output, compared]), [
      ["near", "codes"],
      ["far", "codes"],
    ]);
    assert.match(both.command ?? "", /--outputs far,near/);
    Deno.writeTextFileSync(`${dir}/two.csv`, table("left,right", (a, b) => [a / 100, b / 2]));
    const two = { ...options, data: `csv:${dir}/two.csv`, targets: ["left", "right"] };
    const last = await runQat(two, { log: (line) => log.push(line) });
    assert.deepEqual(last.task.outputs.map(({ name }) => name), ["far"]);
    assert.ok(log.includes(`"${model}" has 2 outputs; the last, "far", is used (--outputs names others).`));
    await assert.rejects(
      runQat({ ...two, outputs: ["far", "near"] }),
      /its outputs have 3 numbers \(1 of "near", 2 of "far"\), the data has 2 targets/,
    );
    await assert.rejects(
      runQat({ ...options, outputs: ["fear"] }),
      /outputs of .* "fear": needed is one of near, far \(did you/,
    );
  }));

Deno.test("dealTargets() gives each output its columns, in the model's order", async () => {
  await registerBackend();
  const columns = { kind: "reals", names: ["p", "q", "r"], values: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
  const half = { name: "set", count: 2, inputs: {}, targets: { target: columns } };
  const opened = { ...await openData("generated", { limit: 1 }), train: half, test: half };
  const { train: { targets }, test } = dealTargets(opened, twoOutputs(), { task: "regression", name: "two" });
  assert.deepEqual(targets, {
    near: { kind: "reals", names: ["p"], values: Float32Array.of(1, 4) },
    far: { kind: "reals", names: ["q", "r"], values: Float32Array.of(2, 3, 5, 6) },
  });
  assert.deepEqual(test.targets, targets);
});

Deno.test("runQat() says of a model that is no classifier what it is, and that there are other tasks", () =>
  withFolder(async (dir) => {
    const landmarks = (units: number) =>
      save(
        seedWeights(tfl.sequential({
          layers: [
            tfl.layers.flatten({ inputShape: [4, 4, 3], name: "flat" }),
            tfl.layers.dense({ units, name: "points" }),
          ],
        })),
        `${dir}/in`,
      );
    for (const units of [136, 1]) {
      await assert.rejects(runQat({ ...SMALL, model: await landmarks(units), out: `${dir}/out` }), {
        name: "TypeError",
        message: `Cannot train "${dir}/in/model.json" by classification: its output "points" is [?,${units}], ` +
          `for 10 classes [?,10] is needed; if it is no classifier, another task is`,
      });
    }
  }));

Deno.test("runQat() tells that images are made to fit the model", () =>
  withFolder(async (dir) => {
    const log: string[] = [];
    const dense = tfl.layers.dense({ units: 10, activation: "softmax", name: "fc" });
    const flat = tfl.layers.flatten({ inputShape: [6, 5, 1], name: "flat" });
    const model = await save(seedWeights(tfl.sequential({ layers: [flat, dense] })), `${dir}/in`);
    await runQat({ ...SMALL, model, out: `${dir}/out` }, { log: (line) => log.push(line) });
    assert.ok(log.includes("Images of 32x32x3 are made 6x5x1, as the model takes them."));
    // TF.js reads what it wrote without layers of ours, which is nothing to tell.
    assert.ok(!log.some((line) => line.startsWith("float/model.json")), log.join("\n"));
  }));
