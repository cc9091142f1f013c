import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import * as tf from "@tensorflow/tfjs-core";
import sharp from "sharp";
import { toOnnx } from "../export/to_onnx.ts";
import { DISPLAY } from "../report/notebook/display.ts";
import { contentsOf, save, withFolder } from "./_test_support.ts";
import { predict, type Prediction } from "./predict.ts";
import { runPtq } from "./ptq.ts";
import type { PtqOptions } from "./ptq_options.ts";

const COLOURS = { red: { r: 250, g: 20, b: 10 }, blue: { r: 10, g: 20, b: 250 } };

/** Writes pictures of two colours, a folder each. */
async function pictures(dir: string): Promise<void> {
  for (const [name, colour] of Object.entries(COLOURS)) {
    Deno.mkdirSync(`${dir}/${name}`, { recursive: true });
    for (let i = 0; i < 6; i++) {
      const background = { ...colour, g: 20 * i };
      await sharp({ create: { width: 12, height: 10, channels: 3, background } }).png().toFile(
        `${dir}/${name}/${i}.png`,
      );
    }
  }
}

/** Tells red from blue by what it was given, not learned. */
async function colourModel(dir: string): Promise<string> {
  const conv = tfl.layers.conv2d({
    filters: 64,
    kernelSize: 1,
    inputShape: [8, 8, 3],
    activation: "relu",
    name: "conv",
  });
  const dense = tfl.layers.dense({ units: 2, activation: "softmax", name: "dense" });
  const model = tfl.sequential({ name: "colours", layers: [conv, tfl.layers.flatten({ name: "flat" }), dense] });
  // A class each of the channels blue and red, the classes' names in order.
  const kernel = Array.from(
    { length: 3 },
    (_, c) => Array.from({ length: 64 }, (_, f) => (f % 2 === (c === 2 ? 0 : 1) && c !== 1 ? 1 : 0)),
  );
  conv.setWeights([tf.tensor4d(kernel.flat(), [1, 1, 3, 64]), tf.zeros([64])]);
  dense.setWeights([
    tf.tensor2d(Array.from({ length: 64 * 64 }, (_, i) => (i % 2 === 0 ? [0.002, 0] : [0, 0.002]))),
    tf.zeros([2]),
  ]);
  return await save(model, dir);
}

/** Forms of files, all of one model. */
const FORMS: Readonly<Record<string, Partial<PtqOptions>>> = {
  int8: {},
  "int8 of raw pixels, channels first": { input: "uint8", inputLayout: "nchw" },
  "int8 operators on codes, five at once": { format: "qoperator", fixedBatch: 5 },
  "int8 for ARM": { target: "arm" },
  dynamic: { method: "dynamic" },
  "weights of 8 bits": { method: "weights" },
  "weights of 4 bits": { method: "weights", bits: 4 },
  float16: { method: "float16" },
};

/** What a job leaves besides is no file to predict with. */
async function refusesOthers(out: string, pictures: readonly string[]): Promise<void> {
  const others = {
    "model.ort": "it is in ONNX Runtime's own format (.ort)",
    "qat/model.json": "it is a TF.js model (model.json)",
    "report.json": "it is a JSON file, as TF.js models are",
  };
  for (const [name, is] of Object.entries(others)) {
    const model = `${out}/${name}`;
    await assert.rejects(predict({ model, pictures, draw: false }), {
      name: "OnnxFileError",
      message: `Cannot predict with "${model}": ${is}, an ONNX file of deno task qat or ptq is needed`,
    });
  }
  await assert.rejects(predict({ model: `${out}/qat/weights.bin`, pictures, draw: false }), {
    message: /^Cannot predict with ".*weights\.bin": .*; needed is a whole ONNX model$/,
  });
}

function classesOf(predictions: readonly Prediction[]): readonly string[] {
  return predictions.map(({ answers: [answer] }) => answer.kind === "class" ? answer.name : answer.kind);
}

Deno.test("predict() answers with files of every form, int8 and float, by what they say of themselves", () =>
  withFolder(async (dir) => {
    await pictures(`${dir}/data`);
    const model = await colourModel(`${dir}/in`);
    const files = [`${dir}/data/red`, `${dir}/data/blue/3.png`];
    const expected = [...Array(6).fill("red"), "blue"];
    for (const [name, form] of Object.entries(FORMS)) {
      const out = `${dir}/out`;
      const samples = form.method === undefined ? { samples: 8 } : {};
      const data = `folder:${dir}/data`;
      await runPtq({ model, data, normalize: "0..1", threads: 1, out, overwrite: true, ...samples, ...form });
      if (name === "int8") await refusesOthers(out, files);
      for (const file of [out, `${out}/model.float.onnx`]) {
        const predictions = await predict({ model: file, pictures: files, threads: 1, precise: true, draw: false });
        assert.deepEqual(classesOf(predictions), expected, `${name}, ${file}`);
        for (const { answers: [answer] } of predictions) assert.ok(answer.kind === "class" && answer.probability > 0.9);
      }
    }
  }));

