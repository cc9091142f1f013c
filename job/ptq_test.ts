import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import type { Report } from "../report/schema.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { recordOf } from "../quantize/record.ts";
import { FakeQuantize, registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import { layersIn } from "../src/quant/mod.ts";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { seedWeights } from "../tests/_support/small_models.ts";
import { contentsOf, pictures, save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { dryRunPtq, runPtq } from "./ptq.ts";
import type { PtqOptions } from "./ptq_options.ts";
import { runQat } from "./qat.ts";

/** Options of the smallest job. */
const QUICK = { samples: 16, limit: 20, precise: true, threads: 1, overwrite: true } satisfies PtqOptions;

/** Names of the files of a job, without those of the folder's own. */
function filesIn(out: string): readonly string[] {
  return Object.entries(contentsOf(out)).filter(([, what]) => what !== "folder")
    .map(([path]) => path.slice(out.length + 1)).sort();
}

Deno.test("runPtq() calibrates a model and proves its int8 file on test samples", () =>
  withFolder(async (dir) => {
    const out = `${dir}/out`;
    const model = await save(tinyModel(), `${dir}/in`);
    const started = performance.now();
    const report = await runPtq({ ...QUICK, model, calibrate: "generated", data: "generated", out });
    assertFitsSchema(report, ["accuracy"]);
    assert.deepEqual(filesIn(out), [
      "labels.txt",
      "model.float.onnx",
      "model.int8.onnx",
      "model.ort",
      "qat/model.json",
      "qat/weights.bin",
      "report.html",
      "report.json",
    ]);
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(`${out}/report.json`)), report);
    assert.deepEqual([report.deploy, report.data?.test, report.task.name], ["model.int8.onnx", 20, "classification"]);
    const { method, bits, calibration, steps } = report.ptq!;
    assert.deepEqual([method, bits, steps?.filter(({ name }) => name === "adaround")], ["static", 8, []]);
    const { seconds, observers, ...found } = calibration!;
    assert.deepEqual(found, { data: "generated", isDummy: false, samples: 16 });
    assert.ok(seconds > 0 && seconds < (performance.now() - started) / 1000);
    assert.deepEqual(observers, ["histogram"]);
    const [{ float, simulated, deployed, count }] = report.metrics;
    assert.ok([float, simulated, deployed].every((value) => value! >= 0 && value! <= 1) && count === 20);
    const [{ output, simulated: before, deployed: after, samples, of }] = report.sqnr!;
    assert.deepEqual([output, samples, of], ["dense", 20, "test"]);
    assert.ok(before! > 10 && Math.abs(before! - after!) < 0.5, `${before} and ${after} dB`);
    assert.ok(report.fusion!.int8.QLinearConv === 2 && report.fusion!.float.length === 0);
    const resolved = report.recipe!.resolved;
    assert.deepEqual(new Set(resolved.flatMap(({ method = [] }) => method)), new Set(["static"]));
    assert.equal(
      report.command,
      `deno task ptq --samples 16 --limit 20 --precise --threads 1 --overwrite --model ${model} --calibrate generated ` +
        `--data generated --out ${out}`,
    );
  }));

Deno.test("runPtq() judges by noise on the calibration samples where no data is named", () =>
  withFolder(async (dir) => {
    const out = `${dir}/out`;
    const model = await save(tinyModel(), `${dir}/in`);
    const lines: string[] = [];
    const report = await runPtq({ ...QUICK, model, calibrate: "generated", out }, { log: (line) => lines.push(line) });
    assertFitsSchema(report);
    assert.equal(lines.filter((line) => /^Images go in /.test(line)).length, 1);
    assert.deepEqual([report.metrics, report.data, report.task], [[], undefined, { name: "", outputs: [] }]);
    const [{ of, samples }] = report.sqnr!;
    assert.deepEqual([of, samples, report.agreement![0].output], ["calibration", 16, "dense"]);
    assert.match(Deno.readTextFileSync(`${out}/report.html`), /answers with [\d.]+ dB of signal to noise/);
    assert.ok(!filesIn(out).includes("labels.txt"));
  }));

Deno.test("runPtq() judges by 128 of the calibration samples at the most", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const report = await runPtq({ threads: 1, samples: 140, model, calibrate: "generated", out: `${dir}/out` });
    assert.deepEqual([report.ptq!.calibration!.samples, report.sqnr![0].samples], [140, 128]);
  }));

