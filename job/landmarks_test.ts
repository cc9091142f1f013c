/** Landmarks from the command line's side: generated faces, tables of points, and files that are calibrated. */
import assert from "node:assert/strict";
import { bytesOf } from "../data/pixels.ts";
import * as tfl from "@tensorflow/tfjs-layers";
import sharp from "sharp";
import { generateFaces } from "../data/sources/generated_faces.ts";
import { decodeModel } from "../src/onnx/file/mod.ts";
import { seedWeights } from "../tests/_support/small_models.ts";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { save, withFolder } from "./_test_support.ts";
import { runPtq } from "./ptq.ts";
import { runQat } from "./qat.ts";

const { layers } = tfl;

/** Faces of 16 pixels: 32 or 36 to train on, 4 or 8 to choose the best epoch by. */
const FACES = { task: "landmarks", limit: 40, batchSize: 16, precise: true, threads: 1, overwrite: true } as const;

/** A net of one convolution that answers points somewhere about the middle. */
function pointNet(points: number): tfl.LayersModel {
  const model = tfl.sequential({
    name: "points",
    layers: [
      layers.conv2d({
        name: "conv",
        filters: 4,
        kernelSize: 3,
        strides: 2,
        activation: "relu",
        inputShape: [16, 16, 3],
      }),
      layers.flatten({ name: "flat" }),
      layers.dense({ name: "dense", units: 2 * points }),
    ],
  });
  return seedWeights(model);
}

Deno.test("runQat() learns landmarks of generated faces, starting from the mean shape", () =>
  withFolder(async (dir) => {
    const log: string[] = [];
    const options = { ...FACES, data: "generated:faces", arch: "cifar_cnn", inputSize: 16, out: `${dir}/out` };
    const report = await runQat({ ...options, floatEpochs: 1, epochs: 1, floatLr: 1e-4, lr: 1e-4, control: false }, {
      log: (line) => log.push(line),
    });
    assertFitsSchema(report, []);
    assert.deepEqual(report.metrics.map(({ name, unit, better, count }) => [name, unit, better, count]), [
      ["NME (inter-ocular)", "fraction", "lower", 40],
      ["NME (inter-pupil)", "fraction", "lower", 40],
      ["failures (inter-ocular)", "fraction", "lower", 40],
      ["AUC (inter-ocular)", "fraction", "higher", 40],
    ]);
    const [{ deployed, simulated, chance }] = report.metrics;
    // Four small steps from the mean shape lead nowhere far; from nothing it would be off by more than a face.
    assert.ok(deployed! < 1.5 * chance!, `${deployed} against ${chance}`);
    assert.ok(Math.abs(deployed! - simulated!) < 0.01, `${deployed} and ${simulated}`);
    assert.deepEqual(report.sections?.map(({ kind }) => kind), ["bars", "curve", "pictures"]);
    assert.ok(
      log.some((line) => line.endsWith("36 images to train on, 4 to choose the best epoch by, 40 to judge by.")),
      log.join("\n"),
    );
    const { metadata } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
    const { dense } = JSON.parse(metadata.outputs);
    assert.deepEqual([dense.task, dense.points.length, dense.scales["inter-ocular"]], ["landmarks", 22, [[9], [15]]]);
    const labels = Deno.readTextFileSync(`${dir}/out/labels.txt`).split("\n");
    assert.deepEqual([labels.length, labels[0], labels[43]], [45, "outline 0 x", "mouth's bottom y"]);
    await assert.rejects(
      runQat({ ...options, data: "generated" }),
      /by landmarks: the data's targets are classes, points are needed/,
    );
    // The model says what it learns, and is trained on as that is.
    const { task: _, batchSize: __, ...open } = FACES;
    const more = await runQat({ ...open, data: options.data, model: `${dir}/out/qat`, epochs: 1, out: `${dir}/more` });
    const { batchSize, floatLr, lr, warmupEpochs } = more.options!;
    assert.deepEqual([more.task.name, batchSize, floatLr, lr, warmupEpochs], ["landmarks", 32, 5e-4, 1e-4, 0.5]);
  }));

