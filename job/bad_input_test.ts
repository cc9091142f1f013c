/** Bad input: one clear line, and the output folder as it was. */
import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import sharp from "sharp";
import { apply, seedWeights } from "../tests/_support/small_models.ts";
import { contentsOf, save, SMALL, tinyModel, type TinyOptions, withFolder } from "./_test_support.ts";
import type { QatOptions } from "./options.ts";
import { runQat } from "./qat.ts";

/** Makes the input in `dir` and returns the options. */
type Make = (dir: string) => Promise<QatOptions> | QatOptions;

/** Expects the job to fail with this message, DIR standing for the folder, and to leave everything as it was. */
function refuses(what: string, message: RegExp | string, make: Make): void {
  Deno.test(`runQat() refuses ${what}`, () =>
    withFolder(async (dir) => {
      const options = await make(dir);
      const before = contentsOf(dir);
      const error = await assert.rejects(runQat({ ...SMALL, out: `${dir}/new/out`, ...options }), (error) => {
        assert.ok(error instanceof Error);
        const text = error.message.replaceAll(dir, "DIR");
        if (typeof message === "string") assert.equal(text, message);
        else assert.match(text, message);
        assert.ok(!text.includes("\n"), "it is one line");
        return true;
      });
      assert.equal(error, undefined);
      assert.deepEqual(contentsOf(dir), before);
    }));
}

async function tiny(dir: string, options: TinyOptions = {}): Promise<QatOptions> {
  return { model: await save(tinyModel(options), `${dir}/in`) };
}

// Options.

const NUMBERS: readonly (readonly [QatOptions, string])[] = [
  [{ epochs: 0 }, "Cannot use --epochs 0: it must be a whole number from 1 to 1000000"],
  [{ epochs: -3 }, "Cannot use --epochs -3: it must be a whole number from 1 to 1000000"],
  [{ epochs: NaN }, "Cannot use --epochs NaN: it must be a whole number from 1 to 1000000"],
  [{ epochs: 1e99 }, "Cannot use --epochs 1e+99: it must be a whole number from 1 to 1000000"],
  [{ floatEpochs: 0.5 }, "Cannot use --float-epochs 0.5: it must be a whole number from 0 to 1000000"],
  [{ lr: 0 }, "Cannot use --lr 0: it must be a number above 0, 1000 at most"],
  [{ floatLr: Infinity }, "Cannot use --float-lr Infinity: it must be a number above 0, 1000 at most"],
  [{ seed: 2 ** 32 }, "Cannot use --seed 4294967296: it must be a whole number from 0 to 4294967295"],
  [{ limit: 0 }, "Cannot use --limit 0: it must be a whole number from 1 to 1000000000"],
  [{ opset: 18 }, "Cannot use --opset 18: it must be a whole number from 13 to 17"],
  [{ freezeBnAfter: -1 }, "Cannot use --freeze-bn-after -1: it must be a number from 0 to 1000000"],
];
for (const [options, message] of NUMBERS) {
  refuses(`the number of ${JSON.stringify(options)}`, message, () => options);
}