Deno.test("runPtq() says loudly that ranges come from random numbers, and is compared on real samples", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const lines: string[] = [];
    const run = (calibrate: string) =>
      runPtq({ ...QUICK, model, calibrate, data: "generated", normalize: "0..255", out: `${dir}/out` }, {
        log: (line) => lines.push(line),
      });
    const [dummy, real] = [await run("dummy"), await run("generated")];
    assert.ok(lines.some((line) => /^Warning: --calibrate dummy: ranges are found on random numbers/.test(line)));
    assert.deepEqual([dummy.ptq!.calibration!.isDummy, real.ptq!.calibration!.isDummy], [true, false]);
    assert.deepEqual([dummy.sqnr![0].of, real.sqnr![0].of], ["test", "test"]);
    const { formatReport } = await import("../report/terminal/terminal.ts");
    assert.match(formatReport(dummy), /RANGES COME FROM RANDOM NUMBERS/);
    assert.doesNotMatch(formatReport(real), /RANDOM/);
  }));

const METHODS = [
  { options: { method: "weights" }, file: "model.weights8.onnx", precision: "weights8" },
  { options: { method: "weights", bits: 4, block: 16 }, file: "model.weights4.onnx", precision: "weights4" },
  { options: { method: "float16" }, file: "model.float16.onnx", precision: "float16" },
  { options: { method: "dynamic" }, file: "model.int8.onnx", precision: "dynamic" },
] as const;

/** A model whose dense layer has enough weights to be worth rounding. */
function wideModel(): tfl.LayersModel {
  return seedWeights(tfl.sequential({
    name: "wide",
    layers: [
      tfl.layers.flatten({ inputShape: [8, 8, 3], name: "flat" }),
      tfl.layers.dense({ units: 64, activation: "relu", name: "hidden" }),
      tfl.layers.dense({ units: 10, activation: "softmax", name: "dense" }),
    ],
  }));
}

for (const { options, file, precision } of METHODS) {
  Deno.test(`runPtq() writes ${file} by ${Object.values(options).join(" ")}, with no samples to calibrate on`, () =>
    withFolder(async (dir) => {
      const out = `${dir}/out`;
      const model = await save(wideModel(), `${dir}/in`);
      const own = { overwrite: true, threads: 1, precise: true, model, out };
      const report = await runPtq({ ...own, ...options });
      assertFitsSchema(report);
      assert.deepEqual(filesIn(out), [file, "model.float.onnx", "report.html", "report.json"].sort());
      assert.equal(report.deploy, file);
      assert.equal(report.target?.name, "x86");
      const [{ deployed, simulated, of }] = report.sqnr!;
      assert.ok(deployed! > 10 && simulated === undefined && of === "random", `${deployed} dB`);
      assert.ok(report.bytes!.deployed < report.bytes!.float);
      const { decodeModel } = await import("../src/onnx/file/mod.ts");
      assert.equal(decodeModel(Deno.readFileSync(`${out}/${file}`)).metadata?.precision, precision);
      const judged = await runPtq({ ...own, limit: 20, data: "generated", ...options });
      assertFitsSchema(judged, ["accuracy"]);
      const [{ float, simulated: none, deployed: found }] = judged.metrics;
      assert.ok(none === undefined && Math.abs(float! - found!) < 0.3);
    }));
}

Deno.test("runQat() goes on from what was calibrated, by the folder or its model, from the same ranges", () =>
  withFolder(async (dir) => {
    const out = `${dir}/ptq`;
    const model = await save(tinyModel(), `${dir}/in`);
    await runPtq({ ...QUICK, model, calibrate: "generated", data: "generated", out });
    const ranges = await rangesIn(`${out}/qat`);
    assert.ok(ranges.length >= 4);
    for (const from of [out, `${out}/qat`, `${out}/qat/model.json`]) {
      const trained = `${dir}/qat`;
      const report = await runQat({ ...SMALL, model: from, out: trained, freezeObserversAfter: 0, freezeBnAfter: 0 });
      assert.equal(report.train.epochs.length, 1);
      // Training has not observed: the ranges are still those of calibration.
      assert.deepEqual(await rangesIn(`${trained}/qat`), ranges, from);
    }
  }));

async function rangesIn(path: string): Promise<readonly object[]> {
  registerQuantKernels();
  registerQuantLayers();
  const { model } = await loadLayersModel(path);
  assert.equal(recordOf(model)?.layers.find(({ layer }) => layer === "conv")?.method, "qat");
  const ranges = layersIn(model).filter((layer) => layer instanceof FakeQuantize).map((layer) => layer.readGrid());
  model.dispose();
  return ranges;
}

Deno.test("runPtq() keeps LeakyReLU as it is, unless it is asked to swap it", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ activation: "leaky" }), `${dir}/in`);
    const run = (options: PtqOptions) =>
      runPtq({ ...QUICK, model, calibrate: "generated", data: "generated", out: `${dir}/out`, ...options });
    const kept = await run({});
    assert.equal(kept.layers?.find(({ name }) => name === "act")?.className, "LeakyReLU");
    assert.deepEqual(kept.floatBefore?.map(({ step }) => step), ["original"]);
    const swapped = await run({ swap: "leaky_relu:relu" });
    assert.deepEqual(swapped.floatBefore?.map(({ step, isReference }) => [step, isReference]), [
      ["original", true],
      ["swapped", false],
    ]);
    assert.ok(swapped.rewrites.some(({ rule, ok }) => rule === "swap_activation" && ok));
  }));

