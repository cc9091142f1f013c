import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import sharp from "sharp";
import { toOnnx, type ToOnnxOptions } from "../export/to_onnx.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { mapValues } from "../data/samples.ts";
import { boxesToAppend } from "../tasks/mod.ts";
import { Predictor, type PredictorOptions } from "./predict.ts";

const { layers } = tfl;

/** Runs `test` with a folder of pictures: one red on the left and blue on the right, twice as wide as high. */
async function withPicture(test: (file: string) => Promise<void>, [width, height] = [40, 20]): Promise<void> {
  await registerBackend();
  tf.env().set("PROD", true);
  const dir = Deno.makeTempDirSync();
  try {
    const pixels = Uint8Array.from(
      { length: 3 * width * height },
      (_, i) => (i % 3 === (Math.floor(i / 3) % width < width / 2 ? 0 : 2) ? 255 : 0),
    );
    await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toFile(`${dir}/two.png`);
    await test(`${dir}/two.png`);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** What is said of an input for pictures of 8 x 8. */
const IMAGE = { kind: "image", shape: [8, 8, 3], layout: "nhwc", mean: [0], std: [1] };

interface Said {
  readonly input?: object;
  readonly output: object;
  readonly options?: Partial<ToOnnxOptions>;
}

async function answersOf(
  model: tfl.LayersModel,
  file: string,
  { input = {}, output, options = {} }: Said,
  telling: Partial<PredictorOptions> = {},
) {
  const [inputName, outputName] = [model.inputs[0].sourceLayer.name, model.outputs[0].sourceLayer.name];
  const metadata = {
    inputs: JSON.stringify({ [inputName]: { ...IMAGE, ...input } }),
    outputs: JSON.stringify({ [outputName]: output }),
  };
  const { bytes } = await toOnnx(model, { precision: "float32", ...options, metadata });
  const predictor = new Predictor(bytes, { name: "net.onnx", ...telling });
  try {
    const [prediction] = await predictor.predict([file]);
    if ("because" in prediction) throw new RangeError(prediction.because);
    return prediction;
  } finally {
    predictor.dispose();
  }
}

/** A model whose answer is the mean of each channel, through `activation`. */
function meansModel(activation?: "softmax" | "sigmoid"): tfl.Sequential {
  const dense = layers.dense({ units: 3, name: "out", ...(activation === undefined ? {} : { activation }) });
  const model = tfl.sequential({
    layers: [layers.globalAveragePooling2d({ inputShape: [8, 8, 3], name: "mean" }), dense],
  });
  dense.setWeights([tf.eye(3), tf.tensor1d([0, -1, 0.25])]);
  return model;
}

/** A model that answers these numbers to any picture. */
function constantModel(numbers: readonly number[]): tfl.Sequential {
  const dense = layers.dense({ units: numbers.length, name: "out" });
  const model = tfl.sequential({ layers: [layers.flatten({ inputShape: [8, 8, 3], name: "flat" }), dense] });
  dense.setWeights([tf.zeros([192, numbers.length]), tf.tensor1d([...numbers])]);
  return model;
}

const CLASSES = { task: "classification", classNames: ["red", "green", "blue"] };

Deno.test("Predictor tells the class with its probability, of a softmax as of logits", async () => {
  await withPicture(async (file) => {
    // Means are 0.5, 0 and 0.5: logits 0.5, -1 and 0.75.
    const powers = [0.5, -1, 0.75].map(Math.exp);
    const expected = powers.map((power) => power / powers.reduce((a, b) => a + b));
    for (const activation of ["softmax", undefined] as const) {
      const { answers: [answer], width, height } = await answersOf(meansModel(activation), file, { output: CLASSES });
      assert.deepEqual([width, height], [40, 20]);
      assert.ok(answer.kind === "class" && answer.name === "blue");
      assert.deepEqual(answer.next.map(({ name }) => name), ["red", "green"]);
      const found = [answer.next[0], answer.next[1], answer].map(({ probability }) => probability);
      found.forEach((probability, i) => assert.ok(Math.abs(probability - expected[i]) < 1e-5));
    }
  });
});

Deno.test("Predictor feeds files that take raw pixels, and channels first, as they say", async () => {
  await withPicture(async (file) => {
    const normalize = { text: "", mean: [0.5, 0.25, 0], std: [0.5, 1, 2] };
    const numbers = { task: "regression", columns: ["r", "g", "b"], unit: "px" };
    const { mean, std } = normalize;
    const plain = { input: { mean, std }, output: numbers };
    const expected = await answersOf(meansModel(), file, plain);
    const [answer] = expected.answers;
    // (0.5 - 0.5) / 0.5, (0 - 0.25) / 1 - 1, 0.5 / 2 + 0.25.
    assert.ok(answer.kind === "numbers");
    answer.numbers.forEach(({ value }, i) => assert.ok(Math.abs(value - [0, -1.25, 0.5][i]) < 1e-6));
    const nchw = { ...plain, input: { mean, std, layout: "nchw" }, options: { inputLayout: "nchw" } } as const;
    assert.deepEqual(await answersOf(meansModel(), file, nchw), expected);
    for (const layout of ["nhwc", "nchw"] as const) {
      const raw = await answersOf(meansModel(), file, {
        input: { mean: undefined, std: undefined, layout, dtype: "uint8", applied: { mean, std } },
        output: numbers,
        options: { pixels: normalize, inputLayout: layout },
      });
      const [own] = raw.answers;
      assert.ok(own.kind === "numbers");
      own.numbers.forEach(({ value }, i) => assert.ok(Math.abs(value - answer.numbers[i].value) < 1e-5));
    }
    const grey = await answersOf(meansModel(), file, { ...plain, options: { fixedBatch: 3 } });
    assert.deepEqual(grey, expected);
  });
});

Deno.test("Predictor tells labels above the file's threshold, or another", async () => {
  await withPicture(async (file) => {
    const output = { task: "multi-label", labels: ["r", "g", "b"], threshold: 0.5 };
    const labels = async (telling: Partial<PredictorOptions>) => {
      const { answers: [answer] } = await answersOf(meansModel("sigmoid"), file, { output }, telling);
      return answer.kind === "labels" ? answer.labels.map(({ name }) => name) : undefined;
    };
    assert.deepEqual(await labels({}), ["b", "r"]);
    assert.deepEqual(await labels({ scoreThreshold: 0.65 }), ["b"]);
    assert.deepEqual(await labels({ scoreThreshold: 1 }), []);
  });
});

Deno.test("Predictor puts points back into the picture, out of a letterbox too", async () => {
  await withPicture(async (file) => {
    const model = constantModel([0.25, 0.5, 1, 0.25]);
    const output = { task: "landmarks", points: ["a", "b"] };
    const points = async (input: object) => {
      const { answers: [answer] } = await answersOf(model, file, { input, output });
      return answer.kind === "points" ? answer.points : undefined;
    };
    assert.deepEqual(await points({}), [{ name: "a", x: 10, y: 10 }, { name: "b", x: 40, y: 5 }]);
    // 40 x 20 lies as 8 x 4 from row 2 on: y = (8y - 2) · 5.
    assert.deepEqual(await points({ fit: "letterbox" }), [{ name: "a", x: 10, y: 10 }, { name: "b", x: 40, y: 0 }]);
  });
});

Deno.test("Predictor tells the class of each pixel, without a letterbox's bars", async () => {
  await withPicture(async (file) => {
    // Each channel is a class; grey, which has all of them, is of the first.
    const conv = layers.conv2d({ filters: 3, kernelSize: 1, useBias: false, inputShape: [8, 8, 3], name: "map" });
    const model = tfl.sequential({ layers: [conv] });
    conv.setWeights([tf.reshape(tf.eye(3), [1, 1, 3, 3])]);
    const output = { task: "segmentation", classNames: ["red", "green", "blue"] };
    for (const [fit, height] of [["stretch", 8], ["letterbox", 4]] as const) {
      const { answers: [answer] } = await answersOf(model, file, { input: { fit }, output });
      assert.ok(answer.kind === "mask");
      assert.deepEqual([answer.mask.height, answer.mask.width], [height, 8]);
      const row = [0, 0, 0, 0, 2, 2, 2, 2];
      assert.deepEqual([...answer.mask.classes], Array(height).fill(row).flat());
      assert.deepEqual(answer.classes, [{ name: "red", group: 0, share: 0.5 }, { name: "blue", group: 2, share: 0.5 }]);
    }
  });
});

Deno.test("Predictor says in one line what a file does not say, or says wrongly", async () => {
  await withPicture(async (file) => {
    const refused = (said: Said, message: RegExp) =>
      assert.rejects(answersOf(meansModel(), file, said), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /^Cannot predict with "net\.onnx": /);
        return true;
      });
    await refused({ input: { kind: "numbers" }, output: CLASSES }, /takes rows of numbers, one that takes a picture/);
    await refused({ input: { shape: [8, 9, 3] }, output: CLASSES }, /is \[n,8,8,3\], its metadata says \[n,8,9,3\]/);
    await refused(
      { input: { std: [0] }, output: CLASSES },
      /inputs\.\w+\.std is \[0\], 1 or 3 numbers above 0 are needed/,
    );
    await refused({ input: { std: [1e-40] }, output: CLASSES }, /std is .*, numbers that keep pixels within float32/);
    await refused({ input: { layout: "hwcn" }, output: CLASSES }, /layout is "hwcn", needed is one of nhwc, nchw/);
    await refused({ input: { fit: "crop" }, output: CLASSES }, /fit is "crop", needed is one of stretch, letterbox/);
    await refused(
      { output: { task: "clasification" } },
      /task is "clasification", needed is .* \(did you mean "classification"/,
    );
    await refused({ output: { ...CLASSES, classNames: ["a"] } }, /classNames has 1 names?, 3 are needed/);
    await refused({ output: { task: "landmarks", points: ["a"] } }, /for 1 points 2 numbers are needed/);
    await refused({ output: { task: "segmentation" } }, /\[n,height,width,classes\]/);
    const { bytes } = await toOnnx(meansModel(), { precision: "float32" });
    assert.throws(
      () => new Predictor(bytes, { name: "x" }),
      /^RangeError: Cannot predict with "x": it does not say how it is fed/,
    );
    const metadata = { inputs: JSON.stringify({ mean_input: IMAGE }), outputs: "{}" };
    const noTask = await toOnnx(meansModel(), { precision: "float32", metadata });
    assert.throws(() => new Predictor(noTask.bytes, { name: "x" }), /it does not say what its answers mean/);
    const damaged = await toOnnx(meansModel(), { precision: "float32", metadata: { ...metadata, inputs: "{" } });
    assert.throws(
      () => new Predictor(damaged.bytes, { name: "x" }),
      /its metadata "inputs" cannot be read: it is not valid JSON/,
    );
    const refusedBytes = (bytes: Uint8Array, because: RegExp) =>
      assert.throws(() => new Predictor(bytes, { name: "x" }), (error: Error) => {
        assert.equal(error.name, "OnnxFileError");
        assert.match(error.message, /^Cannot predict with "x": /);
        assert.match(error.message, because);
        return true;
      });
    const textual = (text: string) => new TextEncoder().encode(text);
    const needed = /, an ONNX file of deno task qat or ptq is needed$/.source;
    refusedBytes(Uint8Array.of(1, 2), /: index out of range: 1 \+ 8 > 2; needed is a whole ONNX model$/);
    refusedBytes(new Uint8Array(0), /: it holds no graph$/);
    refusedBytes(
      textual("\x18\0\0\0ORTM\0\0"),
      new RegExp(`: it is in ONNX Runtime's own format \\(\\.ort\\)${needed}`),
    );
    refusedBytes(
      textual('\n{"format": "layers-model", "modelTopology": {}}'),
      new RegExp(`: it is a TF.js model \\(model.json\\)${needed}`),
    );
    refusedBytes(textual('\ufeff{"a": 1}'), new RegExp(`: it is a JSON file, as TF.js models are${needed}`));
  });
});

Deno.test("Predictor names pictures that cannot be read, and a file whose answers are no numbers", async () => {
  await withPicture(async (file) => {
    const huge = constantModel([1]);
    huge.layers[1].setWeights([tf.fill([192, 1], 3e38), tf.zeros([1])]);
    await assert.rejects(answersOf(huge, file, { output: { task: "regression" } }), {
      message: `Cannot predict with "net.onnx": its output "out" has numbers for "${file}" that are not finite`,
    });
    await Deno.writeTextFile(file, "no picture");
    await assert.rejects(
      answersOf(meansModel(), file, { output: CLASSES }),
      /it is no picture, needed is a JPEG or PNG/,
    );
  });
});

Deno.test("Predictor reads boxes of all outputs together, in pixels of the picture, and names them", async () => {
  await withPicture(async (file) => {
    // Two cells of one anchor each and two classes: tx, ty, tw, th, objectness, classes.
    const cells = [[0, 0, 0, 0, 9, 9, -9], [0, 0, 0, 0, 1, -9, 9]].flat();
    const dense = layers.dense({ units: 14, name: "dense" });
    const model = tfl.sequential({
      layers: [
        layers.flatten({ inputShape: [8, 8, 3], name: "flat" }),
        dense,
        layers.reshape({ targetShape: [1, 2, 7], name: "boxes_4" }),
      ],
    });
    dense.setWeights([tf.zeros([192, 14]), tf.tensor1d(cells)]);
    const said = { kind: "yolov3", grid: [1, 2], anchors: [[4, 4]], input: [8, 8], classes: ["cat", "dog"] };
    const output = { task: "detection", answer: "boxes", ...said, scoreThreshold: 0.5, nmsIou: 0.5 };
    const boxes = async (input: object, telling: Partial<PredictorOptions> = {}) => {
      const { answers: [answer] } = await answersOf(model, file, { input, output }, telling);
      assert.ok(answer.kind === "boxes");
      return answer.boxes.map(({ name, x, y, width, height }) => [name, ...[x, y, width, height].map(Math.round)]);
    };
    // Centres at a quarter and three quarters, half of the sides wide and high.
    assert.deepEqual(await boxes({}), [["cat", 0, 5, 20, 10], ["dog", 20, 5, 20, 10]]);
    assert.deepEqual(await boxes({ fit: "letterbox" }), [["cat", 0, 0, 20, 20], ["dog", 20, 0, 20, 20]]);
    assert.deepEqual(await boxes({}, { scoreThreshold: 0.9 }), [["cat", 0, 5, 20, 10]]);
    // A file that makes boxes itself gives the same.
    const head = { boxes_4: { decoding: output } };
    for (
      const [fit, suppresses] of [["stretch", false], ["letterbox", false], ["stretch", true], ["letterbox", true]]
    ) {
      const appended = boxesToAppend(head, { suppresses: suppresses === true })!;
      const metadata = {
        inputs: JSON.stringify({ flat_input: { ...IMAGE, fit } }),
        outputs: JSON.stringify(mapValues(appended.decoding, (said) => ({ task: "detection", ...said }))),
      };
      const { bytes } = await toOnnx(model, { precision: "float32", metadata, boxes: appended });
      const predictor = new Predictor(bytes, { name: "boxes.onnx" });
      const [prediction] = await predictor.predict([file]);
      predictor.dispose();
      assert.ok("answers" in prediction && prediction.answers[0].kind === "boxes");
      const made = prediction.answers[0].boxes.map((
        { name, x, y, width, height },
      ) => [name, ...[x, y, width, height].map(Math.round)]);
      assert.deepEqual(made, await boxes({ fit }), `${fit}, ${suppresses}`);
    }
    const wrong = { ...output, grid: [2, 2] };
    await assert.rejects(answersOf(model, file, { output: wrong }), /is \[n,1,2,7\], its metadata says \[n,2,2,7\]/);
    await assert.rejects(
      answersOf(model, file, { output: { task: "detection" } }),
      /how its outputs are read as boxes$/,
    );
  });
});
