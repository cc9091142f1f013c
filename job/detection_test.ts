/** Detection from the command line's side: boxes of shapes in generated pictures. */
import { bytesOf } from "../data/pixels.ts";
import assert from "node:assert/strict";
import { ANCHORS, CLASSES, SIDE, smallDetector } from "./_test_detector.ts";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { DeployedModel } from "../export/deployed.ts";
import { openData } from "../data/open.ts";
import { findAnchors, PUBLISHED_ANCHORS } from "../models/anchors.ts";
import { detectionOf } from "../models/detection.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import type { Report } from "../report/schema.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { boxesInPicture, readFileDecoding } from "../tasks/mod.ts";
import { countSame, pairBoxes } from "../tasks/detection/same_boxes.ts";
import { anchorsFor } from "./anchors.ts";
import { debugModel } from "./debug.ts";
import { buildModel } from "./_model.ts";
import { resolveOptions } from "./options.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";
import { save, SMALL, withFolder } from "./_test_support.ts";

const JOB = { ...SMALL, data: "generated:shapes", task: "detection", limit: 40, batchSize: 8 };

Deno.test("runQat() learns to find shapes, and tells how its file's answers are read", () =>
  withFolder(async (dir) => {
    const model = await save(smallDetector(), `${dir}/in`);
    const training = { limit: 100, floatEpochs: 15, adaptEpochs: 1, floatLr: 1e-2, swap: "none", appendDecoding: true };
    const report = await runQat({ ...JOB, ...training, model, out: `${dir}/out` });
    assertFitsSchema(report, []);
    const [first, , , ...others] = report.metrics;
    assert.deepEqual([first.name, ...others.map(({ name }) => name)], ["mAP@0.5", "precision", "recall", "F1"]);
    const { metrics: [trained] } = report.floatBefore!.at(-1)!;
    assert.ok(trained.value! > 0.08 && first.deployed! > trained.value! / 2, `${trained.value}, ${first.deployed}`);
    assert.ok(first.intervals!.deployed!.low < first.deployed! && first.change !== undefined);
    const { metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
    const decoding = readFileDecoding(JSON.parse(metadata.outputs))!;
    assert.deepEqual(decoding.classes, ["circle", "square", "triangle"]);
    assert.deepEqual(decoding.grids.grids.map(({ anchors }) => anchors.map(([w]) => Math.round(w * SIDE))), [
      [16, 26],
      [8, 12],
    ]);
    // The threshold was chosen by validation samples.
    assert.equal(decoding.options.scoreThreshold, report.task.outputs[0].decoding?.scoreThreshold);
    assert.deepEqual(Deno.readTextFileSync(`${dir}/out/labels.txt`), "circle\nsquare\ntriangle\n");
    assertSaysThresholds(report);
    await assertReads(`${dir}/out`);
    const chosen = { data: JOB.data, task: "detection", limit: 8, samples: 8, scoreThreshold: 0.02, nmsIou: 0.3 };
    await runPtq({ ...chosen, model: `${dir}/out/float/model.json`, out: `${dir}/chosen`, appendNms: true });
    await assertChooses(`${dir}/chosen`);
  }));

/** Returns what a curve has at a place that is one of its points. */
function valueAt(points: readonly (readonly [x: number, y: number])[], at: number): number {
  return points.find(([x]) => x === at)![1];
}

/** Asserts that the curves of F1 have, at the score that is named for a model, what the metrics say of it. */
function assertSaysThresholds({ sections = [], metrics }: Report): void {
  const curve = sections.find(({ heading }) => heading === "F1 over the threshold");
  assert.ok(curve?.kind === "curve");
  const { lead, series } = curve;
  const said = [...lead.matchAll(/at (0\.\d+)(?: for ([a-z ]+))?/g)];
  const f1 = metrics.find(({ name }) => name === "F1")!;
  for (const model of ["float", "simulated", "deployed"] as const) {
    const [, score] = said.find(([, , of]) => of === undefined || of.split(" and ").includes(model))!;
    const value = valueAt(series.find(({ name }) => name === model)!.points, Number(score));
    assert.ok(Math.abs(value - f1[model]!) < 1e-6, `${model}: ${value} at ${score}, ${f1[model]}`);
  }
}

/** The first picture to judge by, as files take it. */
async function firstPicture(): Promise<Float32Array> {
  const shape = { height: SIDE, width: SIDE, channels: 3 };
  const { test: { inputs: { image } } } = await openData("generated:shapes", { limit: 1, shape });
  assert.ok(image.kind === "pictures");
  return Float32Array.from(bytesOf(image.bytes), (byte) => byte / 255);
}

/** What a file answers to that picture, and what it says of its outputs. */
async function answersOf(file: string) {
  const bytes = Deno.readFileSync(file);
  const model = new DeployedModel(bytes, { precise: true });
  const answers = model.predict({ image: await firstPicture() });
  model.dispose();
  return { answers, said: JSON.parse(decodeModel(bytes).metadata.outputs) };
}

const PLACED = { left: 0, top: 0, width: SIDE, height: SIDE, original: { width: SIDE, height: SIDE } };

/** Asserts that a file which leaves out boxes itself tells those that a program reads of the one which does not. */
async function assertChooses(dir: string): Promise<void> {
  const { answers, said } = await answersOf(`${dir}/model.int8.onnx`);
  const read = boxesInPicture(answers, readFileDecoding(said)!, PLACED);
  assert.ok(read.length > 1);
  const { answers: { detections: { values, shape } }, said: { detections } } = await answersOf(
    `${dir}/model.boxes.onnx`,
  );
  const { classes, scoreThreshold, nmsIou } = detections;
  assert.deepEqual([classes.length, scoreThreshold, nmsIou, shape], [CLASSES, 0.02, 0.3, [1, 90 * CLASSES, 6]]);
  const found = Array.from({ length: shape[1] }, (_, row) => {
    const [left, top, right, bottom, score, label] = values.subarray(6 * row, 6 * row + 6);
    return { left, top, right, bottom, score, label };
  }).filter(({ score }) => score > 0);
  // Scores of integers are often equal, and then it is the processor's rounding that decides between two boxes.
  const pairs = pairBoxes(found, read, 0.99);
  const { same, of } = countSame([found], [read], 0.99);
  assert.ok(same >= 0.9 * of, `${same} of ${of} boxes`);
  pairs.forEach((partner, i) => assert.ok(partner < 0 || Math.abs(found[i].score - read[partner].score) < 1e-3));
}

/** Asserts that a program reads boxes of a file's answers, and that they are those that the file which decodes gives. */
async function assertReads(dir: string): Promise<void> {
  const { answers, said } = await answersOf(`${dir}/model.int8.onnx`);
  const decoding = { ...readFileDecoding(said)!, options: { scoreThreshold: 0.01, nmsIou: 1 } };
  const placed = { ...PLACED, original: { width: 10 * SIDE, height: 5 * SIDE } };
  const read = boxesInPicture(answers, decoding, placed);
  assert.ok(read.length > 0);
  const { answers: { boxes, scores }, said: { scores: { classes } } } = await answersOf(`${dir}/model.boxes.onnx`);
  assert.deepEqual([boxes.shape, scores.shape, classes], [[1, 90, 4], [1, 3, 90], decoding.classes]);
  const made = [...scores.values].flatMap((score, i) => {
    const [left, top, right, bottom] = boxes.values.subarray(4 * (i % 90), 4 * (i % 90) + 4);
    const box = [10 * left, 5 * top, 10 * right, 5 * bottom];
    return score > 0.01 ? [{ box, label: Math.floor(i / 90), score }] : [];
  }).sort((a, b) => b.score - a.score);
  assert.deepEqual(made.map(({ label }) => label).toSorted(), read.map(({ label }) => label).toSorted());
  for (const { left, top, right, bottom, label, score } of read) {
    const isSame = (a: number, b: number) => Math.abs(a - b) < 1e-2;
    assert.ok(made.some((other) =>
      other.label === label && isSame(other.score, score) &&
      [left, top, right, bottom].every((value, k) => isSame(value, other.box[k]))
    ));
  }
}

Deno.test("buildModel() builds a detector of the size and with the anchors that are asked for", () =>
  withFolder(async (dir) => {
    const shape = { height: 64, width: 64, channels: 3 };
    const data = await openData("generated:shapes", { limit: 20, shape, targets: "boxes" });
    const anchorsOf = async (anchors?: string) => {
      const options = resolveOptions({ arch: "yolov3_tiny", ...(anchors === undefined ? {} : { anchors }) });
      const model = await buildModel({ ...options, task: "detection" }, data);
      assert.deepEqual(model.inputs[0].shape, [null, 64, 64, 3]);
      const known = detectionOf(model)!;
      assert.deepEqual(
        model.outputs.map(({ shape }) => shape),
        known.anchors.map(({ length }, i) => [null, 2 << i, 2 << i, length * (5 + CLASSES)]),
      );
      model.dispose();
      return known.anchors;
    };
    const file = `${dir}/anchors.json`;
    Deno.writeTextFileSync(file, JSON.stringify([[[20, 20]], [[10, 12], [8, 8]]]));
    assert.deepEqual(await anchorsOf(file), [[[20, 20]], [[10, 12], [8, 8]]]);
    assert.deepEqual(await anchorsOf("published"), PUBLISHED_ANCHORS.yolov3_tiny);
    const [target] = Object.values(data.train.targets);
    assert.ok(target.kind === "boxes");
    const rows = Array.from({ length: target.values.length / 6 }, (_, i) => [...target.values.slice(6 * i, 6 * i + 6)]);
    const sizes = rows.filter((row) => row[4] >= 0).map(([, , w, h]) => [64 * w, 64 * h] as const);
    assert.deepEqual(await anchorsOf(), findAnchors(sizes, { counts: [3, 3], seed: 0 }));
    // Of too few boxes none can be found: the published ones will do, unless others were asked for.
    const few = { ...target, values: target.values.map((value, i) => i % 6 === 4 && i > 24 ? -1 : value) };
    const targets = { target: few, inputSize: [64, 64] as const, published: PUBLISHED_ANCHORS.yolov3_tiny, seed: 0 };
    assert.equal(await anchorsFor(undefined, targets), PUBLISHED_ANCHORS.yolov3_tiny);
    await assert.rejects(anchorsFor("auto", targets), /^RangeError: Cannot find 6 anchors/);
  }));

Deno.test("runQat() judges and exports a detector at another size than it was trained at", () =>
  withFolder(async (dir) => {
    const model = await save(smallDetector(), `${dir}/in`);
    const report = await runQat({ ...JOB, model, limit: 16, floatEpochs: 0, evalSize: 96, out: `${dir}/out` });
    const { outputs: [coarse, fine] } = report.task;
    assert.deepEqual([coarse.decoding?.grid, fine.decoding?.grid], [[6, 6], [12, 12]]);
    assert.deepEqual([coarse.decoding?.anchors, coarse.decoding?.input], [ANCHORS[0], [96, 96]]);
    const { graph, metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
    assert.deepEqual(graph.types.get("image")?.shape.slice(1), [96, 96, 3]);
    assert.deepEqual(JSON.parse(metadata.inputs).image.shape, [96, 96, 3]);
    const { model: trained } = await loadLayersModel(`${dir}/out/qat/model.json`);
    assert.deepEqual(trained.inputs[0].shape, [null, SIDE, SIDE, 3]);
    trained.dispose();
    const [{ alike }] = report.agreement!;
    assert.ok(alike === undefined || alike > 0.5);
  }));

Deno.test("jobs refuse sides of pictures that the cells of a detector do not divide, and name those that fit", () =>
  withFolder(async (dir) => {
    const model = await save(smallDetector(), `${dir}/in`);
    const open = await save(smallDetector({ side: null }), `${dir}/open`);
    const unknown = await save(smallDetector({ side: null, isKnown: false }), `${dir}/unknown`);
    // Its own side makes 4 cells, 12.5 pixels apart by their number.
    const odd = await save(smallDetector({ side: 50 }), `${dir}/odd`);
    const path = `${dir}/out`;
    const refuses = async (job: Promise<unknown>, message: string) => {
      await assert.rejects(job, { name: "RangeError", message });
    };
    const saying = (asked: string, name: string, [sides, side, fitting]: readonly [string, number, string]) =>
      `Cannot use ${asked} with "${name}": the cells that it finds boxes in have sides of ${sides} pixels, which ` +
      `${side} is no multiple of, the nearest that fit are ${fitting}`;
    const qat = (options: object) => runQat({ ...JOB, limit: 16, out: path, ...options });
    for (const [evalSize, fitting] of [[84, "80 or 96"], [56, "48 or 64"], [12, "16"]] as const) {
      await refuses(
        qat({ model, evalSize }),
        saying(`--eval-size ${evalSize}`, model, ["16 and 8", evalSize, fitting]),
      );
    }
    await refuses(qat({ model: odd, evalSize: 100 }), saying("--eval-size 100", odd, ["16 and 8", 100, "96 or 112"]));
    const yolo = { arch: "tiny_yolov2", inputSize: 32 };
    for (const [evalSize, fitting] of [[50, "32 or 64"], [116, "96 or 128"]] as const) {
      await refuses(
        qat({ ...yolo, evalSize }),
        saying(`--eval-size ${evalSize}`, yolo.arch, ["32", evalSize, fitting]),
      );
    }
    await refuses(qat({ model: open, inputSize: 50 }), saying("--input-size 50", open, ["16 and 8", 50, "48 or 64"]));
    const ptq = { model: open, method: "weights", out: path } as const;
    for (const data of [{}, { data: JOB.data, task: "detection" }]) {
      await refuses(
        runPtq({ ...ptq, ...data, inputSize: 40 }),
        saying("--input-size 40", open, ["16 and 8", 40, "32 or 48"]),
      );
    }
    const shape = ["image=1,48,40,3"];
    const said = saying('--shape "image=1,48,40,3"', unknown, ["16 and 8", 40, "32 or 48"]);
    const outputs = ["boxes_16", "boxes_8"];
    const shaped = { data: JOB.data, task: "detection", model: unknown, outputs, shape };
    await refuses(runPtq({ ...ptq, ...shaped }), said);
    await refuses(debugModel({ ...shaped, out: path }), said);
    // A side that fits is taken.
    await runPtq({ ...ptq, inputSize: 32 });
  }));

Deno.test("runPtq() quantizes a detector whose anchors a file has, and judges all of its outputs", () =>
  withFolder(async (dir) => {
    const model = await save(smallDetector({ isKnown: false }), `${dir}/in`);
    const anchors = `${dir}/anchors.json`;
    Deno.writeTextFileSync(anchors, JSON.stringify(ANCHORS));
    const options = { data: JOB.data, task: "detection", model, limit: 16, samples: 8, out: `${dir}/out` };
    const outputs = ["boxes_16", "boxes_8"];
    const report = await runPtq({ ...options, outputs, anchors });
    assert.deepEqual(report.task.outputs.map(({ name }) => name), outputs);
    assert.equal(report.metrics[0].count, 16);
    const unknown = /which anchors its outputs have is not known, a file of them is needed \(--anchors\)/;
    await assert.rejects(runPtq({ ...options, outputs, overwrite: true }), unknown);
    await assert.rejects(
      runPtq({ ...options, outputs: ["boxes_8"], anchors, overwrite: true }),
      /it has lists for 2 outputs, the model has 1/,
    );
  }));

Deno.test("runQat() refuses options that are another task's, and anchors and sizes that do not fit", () =>
  withFolder(async (dir) => {
    const model = await save(smallDetector(), `${dir}/in`);
    const refuses = (options: object, message: string | RegExp) =>
      assert.rejects(runQat({ ...JOB, out: `${dir}/out`, ...options }), (error: Error) => {
        assert.ok(typeof message === "string" ? error.message === message : message.test(error.message), error.message);
        return true;
      });
    await refuses(
      { data: "generated", task: "classification", boxLoss: "ciou" },
      'Cannot use --box-loss "ciou" with --task classification: it is for --task detection',
    );
    await refuses({ model, boxLoss: "giou" }, /^Cannot use --box-loss "giou": needed is one of mse, ciou/);
    await refuses({ model, nmsIou: 1.5 }, "Cannot use --nms-iou 1.5: it must be a number from 0 to 1");
    await refuses(
      { model, anchors: "auto" },
      /^Cannot use --anchors auto with ".*": its boxes start from anchors already/,
    );
    await refuses({ model, inputSize: 64 }, /^Cannot use --input-size 64 with ".*": it takes images of 48x48$/);
    await refuses({ arch: "yolov3_tiny", inputSize: 40 }, /sides that are multiples of 32 are needed/);
    await refuses(
      {
        data: "generated:masks",
        task: "segmentation",
        arch: "unet",
        inputSize: 32,
        evalSize: 36,
      },
      /^Cannot use --eval-size 36 with "unet": its layers do not fit together at that size/,
    );
    await refuses(
      { data: "generated:brackets", task: "classification", evalSize: 32 },
      /^Cannot use --eval-size 32 with "transformer": it is for images, "brackets" has none/,
    );
    await refuses({ arch: "cifar_cnn" }, /boxes are asked for, it ends in/);
    await refuses({ arch: "yolov3_tiny", inputSize: 32, anchors: "anchor.json" }, /there is no such file/);
    for (const text of ["[[[1]]]", "[[[1,-2]]]", "[]", "{}", "[[]]", "nonsense", '[[["1",2]]]']) {
      Deno.writeTextFileSync(`${dir}/anchors.json`, text);
      await refuses(
        { arch: "yolov3_tiny", inputSize: 32, anchors: `${dir}/anchors.json` },
        /^Cannot read the anchors in "[^\n]*anchors.json": [^\n]*$/,
      );
    }
    await refuses({ model, data: "generated" }, /boxes/);
  }));
