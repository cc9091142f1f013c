import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { CodeAgreement, Report } from "../report/schema.ts";
import { batches } from "../data/batches.ts";
import { openData } from "../data/open.ts";
import { DeployedModel } from "../export/deployed.ts";
import { topClasses } from "../tasks/classification/accuracy.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { FakeQuantize, registerQuantLayers } from "../src/quant/mod.ts";
import { Session } from "../src/runtime/session.ts";
import { apply, predict, randomTensor, seedWeights } from "../tests/_support/small_models.ts";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { contentsOf, save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { runQat } from "./qat.ts";

const FILES = [
  "float/model.json",
  "float/weights.bin",
  "labels.txt",
  "metrics.csv",
  "model.float.onnx",
  "model.int8.onnx",
  "model.ort",
  "qat/model.json",
  "qat/weights.bin",
  "report.html",
  "report.json",
  "tensorboard/qat/events.out.tfevents.0.tfjs-qat",
];

Deno.test("runQat() writes both files, the trained model and the report", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/a/b`;
    const report = await runQat({ ...SMALL, model, out, epochs: 2 });
    assert.deepEqual(
      Object.keys(contentsOf(out)).filter((path) => !/\/(qat|float|run|tensorboard)$/.test(path)).sort(),
      [...FILES, "run/results.json", "run/run.json"].map((name) => `${out}/${name}`).sort(),
    );
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(`${out}/report.json`)), report);
    assert.match(Deno.readTextFileSync(`${out}/report.html`), /^<!doctype html>/i);
    for (const [name, size] of [["int8", report.bytes!.deployed], ["float", report.bytes!.float]] as const) {
      const bytes = Deno.readFileSync(`${out}/model.${name}.onnx`);
      assert.equal(size, bytes.length);
      assert.deepEqual(decodeModel(bytes).graph.types.get("conv_input")?.shape, ["batch", 8, 8, 3]);
    }
    assertShape(report);
    assert.deepEqual(report.fusion, {
      int8: { QLinearConv: 2, QLinearGlobalAveragePool: 1, QGemm: 1, QLinearSoftmax: 1 },
      moved: { Transpose: 1, Reshape: 1 },
      float: [],
    });
    assert.equal(
      report.command,
      `deno task qat --data generated --limit 40 --batch-size 18 --epochs 2 --lr 0.001 --precise --model ${model} --out ${out}`,
    );
    assert.deepEqual(report.layers?.map(({ name, kind, className }) => `${name} ${kind} ${className}`), [
      "conv weighted Conv2D",
      "bn folded BatchNormalization",
      "act folded Activation",
      "conv2 weighted Conv2D",
      "conv2_relu folded Activation",
      "pool rescale GlobalAveragePooling2D",
      "dense_linear weighted Dense",
      "dense fixed Activation",
    ]);
    const [{ range, scale, zeroPoint, weightError }] = report.layers!;
    assert.deepEqual([range!.min, zeroPoint], [0, 0]);
    assert.ok(Math.abs(range!.max - 255 * scale!) < 1e-6 * range!.max);
    assert.ok(weightError!.sqnrDb! > 40 && weightError!.sqnrDb! < 60);
    const steps = report.floatBefore!.map(({ step, isReference, epochs }) => [step, isReference, epochs]);
    assert.deepEqual(steps, [["original", true, 0]]);
    assert.deepEqual([report.data?.train, report.data?.validation, report.data?.test], [36, 4, 40]);
  }));

/** Every field that a report promises. */
function assertShape(report: Report): void {
  const { schema, task, metrics, agreement, latencyMs, train, versions, seed, files } = report;
  assertFitsSchema(report, ["accuracy"]);
  assert.equal(schema, 5);
  const [{ decoding, ...trained }] = task.outputs;
  assert.deepEqual([task.name, trained], ["classification", { name: "dense", task: "classification" }]);
  assert.equal(Object(decoding).classNames.length, 10);
  const [{ float, simulated, deployed, unrounded, intervals, change, ...metric }] = metrics;
  assert.ok(change!.low <= deployed! - float! && deployed! - float! <= change!.high);
  assert.deepEqual([change!.test, Object.keys(intervals!)], ["mcnemar", [
    "float",
    "simulated",
    "deployed",
    "unrounded",
  ]]);
  for (const [name, value] of Object.entries({ float, simulated, deployed, unrounded })) {
    const { low, high } = intervals![name as keyof typeof intervals];
    assert.ok(low <= value! && value! <= high, name);
  }
  const expected = {
    name: "accuracy",
    output: "dense",
    unit: "fraction",
    better: "higher",
    chance: 0.1,
    count: 40,
  };
  assert.deepEqual([metric, metrics.length], [expected, 1]);
  for (const score of [float, simulated, deployed]) assert.ok(score! >= 0 && score! <= 1);
  assert.deepEqual(report.accuracy, { metric: "accuracy", float, simulated, deployed, samples: 40 });
  const [{ output, count, alike }] = agreement!;
  assert.deepEqual([output, count, agreement!.length], ["dense", 400, 1]);
  assert.deepEqual(report.trainingAgreement!.map(({ output, count }) => [output, count]), [["dense", 400]]);
  assert.ok(alike! >= 0.95 && codesOf(report).maxDifference <= 2);
  assert.deepEqual([latencyMs!.batch, latencyMs!.threads], [1, navigator.hardwareConcurrency]);
  assert.ok(latencyMs!.deployed.p95 >= latencyMs!.deployed.p50);
  assert.deepEqual(
    train.epochs.map(({ epoch, observing, trainingBatchNorm }) => ({ epoch, observing, trainingBatchNorm })),
    [
      { epoch: 1, observing: true, trainingBatchNorm: true },
      { epoch: 2, observing: true, trainingBatchNorm: true },
    ],
  );
  for (const { loss, metrics: [{ name, output, simulated, deployed }], stepMs } of train.epochs) {
    assert.deepEqual([name, output], ["accuracy", "dense"]);
    assert.ok([loss, simulated, deployed, stepMs].every(Number.isFinite));
  }
  // Epochs are chosen by the file, counted from 1; of equals the last.
  const byFile = train.epochs.map(({ metrics: [{ deployed }] }) => deployed!);
  assert.equal(report.bestEpoch, byFile.lastIndexOf(Math.max(...byFile)) + 1);
  assert.ok(train.firstStepMs! > 0 && train.stepMs! > 0 && train.peakRssMb! > 0);
  assert.deepEqual([seed, Object.keys(versions)], [0, ["deno", "tfjs", "tfjs-layers", "onnxruntime-node"]]);
  assert.deepEqual(files!.map(({ path }) => path).sort(), FILES);
}

/** What was compared of the first output, which is on a grid. */
function codesOf({ agreement }: Report): CodeAgreement {
  const first = agreement![0];
  assert.ok(first.compared === "codes");
  return first;
}

Deno.test("runQat() gives the same bytes for one seed and others for another", () =>
  withFolder(async (dir) => {
    const options = { ...SMALL, arch: "tiny_yolo", limit: 32, floatEpochs: 1, adaptEpochs: 1, control: false };
    const [a, b, c] = [`${dir}/a`, `${dir}/b`, `${dir}/c`];
    const first = await runQat({ ...options, out: a });
    const again = await runQat({ ...options, out: b });
    await runQat({ ...options, out: c, seed: 1 });
    // What TensorBoard reads has wall times.
    for (const name of FILES.filter((name) => !/^(report|tensorboard)/.test(name))) {
      const [bytes, same, other] = [a, b, c].map((out) => Deno.readFileSync(`${out}/${name}`));
      assert.deepEqual(bytes, same, name);
      if (!/model\.json$|labels/.test(name)) assert.notDeepEqual(bytes, other, name);
    }
    assert.deepEqual(withoutTimes(first), withoutTimes(again));
  }));

/** The report without what the clock, the memory and the folder decide. */
function withoutTimes({ latencyMs: _, work: ___, train, command: __, options, ...rest }: Report): unknown {
  const epochs = train.epochs.map((epoch) => ({ ...epoch, stepMs: 0 }));
  return { ...rest, epochs, options: { ...options, out: "" } };
}

Deno.test("runQat() names the layers that stay in float, and why", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "elu" }), `${dir}/in`);
    const { fusion, islands } = await runQat({ ...SMALL, model, out: `${dir}/out`, keepFloat: ["conv2"] });
    const because = "ONNX Runtime has no int8 kernel for Elu";
    const reasons = new Map(islands?.map(({ layer, because }) => [layer, because]));
    assert.deepEqual([reasons.get("act"), reasons.get("conv2")], [because, "it was asked to stay in float"]);
    assert.deepEqual(fusion!.int8, {
      QLinearConv: 1,
      QLinearGlobalAveragePool: 1,
      QGemm: 1,
      QLinearSoftmax: 1,
    });
    const floats = fusion!.float.map(({ op, layer, because }) => ({ op, layer, because }));
    // The ReLU behind "conv2" is there no longer: its grid starts at 0, so quantizing clips as it does.
    assert.deepEqual(floats, [
      { op: "Elu", layer: "act", because },
      { op: "Conv", layer: "conv2", because: "it was asked to stay in float" },
    ]);
  }));

Deno.test("runQat() names no layer that was to stay in float and runs in int8 with the same result", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const report = await runQat({ ...SMALL, model, out: `${dir}/out`, keepFloat: ["pool"] });
    const { int8, float } = report.fusion!;
    assert.deepEqual([int8.QLinearGlobalAveragePool, float, report.islands], [1, [], []]);
    assert.ok(codesOf(report).maxDifference <= 1);
  }));

Deno.test("runQat() swaps activations and tells the accuracy before, between and after", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const phases: string[] = [];
    const onPhase = ({ name, epochs, stepsPerEpoch }: { name: string; epochs: number; stepsPerEpoch: number }) => {
      phases.push(`${name} ${epochs}×${stepsPerEpoch}`);
    };
    const report = await runQat({ ...SMALL, model, out: `${dir}/a`, floatEpochs: 2 }, { onPhase });
    assert.deepEqual(phases, ["adapted 2×2", "qat 1×2"]);
    const steps = report.floatBefore!.map(({ step, isReference }) => [step, isReference]);
    assert.deepEqual(steps, [["original", true], ["swapped", false], ["adapted", false]]);
    assert.equal(report.metrics[0].float, report.floatBefore![0].metrics[0].value);
    const swap = report.rewrites.find(({ rule }) => rule === "swap_activation");
    assert.deepEqual([swap?.layer, swap?.ok], ["act", true]);
    const kept = await runQat({ ...SMALL, model, out: `${dir}/b`, swap: "none" });
    assert.equal(kept.fusion!.int8.QLinearLeakyRelu, 1);
    assert.deepEqual(kept.floatBefore!.map(({ step }) => step), ["original"]);
  }));

Deno.test("runQat() measures against a control that is trained as long, with the own activations' beside it", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const phases: string[] = [];
    const onPhase = ({ name, epochs, stepsPerEpoch }: { name: string; epochs: number; stepsPerEpoch: number }) => {
      phases.push(`${name} ${epochs}×${stepsPerEpoch}`);
    };
    const options = { ...SMALL, model, out: `${dir}/a`, floatEpochs: 1, epochs: 2, control: true };
    const report = await runQat(options, { onPhase });
    assert.deepEqual(phases, ["adapted 1×2", "control 2×2", "own-adapted 1×2", "own-control 2×2", "qat 2×2"]);
    const steps = report.floatBefore!.map(({ step, isReference, epochs }) => `${step} ${isReference} ${epochs}`);
    assert.deepEqual(steps, [
      "original false 0",
      "swapped false 0",
      "adapted false 1",
      "control true 3",
      "own-control false 3",
    ]);
    const control = report.floatBefore![3].metrics[0];
    assert.equal(report.metrics[0].float, control.value);
    assert.deepEqual(report.metrics[0].intervals!.float, control.interval);
    assert.equal(Object(report.accuracy).float, control.value);
    assert.match(report.command!, / --control$| --control /);
    const plain = await runQat({ ...SMALL, model, out: `${dir}/b`, swap: "none", control: true }, { onPhase });
    assert.deepEqual(phases.slice(5), ["control 1×2", "qat 1×2"]);
    assert.deepEqual(plain.floatBefore!.map(({ step, epochs }) => [step, epochs]), [["original", 0], ["control", 1]]);
  }));

Deno.test("runQat() scores the float file with its own answers, and the int8 file with its", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const report = await runQat({ ...SMALL, model, out: `${dir}/out`, lr: 0.05, epochs: 2 });
    const data = await openData("generated", { limit: 40, shape: { height: 8, width: 8, channels: 3 } });
    const [batch] = batches(data.test, { batchSize: 40, normalize: data.normalize });
    const shareRight = (name: "int8" | "float") => {
      const file = new DeployedModel(Deno.readFileSync(`${dir}/out/model.${name}.onnx`), { precise: true });
      const answers = file.predict({ conv_input: batch.inputs.image });
      file.dispose();
      const tops = topClasses(Object.values(answers)[0]);
      return tops.reduce((sum, top, i) => sum + Number(top === batch.targets.label[i]), 0) / 40;
    };
    assert.equal(report.metrics[0].deployed, shareRight("int8"));
    assert.equal(report.metrics[0].unrounded, shareRight("float"));
  }));

Deno.test("runQat() measures against the float model as trained when only that was asked for", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const report = await runQat({ ...SMALL, model, out: `${dir}/out`, floatEpochs: 3, floatLr: 0.01 });
    const steps = report.floatBefore!.map(({ step, isReference, epochs }) => [step, isReference, epochs]);
    assert.deepEqual(steps, [["original", false, 0], ["adapted", true, 3]]);
  }));

Deno.test("runQat() writes a TF.js model that loads, answers alike and goes on training", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    await runQat({ ...SMALL, model, out: `${dir}/a` });
    registerQuantLayers();
    const trained = (await loadLayersModel(`${dir}/a/qat`)).model;
    const x = randomTensor([3, 8, 8, 3]);
    const session = new Session(Deno.readFileSync(`${dir}/a/model.int8.onnx`), { precise: true });
    const { dense: { data } } = session.run({
      conv_input: { dtype: "float32", shape: x.shape, data: x.dataSync() },
    });
    session.dispose();
    const output = trained.getLayer(trained.outputNames[0]);
    assert.ok(output instanceof FakeQuantize);
    const { scale } = output.readGrid();
    predict(trained, [x])[0].forEach((value, i) => {
      assert.ok(Math.abs(value - (data as Float32Array)[i]) <= 1.01 * scale, `answer ${i}`);
    });
    const log: string[] = [];
    const again = await runQat({ ...SMALL, model: `${dir}/a/qat`, out: `${dir}/b` }, { log: (line) => log.push(line) });
    assert.ok(log.some((line) => line.includes("is prepared for quantization-aware training already, which goes on")));
    assert.deepEqual(again.fusion!.int8.QLinearConv, 2);
    assert.deepEqual(again.fusion!.float, []);
  }));

Deno.test("runQat() refuses options that come too late for a prepared model", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    await runQat({ ...SMALL, model, out: `${dir}/a` });
    const prepared = `${dir}/a/qat`;
    for (
      const [flag, options] of Object.entries({
        "--keep-float": { keepFloat: ["conv"] },
        "--float-epochs": { floatEpochs: 1 },
        "--adapt-epochs": { adaptEpochs: 1 },
        "--swap": { swap: "relu:relu6" },
        "--per-tensor": { perChannel: false },
        "--control": { control: true },
      })
    ) {
      await assert.rejects(runQat({ ...SMALL, ...options, model: prepared, out: `${dir}/b` }), {
        message:
          `Cannot use ${flag} with "${prepared}": it is prepared for quantization-aware training already, a float model is needed`,
      });
    }
  }));

Deno.test("runQat() uses the last of several outputs and one size where the model takes any", () =>
  withFolder(async (dir) => {
    const input = tfl.input({ shape: [null, null, 3], name: "image" });
    const conv = apply(tfl.layers.conv2d({ filters: 2, kernelSize: 3, strides: 16, name: "conv" }), input);
    const pool = apply(tfl.layers.globalAveragePooling2d({ name: "pool" }), conv);
    const dense = apply(tfl.layers.dense({ units: 10, activation: "softmax", name: "dense" }), pool);
    const open = seedWeights(tfl.model({ inputs: input, outputs: [conv, dense], name: "open" }));
    const model = await save(open, `${dir}/in`);
    const log: string[] = [];
    await runQat({ ...SMALL, model, out: `${dir}/out`, limit: 8, inputLayout: "nchw", opset: 13 }, {
      log: (line) => log.push(line),
    });
    assert.ok(log.includes(`"${model}" has 2 outputs; the last, "dense", is used (--outputs names others).`));
    assert.ok(log.includes(`"${model}" takes images of any size; 224x224 is used.`));
    const { graph, opsets } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
    assert.deepEqual([graph.types.get("image")?.shape, opsets[""]], [["batch", 3, 224, 224], 13]);
  }));

Deno.test("runQat() trains on fewer images than a batch has, and ends with the last epoch where none can be spared", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const log: string[] = [];
    const options = { ...SMALL, model, out: `${dir}/out`, limit: 10, batchSize: 64, perChannel: false, epochs: 2 };
    const report = await runQat(options, { log: (line) => log.push(line) });
    // One image a class.
    assert.deepEqual([report.data?.train, report.data?.validation, report.data?.test], [10, undefined, 10]);
    assert.deepEqual([report.bestEpoch, report.train.epochs.map(({ metrics }) => metrics.length)], [undefined, [0, 0]]);
    const note =
      "10 training samples are too few to put 10 % aside for validation: each training ends with its last epoch.";
    assert.ok(log.includes(note) && log.includes("qat: the last of 2 epochs is taken."), log.join("\n"));
    assertFitsSchema(report, ["accuracy"]);
  }));

Deno.test("runQat() prints the model before and after it is prepared", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const log: string[] = [];
    await runQat({ ...SMALL, model, out: `${dir}/out` }, { log: (line) => log.push(line) });
    const [before, after] = ["Before:", "Prepared for quantization-aware training:"].map((line) => log.indexOf(line));
    assert.ok(before >= 0 && after > before);
    assert.ok(log.slice(before, after).some((line) => /^conv +Conv2D +6×6×4 +\d+$/.test(line)));
    assert.ok(log.slice(after).some((line) => /^conv +Conv2D +6×6×4 +\d+ +int8/.test(line)));
  }));

Deno.test("runQat() writes no results when it is stopped", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const controller = new AbortController();
    const stopped = runQat({ ...SMALL, model, out: `${dir}/new/out` }, {
      onStep: () => controller.abort(new Error("stopped")),
      signal: controller.signal,
    });
    await assert.rejects(stopped, new Error("stopped"));
    assert.deepEqual([...Deno.readDirSync(`${dir}/new/out`)].map(({ name }) => name), ["run"]);
  }));

Deno.test("runQat() keeps no tensor", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const options = { ...SMALL, model, out: `${dir}/out`, floatEpochs: 1 };
    await runQat(options);
    const before = tf.memory().numTensors;
    await runQat(options);
    assert.equal(tf.memory().numTensors, before);
  }));