Deno.test("runQat() goes on with a model of points from a table, and keeps people apart", () =>
  withFolder(async (dir) => {
    const { image, points } = {
      ...generateFaces({ train: 1, test: 1 }).train.inputs,
      ...generateFaces().train.targets,
    };
    assert.ok(image.kind === "pictures" && points.kind === "points");
    const face = await sharp(bytesOf(image.bytes), { raw: { width: 64, height: 64, channels: 3 } }).png().toBuffer();
    const header = `file,${points.names.map((_, i) => `x${i},y${i}`).join()}`;
    const lines = Array.from({ length: 24 }, (_, i) => {
      Deno.writeFileSync(`${dir}/p${i >> 2}_${i % 4}.png`, face);
      return [`p${i >> 2}_${i % 4}.png`, ...points.values.subarray(0, 44).map((v) => 64 * v + i / 8)].join();
    });
    Deno.writeTextFileSync(`${dir}/faces.csv`, `${[header, ...lines].join("\n")}\n`);
    const log: string[] = [];
    const model = await save(pointNet(22), `${dir}/in`);
    const options = { ...FACES, batchSize: 8, data: `points:${dir}/faces.csv`, model, epochs: 1, out: `${dir}/out` };
    const report = await runQat({ ...options, pointLoss: "l2", validation: 0.2 }, { log: (line) => log.push(line) });
    // Whole people, of whom there are four pictures each.
    const { train, validation, test } = report.data!;
    assert.deepEqual([train, validation, test], [12, 4, 8]);
    // Of 22 points nobody knows where eyes are.
    assert.deepEqual(report.metrics.map(({ name }) => name), ["NME (box)", "failures (box)", "AUC (box)"]);
    assert.ok(log.some((line) => line.startsWith("Of 22 points nobody knows")), log.join("\n"));
    await assert.rejects(
      runQat({ ...options, pointLoss: "l3" as "l2" }),
      /Cannot use --point-loss "l3": needed is one of wing, smooth-l1, l2|did you mean "l2"/,
    );
  }));

Deno.test("runPtq() has the observers of PyTorch's x86 default, and dummy ones", () =>
  withFolder(async (dir) => {
    const model = await save(pointNet(22), `${dir}/in`);
    const options = {
      ...FACES,
      data: "generated:faces",
      model,
      samples: 40,
      out: `${dir}/out`,
      format: "qdq",
    } as const;
    const { batchSize: _, ...quick } = options;
    const stepOf = async (more: object) => {
      const report = await runPtq({ ...quick, ...more });
      const { graph } = decodeModel(Deno.readFileSync(`${dir}/out/model.int8.onnx`));
      const steps = graph.nodes.filter(({ op }) => op === "QuantizeLinear")
        .map(({ inputs }) => Number(graph.initializers.get(inputs[1])?.data[0]));
      return { steps, report };
    };
    const [fbgemm, histogram, x86, dummy] = [
      await stepOf({ target: "fbgemm", observer: "moving-average" }),
      await stepOf({ target: "fbgemm", observer: "histogram" }),
      await stepOf({ target: "x86", observer: "moving-average" }),
      await stepOf({ target: "x86", observer: "moving-average", calibrate: "dummy" }),
    ];
    // The same range of pictures over 127 steps and over 255.
    const ratio = 127 * fbgemm.steps[0] / (255 * x86.steps[0]);
    assert.ok(Math.abs(ratio - 1) < 1e-6, `${fbgemm.steps} and ${x86.steps}`);
    assert.notDeepEqual(histogram.steps, fbgemm.steps);
    assert.notDeepEqual(dummy.steps, x86.steps);
    assert.deepEqual(fbgemm.report.ptq?.calibration?.observers, ["moving-average"]);
    assert.equal(dummy.report.ptq?.calibration?.isDummy, true);
    const grids = fbgemm.report.recipe?.resolved.flatMap(({ activations }) => activations ?? []) ?? [];
    assert.ok(grids.length > 0 && grids.every((grid) => grid.includes("127 steps")), grids.join());
  }));
