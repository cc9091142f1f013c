import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../../../src/backend/mod.ts";
import { Random } from "../../../src/numbers/random.ts";
import { testWithShared } from "../../../tests/_support/shared.ts";
import { detectionOf } from "../../detection.ts";
import { loadDarknet } from "./mod.ts";
import { type Plain, runPlainly } from "./_test_plain.ts";

const net = (height: number, width: number, channels = 3) =>
  `[net]\nheight=${height}\nwidth=${width}\nchannels=${channels}\n`;
const conv = (filters: number, more = "") => `[convolutional]\nfilters=${filters}\n${more}\n`;

/** Runs `fn` with a folder that is removed afterwards. */
async function withFolder<T>(fn: (dir: string) => Promise<T>): Promise<T> {
  const dir = Deno.makeTempDirSync();
  try {
    return await fn(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** A file of so many random numbers, with the header of a version; every fourth part positive, for variances. */
function weightsFile(count: number, { seed, isWide = true }: { readonly seed: number; readonly isWide?: boolean }) {
  const random = new Random(seed);
  const header = isWide ? [0, 2, 0, 7, 0] : [0, 1, 0, 7];
  const bytes = new Uint8Array(4 * (header.length + count));
  const view = new DataView(bytes.buffer);
  header.forEach((value, i) => view.setInt32(4 * i, value, true));
  for (let i = 0; i < count; i++) view.setFloat32(4 * (header.length + i), random.between(0.05, 0.6), true);
  return bytes;
}

function pictureOf(model: tfl.LayersModel, seed: number): { readonly tensor: tf.Tensor; readonly plain: Plain } {
  const [, h, w, c] = model.inputs[0].shape as number[];
  const random = new Random(seed);
  const values = Float32Array.from({ length: h * w * c }, () => random.between(-1, 1));
  const plain = new Float64Array(values.length);
  values.forEach((value, i) => plain[(i % c) * h * w + Math.floor(i / c)] = value);
  return { tensor: tf.tensor(values, [1, h, w, c]), plain: { c, h, w, values: plain } };
}

/**
 * Asserts that an answer [1, h, w, c] or [1, c] is what the plain pass gives, within float32's rounding. darknet has the
 * numbers of SELU to five digits.
 */
async function assertSame(answer: tf.Tensor, { c, h, w, values }: Plain, what: string): Promise<void> {
  const most = what.includes("selu") ? 1e-4 : 1e-5;
  assert.equal(answer.size, values.length, what);
  const actual = await answer.data();
  const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  for (let i = 0; i < values.length; i++) {
    const expected = values[(i % c) * h * w + Math.floor(i / c)];
    assert.ok(Math.abs(actual[i] - expected) <= most * scale, `${what}: number ${i} is ${actual[i]}, not ${expected}`);
  }
}

/** Loads a configuration with random weights, and holds what it gives to the plain pass. */
function assertPlain(cfg: string, count: number, { seed = 1, isWide = true } = {}): Promise<tfl.LayersModel> {
  return withFolder(async (dir) => {
    await registerBackend();
    const bytes = weightsFile(count, { seed, isWide });
    await Deno.writeTextFile(`${dir}/net.cfg`, cfg);
    await Deno.writeFile(`${dir}/net.weights`, bytes);
    const model = await loadDarknet({ cfg: `${dir}/net.cfg`, weights: `${dir}/net.weights` });
    const { tensor, plain } = pictureOf(model, seed);
    const expected = runPlainly(cfg, bytes, plain);
    const answers = [model.predict(tensor)].flat();
    const heads = detectionOf(model) === undefined ? [expected.length - 1] : headsOf(cfg);
    assert.equal(answers.length, heads.length);
    for (const [i, head] of heads.entries()) await assertSame(answers[i], expected[head], `${cfg}\noutput ${i}`);
    return model;
  });
}

/** Places of the sections that give boxes. */
function headsOf(cfg: string): number[] {
  return [...cfg.matchAll(/^\[(\w+)\]/gm)].slice(1).flatMap(([, kind], i) => /yolo|region/.test(kind) ? [i] : []);
}

Deno.test("loadDarknet() gives what a plain forward pass does, for every activation, with and without batch norm", async () => {
  const all = ["linear", "leaky", "relu", "relu6", "logistic", "tanh", "elu", "selu", "mish", "swish"];
  for (const [i, activation] of all.entries()) {
    const isNormalized = i % 2 === 0;
    const more = `size=3\nstride=1\npad=1\nactivation=${activation}${isNormalized ? "\nbatch_normalize=1" : ""}`;
    await assertPlain(net(5, 6) + conv(4, more), 4 + (isNormalized ? 12 : 0) + 4 * 27, { isWide: i % 3 > 0, seed: i });
  }
});

Deno.test("loadDarknet() pads convolutions as darknet does, for sizes, strides, and sides odd and even", async () => {
  for (const [size, stride, pad] of [[3, 2, 1], [2, 1, 1], [1, 2, 0], [5, 3, 1], [4, 2, 1], [3, 1, 0], [7, 2, 1]]) {
    for (const [h, w] of [[9, 8], [8, 11]]) {
      const more = `size=${size}\nstride=${stride}\npad=${pad}\nactivation=leaky`;
      await assertPlain(net(h, w, 2) + conv(3, more), 3 + 3 * 2 * size * size);
    }
  }
  await assertPlain(net(9, 8, 2) + conv(3, "size=3\nstride=2\npadding=2\nactivation=linear"), 3 + 54);
});

Deno.test("loadDarknet() pools as darknet does, for sizes, strides, and sides odd and even", async () => {
  for (const [size, stride] of [[2, 2], [2, 1], [3, 2], [3, 1], [3, 3], [5, 1], [5, 2], [9, 1]]) {
    for (const [h, w] of [[9, 12], [12, 11], [10, 10]]) {
      const cfg = `${net(h, w, 2)}${conv(2, "size=1\nactivation=linear")}[maxpool]\nsize=${size}\nstride=${stride}\n`;
      await assertPlain(cfg, 2 + 4);
      await assertPlain(`${cfg}padding=0\n`, 2 + 4);
    }
  }
});

Deno.test("loadDarknet() routes, adds, upsamples, averages, and connects what was a picture as darknet lays it out", async () => {
  const body = net(8, 6) +
    conv(4, "size=3\npad=1\nactivation=relu\nbatch_normalize=1") + // 0
    conv(4, "size=3\npad=1\nactivation=linear") + // 1
    "[shortcut]\nfrom=-2\nactivation=leaky\n" + // 2
    "[maxpool]\nsize=2\nstride=2\n" + // 3
    "[upsample]\nstride=2\n" + // 4
    "[route]\nlayers=-1,0,-3\n"; // 5: 12 channels
  const count = 4 + 12 + 108 + 4 + 144;
  await assertPlain(body, count);
  await assertPlain(`${body}[dropout]\nprobability=.3\n[avgpool]\n[softmax]\n[cost]\n`, count);
  const last = conv(3, "size=1\nactivation=linear") + "[shortcut]\nfrom=-1\nactivation=linear\n[softmax]\n";
  await assertPlain(`${body}[avgpool]\n${last}`, count + 3 + 36);
  await assertPlain(`${body}[avgpool]\n[route]\nlayers=-1,-1\n[upsample]\nstride=3\n`, count);
  // What is larger than it was is still a picture of so many rows and columns.
  await assertPlain(
    `${body}[upsample]\nstride=2\n[connected]\noutput=2\nactivation=linear\n`,
    count + 2 + 2 * 12 * 16 * 12,
  );
  await assertPlain(`${body}[route]\nlayers=2\n[connected]\noutput=5\nactivation=leaky\n`, count + 5 + 5 * 192);
  const twice = "[connected]\noutput=5\nactivation=relu\nbatch_normalize=1\n[connected]\noutput=3\nactivation=linear\n";
  for (const [filters, stride] of [[2, 1], [7, 1], [2, 2], [4, 2], [7, 2]]) {
    const halved = conv(filters, `size=1\nstride=${stride}\nactivation=leaky`);
    const added = "[shortcut]\nfrom=0,-1,1\nactivation=relu\n";
    await assertPlain(`${body}[route]\nlayers=2\n${halved}${added}`, count + filters + 4 * filters);
  }
  await assertPlain(body + twice, count + 5 + 5 * 576 + 15 + 3 + 15);
  const depthwise = conv(12, "size=3\npad=1\nstride=2\ngroups=12\nactivation=leaky\nbatch_normalize=1");
  await assertPlain(body + depthwise, count + 48 + 108);
  const grouped = conv(8, "size=3\npad=1\nstride=2\ngroups=4\nactivation=leaky\nbatch_normalize=1");
  await assertPlain(body + grouped, count + 32 + 8 * 3 * 9);
  for (const group of [0, 1]) {
    await assertPlain(`${body}[route]\nlayers=-1\ngroups=2\ngroup_id=${group}\n`, count);
    await assertPlain(`${body}[route]\nlayers=2,-1\ngroups=4\ngroup_id=${2 + group}\n`, count);
  }
});

Deno.test("loadDarknet() names outputs of boxes by their strides, and says what they mean", async () => {
  const head = (classes: number, mask: string) =>
    conv(2 * (5 + classes), "size=1\nactivation=linear") +
    `[yolo]\nmask=${mask}\nanchors=10,14, 23,27, 37,58, 81,82\nclasses=${classes}\nnum=4\n`;
  const cfg = net(16, 32) + conv(4, "size=3\nstride=4\npad=1\nactivation=leaky") + head(3, "2,3") +
    "[route]\nlayers=0\n[upsample]\n" + head(3, "0,1");
  const model = await assertPlain(cfg, 4 + 108 + 2 * (16 + 64));
  assert.deepEqual(model.outputNames, ["boxes_4", "boxes_2"]);
  assert.deepEqual(detectionOf(model), {
    kind: "yolov3",
    anchors: [[[37, 58], [81, 82]], [[10, 14], [23, 27]]],
    classes: 3,
  });
  const far = cfg.replace("num=4", "num=4\nscale_x_y=1.05");
  assert.deepEqual(detectionOf(await assertPlain(far, 4 + 108 + 2 * (16 + 64)))?.reach, [1.05, 1]);
  const region = net(16, 32) + conv(14, "size=3\nstride=4\npad=1\nactivation=linear") +
    "[region]\nanchors=1,2,.5,.25\nnum=2\nclasses=2\ncoords=4\nsoftmax=1\n";
  const old = await assertPlain(region, 14 + 14 * 27);
  assert.deepEqual(detectionOf(old), { kind: "region", anchors: [[[4, 8], [2, 1]]], classes: 2 });
});

Deno.test("loadDarknet() gives one seed's weights without a file of them", () =>
  withFolder(async (dir) => {
    await registerBackend();
    await Deno.writeTextFile(`${dir}/net.cfg`, net(4, 4) + conv(3, "size=3\npad=1\nactivation=relu"));
    const kernels = await Promise.all([1, 1, 2].map(async (seed) => {
      const [kernel] = (await loadDarknet({ cfg: `${dir}/net.cfg`, seed })).getWeights();
      return (await kernel.data()).join();
    }));
    assert.equal(kernels[0], kernels[1]);
    assert.notEqual(kernels[0], kernels[2]);
  }));

const GOOD = net(8, 8) + conv(4, "size=3\npad=1\nactivation=leaky");

/** Configurations with a fault, and what is said of it behind the file's name. */
const FAULTS: readonly (readonly [cfg: string, message: RegExp])[] = [
  ["", /needed is \[net\] as the first section/],
  ["hello", /line 1 is "hello", needed is \[section\] or, in one, key=value/],
  ["[convolutional]\nfilters=1\n", /\[convolutional\] at line 1: needed is \[net\]/],
  [net(8, 8), /\[net\] at line 1: it has no layers behind it/],
  ["[net]\nheight=8\nchannels=3\n[avgpool]\n", /\[net\] at line 1: it has no "width", needed is a whole number/],
  [net(8, 8) + "[deformable]\n", /\[deformable\] at line 5: it cannot be imported, needed is one of convolutional/],
  [net(8, 8) + conv(4, "size=three\nactivation=relu"), /"size" is "three", needed is a whole number from 1 to 64/],
  [net(8, 8) + conv(4, "activation=laeky"), /"activation" is "laeky", .*did you mean "leaky"/],
  [net(8, 8) + conv(4, "size=9\nactivation=relu"), /its output is 0x0, nothing is left of the picture/],
  [GOOD + "[route]\nlayers=0\ngroups=3\n", /3 groups do not part 4 channels evenly/],
  [GOOD + "[route]\nlayers=0\ngroups=2\ngroup_id=2\n", /"group_id" is "2", needed is a whole number from 0 to 1/],
  [net(8, 8, 4) + conv(4, "groups=3\nactivation=relu"), /3 groups part neither 4 channels nor 4 filters evenly/],
  [GOOD + "[shortcut]\nfrom=-3\nactivation=linear\n", /"from" names layer -3, needed is one of the 1 before it/],
  [GOOD + "[route]\nlayers=4\n", /"layers" names layer 4/],
  [GOOD + "[route]\nlayers=a\n", /"layers" is "a", needed are numbers/],
  [GOOD + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=0,1\n", /its layers are 8x8x4 and 4x4x4, one height and width/],
  [
    GOOD + conv(2, "stride=3\nactivation=linear") + "[shortcut]\nfrom=0\nactivation=linear\n",
    /it adds 8x8x4 to 3x3x2, needed are sides that are the same or a multiple/,
  ],
  [GOOD + "[yolo]\nanchors=1,2\nnum=1\nclasses=2\n", /has 4 channels, for 1 anchors of 2 classes 7 are needed/],
  [GOOD + "[yolo]\nanchors=1,2,3\nnum=1\nclasses=2\n", /it has 3 numbers of anchors, needed are 2 above 0/],
  [
    net(8, 8) + conv(6, "activation=linear") + "[yolo]\nanchors=1,2\nnum=1\nclasses=1\nscale_x_y=0.9\n",
    /"scale_x_y" is "0.9", needed is a number from 1 to 4/,
  ],
  [GOOD + "[yolo]\nmask=1\nanchors=1,2\nnum=1\nclasses=2\n", /"mask" names anchor 1/],
  [GOOD + "[convolutional]\nbinary=1\n", /"binary" is "1", only 0 can be imported/],
  [GOOD + conv(1e6, ""), /"filters" is "1000000"/],
  [GOOD + "[upsample]\nstride=65\n", /"stride" is "65", needed is a whole number from 1 to 64$/],
  [GOOD + "[upsample]\nstride=0\n", /"stride" is "0", needed is a whole number from 1 to 64$/],
  [GOOD + conv(4, "padding=65"), /"padding" is "65", needed is a whole number from 0 to 64$/],
  [GOOD + "[maxpool]\nsize=2\npadding=4\n", /"padding" is 4, less than twice its size of 2 is needed$/],
  [GOOD + "[maxpool]\nsize=2\npadding=3\n", /"padding" is 3 at size 2 and stride 1, 0 or 1 is needed$/],
  [GOOD + "[dropout]\nprobability=1\n", /"probability" is 1, needed is a number from 0 to below 1$/],
  [GOOD + "[route]\nlayers=0.5\n", /"layers" names layer 0.5, needed is one of the 1 before it$/],
  [GOOD + "[route]\nlayers=-2\n", /"layers" names layer -2, needed is one of the 1 before it$/],
  [GOOD + "[connected]\noutput=70000\n", /"output" is "70000", needed is a whole number from 1 to 65536$/],
  [GOOD + "[convolutional]\nsize=+\n", /"size" is "\+", needed is a whole number/],
];

Deno.test("loadDarknet() names the section and the line of what it cannot import", () =>
  withFolder(async (dir) => {
    const path = `${dir}/net.cfg`;
    for (const [cfg, message] of FAULTS) {
      await Deno.writeTextFile(path, cfg);
      await assert.rejects(loadDarknet({ cfg: path }), (error: Error) => {
        assert.equal(error.name, "ModelFileError", String(error.stack));
        assert.ok(error.message.startsWith(`Cannot load "${path}": `), error.message);
        assert.match(error.message, message);
        return true;
      });
    }
    await assert.rejects(loadDarknet({ cfg: `${dir}/none.cfg` }), /^ModelFileError: Cannot load ".*none.cfg": /);
  }));

Deno.test("loadDarknet() says where weights end too soon, that there are too many, and which is no number", () =>
  withFolder(async (dir) => {
    const files = { cfg: `${dir}/net.cfg`, weights: `${dir}/net.weights` };
    await Deno.writeTextFile(files.cfg, GOOD);
    const load = async (bytes: Uint8Array) => {
      await Deno.writeFile(files.weights, bytes);
      return await loadDarknet(files);
    };
    const sound = weightsFile(112, { seed: 1 });
    await load(sound);
    const short = /it ends in the kernel of \[convolutional\] at line 5 .*, which are 108 numbers where 107 are left/;
    await assert.rejects(load(sound.subarray(0, sound.length - 1)), short);
    await assert.rejects(load(sound.subarray(0, 30)), /ends in the biases .* 4 numbers where 2 are left/);
    await assert.rejects(load(sound.subarray(0, 7)), /it has 7 bytes, no header/);
    await assert.rejects(load(new Uint8Array([...sound, 0, 0])), /it has 2 bytes more than its configuration asks for/);
    new DataView(sound.buffer).setFloat32(24, NaN, true);
    await assert.rejects(load(sound), /number 1 of the biases .* is NaN/);
  }));

Deno.test("loadDarknet() finds the weights behind the header of any version, whose count of pictures is of 64 bits or of 32", () =>
  withFolder(async (dir) => {
    await registerBackend();
    const files = { cfg: `${dir}/net.cfg`, weights: `${dir}/net.weights` };
    await Deno.writeTextFile(files.cfg, net(4, 4, 1) + conv(1, "size=1\nactivation=linear"));
    // darknet's own rule: major * 10 + minor >= 2, and neither is 1000 or more.
    const wide = [[0, 2], [1, 0], [0, 999], [999, 999], [0, 3]];
    const narrow = [[0, 0], [0, 1], [1000, 2], [1, 1000], [-1, 5]];
    for (const [version, words] of [...wide.map((v) => [v, 2] as const), ...narrow.map((v) => [v, 1] as const)]) {
      const numbers = [...version, 0, ...Array(words).fill(7)];
      const bytes = new Uint8Array(4 * (numbers.length + 2));
      const view = new DataView(bytes.buffer);
      numbers.forEach((value, i) => view.setInt32(4 * i, value, true));
      [0.25, 3].forEach((value, i) => view.setFloat32(4 * (numbers.length + i), value, true));
      await Deno.writeFile(files.weights, bytes);
      const model = await loadDarknet(files);
      assert.deepEqual(model.getWeights().map((weight) => weight.dataSync()[0]), [3, 0.25], `${version}`);
      model.dispose();
    }
  }));

testWithShared("loadDarknet() builds darknet's own configurations", "models/darknet", async (dir) => {
  await registerBackend();
  // Numbers of darknet's own files of weights, and what picks channels in three shortcuts of resnet18.
  const picked = 64 * 128 + 128 * 256 + 256 * 512;
  const counts = { "yolov3-tiny": 8_858_734, yolov3: 62_001_757, darknet53: 41_645_640, resnet18: 11_523_496 + picked };
  for (const [name, count] of Object.entries(counts)) {
    const model = await loadDarknet({ cfg: `${dir}/${name}.cfg` });
    assert.equal(model.countParams(), count, name);
    model.dispose();
  }
});

testWithShared(
  "loadDarknet() answers with yolo_lite_voc's weights as a plain forward pass",
  "models/darknet",
  async (dir) => {
    await registerBackend();
    const files = { cfg: `${dir}/yolo_lite_voc.cfg`, weights: `${dir}/yolo_lite_voc.weights` };
    const model = await loadDarknet(files);
    assert.deepEqual(model.outputs[0].shape, [null, 7, 7, 125]);
    const { tensor, plain } = pictureOf(model, 3);
    const expected = runPlainly(await Deno.readTextFile(files.cfg), await Deno.readFile(files.weights), plain);
    await assertSame(model.predict(tensor) as tf.Tensor, expected[expected.length - 1], "yolo_lite_voc");
  },
);