Deno.test("runPtq() tells of each step that is asked for what it did, and how the model stood before and after", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const options = { equalize: true, correctBias: true, reestimateBn: false };
    const report = await runPtq({ ...QUICK, model, calibrate: "generated", out: `${dir}/out`, ...options });
    const steps = report.ptq!.steps!;
    assert.deepEqual(steps.map(({ name }) => name).filter((name) => /equalize|correct/.test(name)), [
      "equalize",
      "correct-bias",
    ]);
    for (const { samples, before, after, effects, left } of steps) {
      assert.equal(samples, 16);
      assert.deepEqual([before, after].map(({ sqnr }) => sqnr.map(({ output }) => output)), [["dense"], ["dense"]]);
      assert.ok(effects.length + left.length > 0);
    }
    const html = Deno.readTextFileSync(`${dir}/out/report.html`);
    assert.match(html, /<h3>equalize<\/h3>[^]*<h3>correct-bias<\/h3>/);
    assert.match(report.command!, / --equalize --correct-bias --no-reestimate-bn$/);
  }));

Deno.test("runPtq() writes for a target without a file what it simulated, and names nothing to deploy", () =>
  withFolder(async (dir) => {
    const out = `${dir}/out`;
    const model = await save(tinyModel(), `${dir}/in`);
    const report = await runPtq({ ...QUICK, model, calibrate: "generated", out, recipe: "four-bit-weights" });
    assert.deepEqual([report.deploy, report.bytes, report.sqnr![0].deployed], [undefined, undefined, undefined]);
    assert.deepEqual(filesIn(out), [
      "model.float.onnx",
      "qat/model.json",
      "qat/weights.bin",
      "report.html",
      "report.json",
    ]);
  }));

Deno.test("runPtq() gives the same bytes for one seed", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const bytesOf = async (out: string) => {
      await runPtq({ ...QUICK, model, calibrate: "generated", correctBias: true, out });
      return Deno.readFileSync(`${out}/model.int8.onnx`);
    };
    assert.deepEqual(await bytesOf(`${dir}/a`), await bytesOf(`${dir}/b`));
  }));

Deno.test("runPtq() replaces the results of a run when asked to, run and all, and refuses otherwise", () =>
  withFolder(async (dir) => {
    const out = `${dir}/out`;
    const model = await save(tinyModel(), `${dir}/in`);
    await runQat({ ...SMALL, model, out });
    const asked = { ...QUICK, model, calibrate: "generated", out };
    await assert.rejects(runPtq({ ...asked, overwrite: false }), /it has results already \(model\.int8\.onnx\)/);
    await runPtq(asked);
    assert.ok(!filesIn(out).some((name) => /^(run|float)\//.test(name)), filesIn(out).join());
    await assert.rejects(runQat({ resume: out }), /no run was begun there/);
    await runPtq({ overwrite: true, threads: 1, model, method: "float16", out });
    assert.deepEqual(filesIn(out), ["model.float.onnx", "model.float16.onnx", "report.html", "report.json"]);
  }));

Deno.test("runPtq() leaves nothing behind when it is stopped", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const controller = new AbortController();
    const onWork = () => controller.abort(new Error("enough"));
    const asked = { ...QUICK, model, calibrate: "generated", out: `${dir}/out` };
    await assert.rejects(runPtq(asked, { onWork, signal: controller.signal }), /^Error: enough$/);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
  }));

Deno.test("runPtq() tells how much of the calibration is done", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const seen: string[] = [];
    const onWork = ({ name, done, of }: { name: string; done: number; of: number }) =>
      seen.push(`${name} ${done}/${of}`);
    const options = { model, samples: 40, threads: 1, calibrate: "generated", overwrite: true, out: `${dir}/out` };
    await runPtq(options, { onWork });
    assert.deepEqual(seen.filter((line) => line.startsWith("calibrate")), ["calibrate 32/40", "calibrate 40/40"]);
    seen.length = 0;
    await runPtq({ ...options, observer: "auto" }, { onWork });
    assert.deepEqual(seen.filter((line) => line.startsWith("calibrate")), [
      "calibrate 32/80",
      "calibrate 40/80",
      "calibrate 72/80",
      "calibrate 80/80",
    ]);
  }));