refuses(
  "an unknown architecture",
  /^Cannot use --arch "cifar": needed is one of cifar_cnn, tiny_yolo, .*\(did you mean "cifar_cnn"\?\)$/,
  () => ({ arch: "cifar" }),
);
refuses(
  "an unknown optimizer",
  /^Cannot use --optimizer "adma": needed is one of sgd, .*adam, .* \(did you mean "adam"\?\)$/,
  () => ({ optimizer: "adma" }),
);
refuses(
  "an unknown form of the file",
  `Cannot use --format "qopertor": needed is one of qdq, qoperator (did you mean "qoperator"?)`,
  // What the command line hands on is any text.
  () => ({ format: "qopertor" as "qdq" }),
);
refuses(
  "a form of the file for a target without one",
  `Cannot use --format qoperator for target "simulation": it is simulated only and has no file`,
  () => ({ format: "qoperator", target: "simulation" }),
);
refuses(
  "an unknown layout",
  `Cannot use --input-layout "hwc": needed is one of nhwc, nchw (did you mean "nhwc"?)`,
  // What the command line hands on is any text.
  () => JSON.parse(`{ "inputLayout": "hwc" }`),
);
refuses(
  "an unknown device",
  /^Cannot use --device "cuba": needed is one of cpu, .*\(did you mean "cuda"\?\)$/,
  () => JSON.parse(`{ "device": "cuba" }`),
);
refuses(
  "an unknown backend",
  /^Cannot use --backend "tenserflow": needed is one of .*\(did you mean "tensorflow"\?\)$/,
  () => JSON.parse(`{ "backend": "tenserflow" }`),
);
refuses(
  "a swap for what is no ReLU",
  `Cannot use --swap "leaky_relu:tanh": cannot swap to "tanh": needed is one of relu, relu6`,
  () => ({ swap: "leaky_relu:tanh" }),
);
refuses(
  "an unknown normalization",
  /^Cannot use --normalize "5": cannot read the normalization "5": .*needed is "0\.\.1"/,
  () => ({
    normalize: "5",
  }),
);
refuses(
  "unknown data",
  /^Cannot open the data "imagenet:x": there is no data set "imagenet", needed is "generated"[^?]*$/,
  () => ({
    data: "imagenet:x",
  }),
);
refuses(
  "data whose name is spelled wrong",
  /^Cannot open the data "mnsit:x": there is no data set "mnsit", .* \(did you mean "mnist"\?\)$/,
  () => ({ data: "mnsit:x" }),
);
for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
  const inherited: readonly QatOptions[] = [
    { arch: name },
    { optimizer: name },
    { data: name },
    { data: `${name}:x` },
    { normalize: name },
    { swap: name },
    { swap: `${name}:relu` },
    { swap: `leaky_relu:${name}` },
    { task: name },
    { target: name },
    { recipe: name },
    JSON.parse(`{ "device": "${name}" }`),
    JSON.parse(`{ "backend": "${name}" }`),
    JSON.parse(`{ "inputLayout": "${name}" }`),
  ];
  for (const options of inherited) {
    refuses(`${JSON.stringify(options)}, which every object has`, /^Cannot .*(needed is|are needed)/, () => options);
  }
}
refuses(
  "a model and an architecture",
  `Cannot use --model and --arch together: "cifar_cnn" is trained from nothing`,
  () => ({ model: "model.json", arch: "cifar_cnn" }),
);
refuses(
  "names of outputs without a model",
  "Cannot use --outputs without --model: an architecture has one output",
  () => ({ outputs: ["softmax"] }),
);
refuses(
  "target columns of data that is no table",
  'Cannot open the data "generated" with the targets age: it has no columns, needed is a table (csv:FILE)',
  () => ({ targets: ["age"] }),
);
refuses(
  "an output that the model does not have",
  /^Cannot train outputs of "DIR\/in\/model\.json" "dens": needed is one of dense \(did you mean "dense"\?\)$/,
  async (dir) => ({ ...await tiny(dir), outputs: ["dens"] }),
);
for (
  const [options, message] of [
    [{ task: "regresion" }, /^Cannot use --task "regresion": needed is one of .* \(did you mean "regression"\?\)$/],
    [{ target: "x68" }, /^Cannot .*"x68": needed is one of .* \(did you mean "x86"\?\)$/],
    [{ recipe: "four-bit-weight" }, /^Cannot use recipe .* \(did you mean "four-bit-weights"\?\)$/],
  ] as const
) {
  refuses(`${JSON.stringify(options)}, which is spelled wrong`, message, () => options);
}
refuses("to write to no path", `Cannot use --out "": a text that is not empty is needed`, () => ({ out: "" }));
refuses(
  "to keep a layer in float that is not there",
  `Cannot keep layers of "tiny" in float: none is called "cnov" (did you mean "conv"?)`,
  async (dir) => ({ ...await tiny(dir), keepFloat: ["cnov"] }),
);

// Models.