/** A file that marks points in pictures. */
async function pointsFile(path: string, points: readonly (readonly [number, number])[]): Promise<void> {
  await save(tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1] })] }), `${path}.in`);
  const dense = tfl.layers.dense({ units: 2 * points.length, name: "out" });
  const model = tfl.sequential({ layers: [tfl.layers.flatten({ inputShape: [4, 4, 1], name: "flat" }), dense] });
  dense.setWeights([tf.zeros([16, 2 * points.length]), tf.tensor1d(points.flat())]);
  const metadata = {
    inputs: JSON.stringify({ flat_input: { kind: "image", shape: [4, 4, 1], layout: "nhwc", mean: [0], std: [1] } }),
    outputs: JSON.stringify({ out: { task: "landmarks", points: points.map((_, i) => `p${i}`) } }),
  };
  const { bytes } = await toOnnx(model, { precision: "float32", metadata });
  Deno.writeFileSync(path, bytes);
}

Deno.test("predict() draws what it finds onto copies, writes each once, and shows them in notebooks", () =>
  withFolder(async (dir) => {
    await pictures(`${dir}/data`);
    const model = `${dir}/points.onnx`;
    await pointsFile(model, [[0.5, 0.5], [0.25, 0.75]]);
    const out = `${dir}/found`;
    const asked = { model, pictures: [`${dir}/data/red`, `${dir}/data/blue`], out };
    const before = contentsOf(`${dir}/data`);
    const found = await predict(asked);
    assert.equal(found.length, 12);
    assert.deepEqual(
      found.map(({ drawn }) => drawn).slice(4, 8),
      ["4", "5", "0-2", "1-2"].map((name) => `${out}/${name}.png`),
    );
    const { data, info } = await sharp(`${out}/0.png`).raw().toBuffer({ resolveWithObject: true });
    // 12 x 10 becomes 320 x 267, with a line of words below.
    assert.deepEqual([info.width, info.height > 267, info.channels], [320, true, 3]);
    const pixel = (x: number, y: number) => [...data.subarray(3 * (320 * y + x), 3 * (320 * y + x) + 3)];
    assert.deepEqual(pixel(160, 133), [57, 255, 20]);
    assert.deepEqual(pixel(80, 200), [57, 255, 20]);
    assert.deepEqual(pixel(240, 60), [250, 0, 10]);
    assert.deepEqual(contentsOf(`${dir}/data`), before);
    const forms = found[DISPLAY]();
    assert.equal(forms["text/html"].match(/<img /g)?.length, 12);
    assert.match(forms["text/plain"], /^0\.png: 2 points$/m);
    await assert.rejects(predict(asked), /0\.png": it is there already, --overwrite replaces it$/);
    await predict({ ...asked, overwrite: true });
    await assert.rejects(
      predict({ ...asked, pictures: [`${out}/0.png`], overwrite: true }),
      /it is one of the pictures/,
    );
  }));

Deno.test("predict() says in one line what is missing, and writes nothing", () =>
  withFolder(async (dir) => {
    await pictures(`${dir}/data`);
    const model = `${dir}/points.onnx`;
    await pointsFile(model, [[0, 0]]);
    const folder = `${dir}/data/red`;
    Deno.writeTextFileSync(`${folder}/9.png`, "no picture");
    const refused = (options: Parameters<typeof predict>[0], message: RegExp) =>
      assert.rejects(predict({ model, pictures: [folder], out: `${dir}/out`, ...options }), { message });
    await refused({ pictures: [] }, /^Cannot predict without pictures/);
    await refused({ model: undefined }, /^Cannot predict without --model/);
    await refused({ model: dir }, /the folder has no exported file, model\.int8\.onnx is needed$/);
    await refused({ model: `${dir}/none.onnx` }, /there is no such file/);
    await refused({ pictures: [`${dir}/none`] }, /none": there is no such file or folder$/);
    await refused({ pictures: [`${dir}/data`] }, /there are no files \.jpg/);
    await refused({ scoreThreshold: 2 }, /^Cannot use --score-threshold 2/);
    await refused({ draw: false }, /^Cannot use --out where nothing is drawn/);
    assert.throws(() => Deno.statSync(`${dir}/out`));
    const log: string[] = [];
    await assert.rejects(
      predict({ model, pictures: [`${folder}/9.png`], skipBadImages: true }),
      /none of the pictures/,
    );
    await assert.rejects(predict({ model, pictures: [folder] }), /9\.png": it is no picture/);
    const left = await predict({ model, pictures: [folder], skipBadImages: true }, { log: (line) => log.push(line) });
    assert.deepEqual([left.length, log], [6, [
      `Left out "${folder}/9.png": it is no picture, needed is a JPEG or PNG.`,
    ]]);
  }));