Deno.test("dryRunPtq() says what would be quantized, and writes nothing", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const record = await dryRunPtq({
      ...QUICK,
      model,
      calibrate: "generated",
      observer: "min-max",
      keepFloat: ["conv2"],
    });
    const of = (name: string) => record.layers.find(({ layer }) => layer === name);
    assert.deepEqual([of("conv")?.method, of("conv")?.observer], ["static", "min-max"]);
    assert.match(of("conv2")?.float ?? "", /asked/);
    await assert.rejects(dryRunPtq({ model, method: "float16" }), /Cannot use --dry-run with --method float16/);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
  }));

Deno.test("runPtq() calibrates on a folder of pictures that nobody has sorted", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const calibrate = await pictures(`${dir}/photos`, 9);
    const report: Report = await runPtq({ threads: 1, precise: true, model, calibrate, out: `${dir}/out` });
    assert.equal(report.ptq!.calibration!.samples, 9);
  }));

Deno.test("runPtq() calibrates on all pictures of a folder where others judge, sorted or not", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const plain = await pictures(`${dir}/plain`, 9);
    Deno.mkdirSync(`${dir}/sorted`);
    for (const name of ["cats", "dogs"]) await pictures(`${dir}/sorted/${name}`, 6);
    for (const [calibrate, count] of [[plain, 9], [`folder:${dir}/sorted`, 12]] as const) {
      const report = await runPtq({ ...QUICK, model, calibrate, data: "generated", out: `${dir}/out` });
      assert.deepEqual([report.ptq!.calibration!.samples, report.data!.test], [count, 20], calibrate);
    }
  }));

Deno.test("runPtq() calibrates on none of the pictures that judge, however the folder of both is written", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ classes: 2 }), `${dir}/in`);
    Deno.mkdirSync(`${dir}/photos`);
    for (const name of ["cats", "dogs"]) await pictures(`${dir}/photos/${name}`, 10);
    const data = `folder:${dir}/photos`;
    for (const calibrate of [data, `${data}/`, `${data}/../photos`]) {
      const lines: string[] = [];
      const report = await runPtq({ ...QUICK, model, calibrate, data, out: `${dir}/out` }, {
        log: (line) => lines.push(line),
      });
      assert.deepEqual([report.ptq!.calibration!.samples, report.data!.test], [16, 4], calibrate);
      // It is read once.
      assert.equal(lines.filter((line) => line.startsWith("Images of whatever size")).length, 1, calibrate);
    }
  }));

Deno.test("runPtq() reads a folder once that it calibrates on and judges by, and says once how pictures go in", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ classes: 2 }), `${dir}/in`);
    for (const name of ["cats", "dogs"]) await pictures(`${dir}/${name}`, 20);
    Deno.mkdirSync(`${dir}/photos`);
    for (const name of ["cats", "dogs"]) Deno.renameSync(`${dir}/${name}`, `${dir}/photos/${name}`);
    Deno.writeTextFileSync(`${dir}/photos/cats/bad.png`, "no picture");
    const lines: string[] = [];
    const data = `folder:${dir}/photos`;
    const asked = {
      ...QUICK,
      model,
      calibrate: data,
      data,
      limit: 50,
      samples: 50,
      skipBadImages: true,
      out: `${dir}/out`,
    };
    await runPtq(asked, { log: (line) => lines.push(line) });
    assert.equal(lines.filter((line) => /^Left out ".*bad\.png"/.test(line)).length, 1);
    assert.equal(lines.filter((line) => /^Images go in /.test(line)).length, 1);
  }));

Deno.test("runPtq() decodes no more pictures to learn from than it calibrates on, be there a million", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel({ classes: 2 }), `${dir}/in`);
    const photos = `${dir}/photos`;
    for (const name of ["cats", "dogs"]) {
      for (const part of ["train", "test"]) {
        Deno.mkdirSync(`${photos}/${part}`, { recursive: true });
        await pictures(`${dir}/${part}-${name}`, 20);
        Deno.renameSync(`${dir}/${part}-${name}`, `${photos}/${part}/${name}`);
      }
    }
    // What is left out is told, and so which pictures were looked at.
    for (let i = 0; i < 100; i++) Deno.writeTextFileSync(`${photos}/train/cats/bad_${i}.png`, "no picture");
    const lines: string[] = [];
    const asked = { ...QUICK, model, calibrate: `folder:${photos}`, data: `folder:${photos}`, skipBadImages: true };
    const report = await runPtq({ ...asked, limit: 200, samples: 48, out: `${dir}/out` }, {
      log: (line) => lines.push(line),
    });
    const bad = lines.filter((line) => line.startsWith("Left out ")).length;
    assert.ok(bad > 0 && bad + report.ptq!.calibration!.samples <= 48 + 1, `${bad}`);
    assert.equal(report.data!.test, 40);
  }));