refuses("a model that is not there", /^Cannot load "DIR\/none": there is no such file or folder/, (dir) => ({
  model: `${dir}/none`,
}));
refuses(
  "a truncated model.json",
  /^Cannot load "DIR\/in\/model\.json": it is not valid JSON \(damaged or truncated\)/,
  async (dir) => {
    const options = await tiny(dir);
    const text = Deno.readTextFileSync(options.model!);
    Deno.writeTextFileSync(options.model!, text.slice(0, text.length / 2));
    return options;
  },
);
refuses(
  "a model without its weights",
  /the weights file "DIR\/in\/weights\.bin" cannot be read: there is no such/,
  async (dir) => {
    const options = await tiny(dir);
    Deno.removeSync(`${dir}/in/weights.bin`);
    return options;
  },
);
refuses(
  "weights that were cut off",
  /the weights file "DIR\/in\/weights\.bin" is 99 bytes, \d+ are needed/,
  async (dir) => {
    const options = await tiny(dir);
    Deno.truncateSync(`${dir}/in/weights.bin`, 99);
    return options;
  },
);
refuses(
  "weights that are no numbers",
  /the weight "conv\/kernel" holds NaN or Infinity in 1 of 108 places/,
  async (dir) => {
    const options = await tiny(dir);
    const bytes = Deno.readFileSync(`${dir}/in/weights.bin`);
    new DataView(bytes.buffer).setFloat32(0, NaN, true);
    Deno.writeFileSync(`${dir}/in/weights.bin`, bytes);
    return options;
  },
);
refuses(
  "a layer of an unknown class",
  /the layer "pool" has the class "Swirl", which is not known here/,
  async (dir) => {
    const options = await tiny(dir);
    const text = Deno.readTextFileSync(options.model!);
    Deno.writeTextFileSync(options.model!, text.replace(`"GlobalAveragePooling2D"`, `"Swirl"`));
    return options;
  },
);
refuses("a graph-model of no nodes", /its graph has no nodes, at least one is needed/, (dir) => {
  Deno.writeTextFileSync(`${dir}/model.json`, JSON.stringify({ modelTopology: { node: [] }, weightsManifest: [] }));
  return { model: dir };
});
refuses(
  "a model of other classes than the data's",
  `Cannot train "DIR/in/model.json" by classification: its output "dense" is [?,7], for 10 classes [?,10] is needed; ` +
    `if it is no classifier, another task is`,
  (dir) => tiny(dir, { classes: 7 }),
);
refuses(
  "a model that takes no images",
  `Cannot feed "generated train" to "DIR/in/model.json": its input is [?,5], one [?,32,32,3] is needed`,
  async (dir) => ({
    model: await save(tfl.sequential({ layers: [tfl.layers.dense({ units: 10, inputShape: [5] })] }), `${dir}/in`),
  }),
);
refuses(
  "a model of two inputs",
  `Cannot feed "generated train" to "DIR/in/model.json": its input is [?,8,8,3] and [?,8,8,3], one [?,32,32,3] is needed`,
  async (dir) => {
    const inputs = ["a", "b"].map((name) => tfl.input({ shape: [8, 8, 3], name }));
    const flat = apply(tfl.layers.flatten(), apply(tfl.layers.add(), ...inputs));
    const outputs = apply(tfl.layers.dense({ units: 10, name: "dense" }), flat);
    return { model: await save(seedWeights(tfl.model({ inputs, outputs })), `${dir}/in`) };
  },
);

// Data.

/** An IDX file of unsigned bytes. */
function idx(dims: readonly number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * dims.length));
  header.setUint32(0, 0x800 + dims.length);
  dims.forEach((dim, i) => header.setUint32(4 + 4 * i, dim));
  return new Uint8Array([...new Uint8Array(header.buffer), ...data]);
}

/** Writes an MNIST of 8×8 pixels into `dir`. */
function mnist(dir: string, { label = 3, cut = 0, count = 4 } = {}): QatOptions {
  for (const half of ["train", "t10k"]) {
    const images = idx([count, 8, 8], new Uint8Array(64 * count));
    Deno.writeFileSync(`${dir}/${half}-images-idx3-ubyte`, images.subarray(0, images.length - cut));
    Deno.writeFileSync(`${dir}/${half}-labels-idx1-ubyte`, idx([count], new Uint8Array(count).fill(label)));
  }
  return { data: `mnist:${dir}` };
}

refuses("data that is not there", /^Cannot read (the folder )?"DIR\/none"/, (dir) => ({ data: `mnist:${dir}/none` }));
refuses("a truncated IDX file", /^Cannot read "DIR\/train-images-idx3-ubyte": /, (dir) => mnist(dir, { cut: 9 }));
refuses(
  "a label out of range",
  `Cannot read "DIR/train-labels-idx1-ubyte": label 0 is 11, needed is 0 to 9`,
  (dir) => mnist(dir, { label: 11 }),
);
refuses(
  "an empty data set",
  /^Cannot read "DIR\/train-images-idx3-ubyte": it has no images/,
  (dir) => mnist(dir, { count: 0 }),
);
refuses("a truncated CIFAR-10 batch", /^Cannot read "DIR\/data_batch_1\.bin": /, (dir) => {
  for (const name of ["data_batch_1.bin", "test_batch.bin"]) Deno.writeFileSync(`${dir}/${name}`, new Uint8Array(3000));
  return { data: `cifar10:${dir}` };
});

