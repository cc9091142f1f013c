import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { readCifar10 } from "../../../data/sources/cifar10.ts";
import { readMnist } from "../../../data/sources/mnist.ts";
import { registerBackend } from "../../../src/backend/mod.ts";
import { Random } from "../../../src/numbers/random.ts";
import { fromModel, toModel } from "../../../src/rewrite/mod.ts";
import { predict, randomTensor, seedWeights } from "../../../tests/_support/small_models.ts";
import { aimsOf } from "./_aims.ts";
import type { MethodFigures, MethodResult } from "./_figures.ts";
import { methodsPage } from "./_markdown.ts";
import { netOf, NETS } from "./_nets.ts";
import { npy } from "./_peer.ts";
import { rowsOf } from "./_rows.ts";
import { spreadOver, writeCifar, writeCifarCalibration, writeMnistCalibration } from "./_splits.ts";
import { medianRatio } from "./judge_peer.ts";
import { rescale } from "./rescale.ts";

const { layers } = tfl;

async function inTemporary(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Records of CIFAR-10 whose label and bytes say which they are. */
function records(from: number, count: number): Uint8Array {
  const bytes = new Uint8Array(3073 * count);
  for (let i = 0; i < count; i++) bytes.set([(from + i) % 10, (from + i) & 255, (from + i) >> 8], 3073 * i);
  return bytes;
}

Deno.test("writeCifar() holds the last 5,000 training pictures out, and judges by them and the test file's", async () => {
  await inTemporary(async (dir) => {
    await Deno.writeFile(`${dir}/data_batch_1.bin`, records(0, 4000));
    await Deno.writeFile(`${dir}/data_batch_2.bin`, records(4000, 2000));
    await Deno.writeFile(`${dir}/test_batch.bin`, records(6000, 10));
    await writeCifar(dir, `${dir}/split`, {});
    const { train, test } = await readCifar10(`${dir}/split`);
    assert.deepEqual([train.count, test.count], [1000, 5010]);
    const numberOf = ({ images }: typeof train, i: number) => images[3072 * i] + 256 * images[3072 * i + 3];
    assert.deepEqual([numberOf(train, 0), numberOf(train, 999)], [0, 999]);
    assert.deepEqual([numberOf(test, 0), numberOf(test, 4999), numberOf(test, 5009)], [1000, 5999, 6009]);
    await writeCifar(dir, `${dir}/quick`, { train: 7, test: 3 });
    const quick = await readCifar10(`${dir}/quick`);
    assert.deepEqual([quick.train.count, quick.test.count], [7, 3]);
    await writeCifarCalibration(`${dir}/split`, `${dir}/some`, 4);
    const some = await readCifar10(`${dir}/some`);
    assert.deepEqual([0, 1, 2, 3].map((i) => numberOf(some.train, i)), [0, 250, 500, 750]);
  });
});

Deno.test("writeMnistCalibration() writes some of the training pictures in MNIST's form", async () => {
  await inTemporary(async (dir) => {
    const idx = (dims: readonly number[], data: readonly number[]) =>
      Uint8Array.of(0, 0, 8, dims.length, ...dims.flatMap((dim) => [0, 0, 0, dim]), ...data);
    for (const half of ["train", "t10k"]) {
      await Deno.writeFile(`${dir}/${half}-images-idx3-ubyte`, idx([4, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
      await Deno.writeFile(`${dir}/${half}-labels-idx1-ubyte`, idx([4], [9, 8, 7, 6]));
    }
    await writeMnistCalibration(dir, `${dir}/some`, 2);
    const { train, test } = await readMnist(`${dir}/some`);
    assert.deepEqual([[...train.images], [...train.labels], test.count], [[1, 2, 5, 6], [9, 7], 1]);
  });
});

Deno.test("spreadOver() takes all where there are not enough", () => {
  assert.deepEqual(spreadOver(10, 4), [0, 2, 5, 7]);
  assert.deepEqual(spreadOver(3, 9), [0, 1, 2]);
});

Deno.test("npy() writes NumPy's format, its header filled up to 64 bytes", () => {
  const file = npy({ shape: [2, 1, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
  assert.deepEqual([...file.subarray(0, 8)], [0x93, 78, 85, 77, 80, 89, 1, 0]);
  const length = file[8] + 256 * file[9];
  assert.equal((10 + length) % 64, 0);
  const header = new TextDecoder().decode(file.subarray(10, 10 + length));
  assert.match(header, /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 1, 3,\), \} *\n$/);
  assert.deepEqual([...new Float32Array(file.slice(10 + length).buffer)], [1, 2, 3, 4, 5, 6]);
});

Deno.test("rescale() changes weights by powers of two, and no answer", async () => {
  await registerBackend();
  const block = (name: string, layer: tfl.layers.Layer) => [
    layer,
    layers.batchNormalization({ name: `${name}_bn` }),
    layers.reLU({ name: `${name}_relu` }),
  ];
  const model = seedWeights(tfl.sequential({
    layers: [
      ...block(
        "expand",
        layers.conv2d({ filters: 6, kernelSize: 1, useBias: false, inputShape: [6, 6, 3], name: "a" }),
      ),
      ...block("depthwise", layers.depthwiseConv2d({ kernelSize: 3, useBias: false, name: "b" })),
      layers.conv2d({ filters: 4, kernelSize: 1, name: "c" }),
      layers.batchNormalization({ name: "c_bn" }),
      layers.flatten({ name: "flat" }),
      layers.dense({ units: 3, name: "d" }),
    ],
  }));
  const { graph, channels } = rescale(fromModel(model), new Random(1));
  assert.equal(channels, 12);
  const rescaled = toModel(graph);
  const x = randomTensor([4, 6, 6, 3]);
  assert.deepEqual(predict(rescaled, [x]), predict(model, [x]));
  const ratios = ["expand_bn", "b", "depthwise_bn", "c"].map((name) => {
    const [before, after] = [model, rescaled].map((one) => one.getLayer(name).getWeights()[0].dataSync());
    return [...after].map((w, i) => Math.log2(w / before[i]));
  });
  assert.ok(ratios.flat().every((power) => Number.isInteger(power) && Math.abs(power) <= 4));
  assert.ok(new Set(ratios[0]).size > 1);
  tf.dispose(x);
});

Deno.test("medianRatio() is that of no single disturbed round", () => {
  const rounds = [[1, 2], [9, 1], [1, 2], [1, 9], [1, 2]];
  assert.equal(medianRatio(() => rounds.shift()!), 0.5);
});

Deno.test("rows of a net have names of their own, and every net comes from one that there is", () => {
  for (const net of NETS) {
    const names = rowsOf(net).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    if ("from" in net.float && net.float.from !== undefined) netOf(net.float.from);
  }
  assert.throws(() => netOf("lenett"), /Cannot find the net "lenett": needed is one of lenet, /);
});

const FIGURES: MethodFigures = {
  metric: "accuracy",
  unit: "fraction",
  count: 6000,
  float: 0.9,
  reference: "original",
  original: 0.9,
  reached: 0.899,
  isSimulated: false,
  change: { low: -0.0028, high: 0.0008, p: 0.2 },
  sqnrDb: 31.24,
  latencyMs: { float: 0.4, deployed: 0.3, unsteady: false },
  bytes: { float: 1_100_000, deployed: 330_000 },
  seconds: 3.24,
};

function result(net: string, row: string, figures: Partial<MethodFigures> = {}): MethodResult {
  return {
    net,
    row,
    command: "deno task ptq",
    commit: "abc",
    machine: "2 cores",
    date: "2026-11-27",
    seconds: 12,
    figures: { ...FIGURES, ...figures },
  };
}

Deno.test("methodsPage() writes a table a net, with changes against the float model or the control", () => {
  const rows = [
    result("resnet20", "static"),
    result("resnet20", "qat-1", { reference: "control", float: 0.91, sqnrDb: null, latencyMs: null, change: null }),
    result("resnet20", "four-adaround", { isSimulated: true, bytes: null }),
  ];
  const page = methodsPage({ rows });
  assert.match(page, /Float: 90\.00 % of 6,000\. Commit abc; 2 cores; 2026-11-27\./);
  assert.ok(page.includes(
    "| static, the default of `deno task ptq` | 89.90 % | −0.28 to +0.08; 0.20 | 31.2 dB | 0.300 (0.75) | 330 (0.30) | 3.2 |\n" +
      "| its control | 91.00 % |  |  |  |  |  |\n" +
      "| quantization-aware training, seed 1 | 89.90 % |  |  |  | 330 (0.30) | 3.2 |\n" +
      "| that, + adaround | 89.90 % (simulated) | −0.28 to +0.08; 0.20 |",
  ));
  assert.ok(page.includes("| resnet20/qat-1 | `deno task ptq` | 12 s |"));
});

Deno.test("the page of methods is that of docs/methods.json, where the table was run", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(`../../../docs/${name}`, import.meta.url));
  const json = await read("methods.json").catch(() => undefined);
  if (json === undefined) return;
  // Spaces of tables are `deno fmt`'s.
  const squeezed = (markdown: string) => markdown.replace(/ {2,}|-{3,}/g, (run) => run[0]).replace(/\s+/g, " ").trim();
  assert.equal(squeezed(await read("methods.md")), squeezed(methodsPage(JSON.parse(json))));
});

Deno.test("aimsOf() judges by the ends of intervals, and says nothing of what was not run", () => {
  assert.deepEqual(aimsOf([]), []);
  const ours = (latencyRatio: number, high: number) => ({
    ours: { latencyRatio, change: { low: -0.01, high, p: 0.5 } },
  });
  const aims = aimsOf([
    result("resnet20", "static", { change: { low: -0.006, high: 0, p: 0.1 } }),
    result("resnet20", "static-mse"),
    result("resnet20", "qat-0", { change: { low: -0.01, high: -0.001, p: 0.01 } }),
    result("resnet20", "qat-1"),
    result("resnet20", "peer-minmax", ours(1.2, 0.001)),
    result("resnet20", "four-adaround", { reached: 0.886 }),
    result("mobilenet_v2_relu", "tensor", { reached: 0.88 }),
    result("mobilenet_v2_rescaled", "tensor", { reached: 0.5 }),
    result("mobilenet_v2_rescaled", "tensor-equalize", { reached: 0.869 }),
  ], { commit: "", machine: "", date: "", nets: { resnet20: { oursMs: 1, peerMs: 1.1, ratio: 0.91 } } });
  assert.deepEqual(aims.map(({ measured, holds }) => [measured, holds]), [
    ["−0.60 to +0.00", false],
    ["static-mse, −0.28 to +0.08", true],
    ["−1.00 to −0.10; −0.28 to +0.08", false],
    ["−1.00 to +0.10", true],
    ["1.20 of its time", false],
    ["88.00 % as it was, 50.00 % rescaled, 86.90 % equalized", false],
    ["1.4 points", true],
    ["1.000 ms and 1.100 ms, 0.91 of its time", true],
  ]);
});