/** Writes a folder of `count` images a class. */
async function photos(dir: string, { classes = ["cat", "dog"], count = 5 } = {}): Promise<QatOptions> {
  for (const [i, name] of classes.entries()) {
    Deno.mkdirSync(`${dir}/photos/${name}`, { recursive: true });
    const background = { r: 250 * i, g: 60, b: 90 };
    const image = await sharp({ create: { width: 16, height: 16, channels: 3, background } }).png().toBuffer();
    for (let k = 0; k < count; k++) Deno.writeFileSync(`${dir}/photos/${name}/${k}.png`, image);
  }
  return { data: `folder:${dir}/photos` };
}

refuses(
  "images that cannot be read, by name and number",
  /^Cannot read 2 images, the first of "DIR\/photos": "DIR\/photos\/(cat|dog)\/bad\.jpg" \(.*or --skip-bad-images$/,
  async (dir) => {
    const options = await photos(dir);
    for (const name of ["cat", "dog"]) Deno.writeTextFileSync(`${dir}/photos/${name}/bad.jpg`, "no image");
    return { ...options, ...await tiny(dir, { classes: 2 }) };
  },
);
refuses("a folder without classes", /^Cannot read "DIR\/photos": it has no folders/, (dir) => {
  Deno.mkdirSync(`${dir}/photos`);
  return { data: `folder:${dir}/photos` };
});
refuses(
  "a folder of one class",
  `Cannot train "DIR/in/model.json" on "DIR/photos train" by classification: the data has 1 class, at least 2 are needed`,
  async (dir) => ({ ...await photos(dir, { classes: ["cat"] }), ...await tiny(dir, { classes: 1 }) }),
);
refuses(
  "to build a network for one class",
  /^Cannot train "cifar_cnn" on "DIR\/photos train" by classification: the data has 1 class, at least 2 are needed/,
  (dir) => photos(dir, { classes: ["cat"] }),
);

Deno.test("runQat() leaves out images that cannot be read when asked to, and names them", () =>
  withFolder(async (dir) => {
    const options = { ...await photos(dir), ...await tiny(dir, { classes: 2 }) };
    Deno.writeTextFileSync(`${dir}/photos/cat/bad.jpg`, "no image");
    const log: string[] = [];
    const { data } = await runQat({ ...SMALL, ...options, out: `${dir}/out`, skipBadImages: true }, {
      log: (line) => log.push(line),
    });
    assert.deepEqual([data!.train! + data!.validation! + data!.test!, data!.facts![0]], [10, "2 classes"]);
    assert.ok(log.some((line) => line.startsWith(`Left out "${dir}/photos/cat/bad.jpg": `)));
    assert.ok(log.includes("1 image could not be read."));
  }));

// Output.

refuses(
  "to write where a file is",
  `Cannot write to "DIR/file": a file of that name exists, a folder is needed`,
  (dir) => {
    Deno.writeTextFileSync(`${dir}/file`, "mine");
    return { out: `${dir}/file` };
  },
);
refuses("to write below a file", /^Cannot write to "DIR\/file\/out": a part of the path is a file/, (dir) => {
  Deno.writeTextFileSync(`${dir}/file`, "mine");
  return { out: `${dir}/file/out` };
});
refuses(
  "to write a file where a folder is",
  `Cannot write to "DIR/out/report.json": it is a folder, a file is needed`,
  (dir) => {
    Deno.mkdirSync(`${dir}/out/report.json`, { recursive: true });
    return { out: `${dir}/out` };
  },
);
refuses(
  "to write the model where a file is",
  `Cannot write to "DIR/out/qat": a file of that name exists, a folder is needed`,
  (dir) => {
    Deno.mkdirSync(`${dir}/out`);
    Deno.writeTextFileSync(`${dir}/out/qat`, "mine");
    return { out: `${dir}/out` };
  },
);
