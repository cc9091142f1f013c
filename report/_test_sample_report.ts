/** Made-up reports of several kinds of job, for tests and for looking at. */
import type { EpochReport, GraphNodeReport, LayerReport, MetricReport, Report } from "./schema.ts";

/** Makes a generator of numbers in [0, 1), the same ones for the same seed (Numerical Recipes' LCG). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const VERSIONS = {
  "tfjs-qat": "0.1.0",
  "@tensorflow/tfjs": "4.22.0",
  "onnxruntime-node": "1.30.0",
  deno: "2.9.6",
};

const FILES = [
  { path: "model.int8.onnx", what: "int8 model", bytes: 312_480 },
  { path: "model.float.onnx", what: "float model, same weights", bytes: 1_162_304 },
  { path: "qat/model.json", what: "TF.js model", bytes: 41_120 },
  { path: "report.json", what: "these numbers", bytes: 18_442 },
];

/** An output called "dense" that is judged by its share of right answers. */
const ACCURACY = { name: "accuracy", output: "dense", unit: "fraction", better: "higher" } as const;

const VALUE = { name: ACCURACY.name, output: ACCURACY.output };

/** What all reports on one output of classes say. */
function classification(values: Pick<MetricReport, "float" | "simulated" | "deployed" | "count">) {
  return {
    task: { name: "classification", outputs: [{ name: "dense", task: "classification" }] },
    metrics: [{ ...ACCURACY, ...values }],
  };
}

/** Makes epochs of which the last but one is the best, with a deployed accuracy of `best`. */
function sampleEpochs(epochs: number, { best }: { best: number }): EpochReport[] {
  const random = seeded(7);
  return Array.from({ length: epochs }, (_, i) => {
    const simulated = best - 0.001 - 0.032 * Math.exp(-i / 1.6) + (random() - 0.5) * 0.002;
    return {
      epoch: i + 1,
      loss: 0.11 + 0.42 * Math.exp(-i / 1.9) + random() * 0.01,
      metrics: [{
        name: ACCURACY.name,
        output: ACCURACY.output,
        simulated: Number(simulated.toFixed(4)),
        deployed: i === epochs - 2 ? best : Number((simulated + (random() - 0.5) * 0.0012).toFixed(4)),
      }],
      observing: i < 4,
      trainingBatchNorm: i < 3,
      stepMs: 168 + random() * 8,
    };
  });
}

function layer(name: string, values: Partial<LayerReport> & { max: number; min?: number }): LayerReport {
  const { max, min = 0, ...rest } = values;
  const scale = (max - min) / 255;
  return { name, kind: "weighted", range: { min, max }, scale, zeroPoint: Math.round(-min / scale), ...rest };
}

function chain(nodes: readonly [name: string, op: string, int8?: boolean][], from = "input"): GraphNodeReport[] {
  return nodes.map(([name, op, int8 = true], i) => ({
    name,
    op,
    layer: name.replace(/(_quantize|_dequantize)$/, ""),
    int8,
    inputs: [i === 0 ? from : nodes[i - 1][0]],
  }));
}

/** A network of six convolutions, trained for eight epochs, all of it in int8. */
export function trainedReport(): Report {
  const convs = [1, 2, 3, 4, 5, 6].map((i) => `conv2d_${i}`);
  return {
    pairing: { samples: "5f".repeat(32), count: 12, kind: "hits", bytes: "/w8=" },
    schema: 5,
    ...classification({ float: 0.9334, simulated: 0.9328, deployed: 0.9326, count: 10_000 }),
    agreement: [{ output: "dense", compared: "codes", count: 100_000, different: 41, maxDifference: 1, alike: 0.9994 }],
    trainingAgreement: [{
      output: "dense",
      compared: "codes",
      count: 100_000,
      different: 95,
      maxDifference: 2,
      alike: 1,
    }],
    latencyMs: { float: { p50: 1.42, p95: 1.71 }, deployed: { p50: 0.446, p95: 0.61 }, batch: 1, threads: 2 },
    bytes: { float: 1_162_304, deployed: 312_480 },
    fusion: { int8: { QLinearConv: 6, QLinearGlobalAveragePool: 1, QGemm: 1 }, moved: { MaxPool: 3 }, float: [] },
    train: { epochs: sampleEpochs(8, { best: 0.9326 }), firstStepMs: 1220, stepMs: 171.6, peakRssMb: 812 },
    rewrites: convs.map((name, i) => ({
      rule: "leaky_relu:relu",
      layer: `leaky_re_lu_${i + 1}`,
      ok: true,
      because: `slope 0.1 dropped; fused into "${name}"`,
    })),
    seed: 1,
    versions: VERSIONS,
    model: { name: "cifar_cnn", inputs: [{ name: "input", shape: [32, 32, 3] }], layers: 23, parameters: 288_170 },
    data: { name: "cifar10:../shared/data/cifar10", train: 50_000, test: 10_000, facts: ["10 classes"] },
    command: "deno task qat --arch cifar_cnn --data cifar10:../shared/data/cifar10 --float-epochs 6 --epochs 8",
    options: { epochs: 8, "float-epochs": 6, "batch-size": 64, lr: 0.001, optimizer: "adam", "per-channel": true },
    machine: "Linux x86_64, 2 cores",
    floatBefore: [
      { step: "original", isReference: true, metrics: [{ ...VALUE, value: 0.9334 }] },
      { step: "swapped", isReference: false, metrics: [{ ...VALUE, value: 0.8871 }] },
      { step: "adapted", isReference: false, metrics: [{ ...VALUE, value: 0.9312 }] },
    ],
    layers: [
      layer("input", { kind: "rescale", className: "InputLayer", min: -2.42, max: 2.75 }),
      ...convs.map((name, i) =>
        layer(name, {
          className: "Conv2D",
          max: [3.9, 6.42, 5.17, 8.83, 4.4, 11.2][i],
          weightError: { sqnrDb: [41.2, 43.6, 44.1, 43.2, 42.8, 39.5][i] },
        })
      ),
      layer("global_average_pooling2d", { kind: "rescale", className: "GlobalAveragePooling2D", max: 4.61 }),
      layer("dense", { className: "Dense", min: -14.2, max: 18.9, weightError: { sqnrDb: 45.3 } }),
    ],
    graph: {
      nodes: chain([
        ["input_quantize", "QuantizeLinear"],
        ["conv2d_1", "QLinearConv"],
        ["conv2d_2", "QLinearConv"],
        ["max_pooling2d_1", "MaxPool"],
        ["conv2d_3", "QLinearConv"],
        ["conv2d_4", "QLinearConv"],
        ["max_pooling2d_2", "MaxPool"],
        ["conv2d_5", "QLinearConv"],
        ["conv2d_6", "QLinearConv"],
        ["max_pooling2d_3", "MaxPool"],
        ["global_average_pooling2d", "QLinearGlobalAveragePool"],
        ["dense", "QGemm"],
        ["dense_dequantize", "DequantizeLinear"],
      ]),
    },
    bestEpoch: 7,
    freeze: { observersAfter: 4, batchNormAfter: 3 },
    islands: [],
    files: FILES,
  };
}

/** Adds the nodes of one inverted residual block that reads `from`, and returns the name of its output. */
function pushBlock(
  nodes: GraphNodeReport[],
  { index, from, skip }: { index: number; from: string; skip: boolean },
): string {
  const name = `block_${index}`;
  const main = chain([
    [`${name}_expand`, "QLinearConv"],
    [`${name}_pad`, "Pad"],
    [`${name}_depthwise`, "QLinearConv"],
    [`${name}_project`, "QLinearConv"],
  ], from);
  nodes.push(...main);
  if (!skip) return `${name}_project`;
  nodes.push({
    name: `${name}_add`,
    op: "QLinearAdd",
    layer: `${name}_add`,
    int8: true,
    inputs: [from, `${name}_project`],
  });
  return `${name}_add`;
}

/** A MobileNetV2 of some 160 layers with a float island, trained for twelve epochs. */
export function residualReport(): Report {
  const random = seeded(3);
  const nodes = chain([["input_quantize", "QuantizeLinear"], ["Conv1", "QLinearConv"]]);
  let from = "Conv1";
  const skips = [0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0];
  skips.forEach((skip, index) => (from = pushBlock(nodes, { index, from, skip: skip === 1 })));
  nodes.push(
    ...chain([["Conv_1", "QLinearConv"], ["swish_dequantize", "DequantizeLinear"]], from),
    { name: "swish/Sigmoid", op: "Sigmoid", layer: "swish", int8: false, inputs: ["swish_dequantize"] },
    { name: "swish/Mul", op: "Mul", layer: "swish", int8: false, inputs: ["swish_dequantize", "swish/Sigmoid"] },
    ...chain([
      ["swish_quantize", "QuantizeLinear"],
      ["global_average_pooling2d", "QLinearGlobalAveragePool"],
      ["dense", "QGemm"],
      ["softmax", "QLinearSoftmax"],
      ["softmax_dequantize", "DequantizeLinear"],
    ], "swish/Mul"),
  );
  const because = 'class "Swish" has no integer kernel; Q/DQ is closed around it';
  const int8: Record<string, number> = {};
  for (const { op } of nodes.filter((node) => node.int8 && !/^(Q|Deq)uantizeL/.test(node.op))) {
    int8[op] = (int8[op] ?? 0) + 1;
  }
  const layers = nodes.filter((node) => node.op.startsWith("QLinear") || node.op === "QGemm").map((node) => {
    const depthwise = node.name.endsWith("depthwise");
    const weighted = node.op === "QLinearConv" || node.op === "QGemm";
    const open = /project|add|dense/.test(node.name);
    return layer(node.name, {
      kind: weighted ? "weighted" : node.op === "QLinearSoftmax" ? "fixed" : "rescale",
      className: depthwise ? "DepthwiseConv2D" : weighted ? "Conv2D" : node.op.replace("QLinear", ""),
      min: open ? -2 - random() * 5 : 0,
      max: node.op === "QLinearSoftmax" ? 255 / 256 : open ? 2 + random() * 6 : 4 + random() * 2,
      weightError: weighted ? { sqnrDb: (depthwise ? 34 : 42) + random() * 5 - (random() > 0.95 ? 25 : 0) } : undefined,
    });
  });
  return {
    ...trainedReport(),
    ...classification({ float: 0.9018, simulated: 0.8951, deployed: 0.8946, count: 2_500 }),
    agreement: [{ output: "dense", compared: "codes", count: 12_500, different: 930, maxDifference: 3, alike: 0.9972 }],
    latencyMs: { float: { p50: 4.12, p95: 4.9 }, deployed: { p50: 1.83, p95: 2.21 }, batch: 1, threads: 2 },
    bytes: { float: 9_184_220, deployed: 2_611_004 },
    fusion: {
      int8,
      float: [
        { op: "Sigmoid", node: "swish/Sigmoid", layer: "swish", because },
        { op: "Mul", node: "swish/Mul", layer: "swish", because },
      ],
    },
    train: { epochs: sampleEpochs(12, { best: 0.8946 }), firstStepMs: 2_900, stepMs: 612, peakRssMb: 2_480 },
    rewrites: [
      { rule: "leaky_relu:relu", layer: "head_leaky", ok: true, because: "slope 0.3 dropped" },
      { rule: "fold", layer: "swish", ok: false, because: '"swish" feeds 2 layers, folding needs exactly 1' },
    ],
    model: {
      name: "nsfw_mobilenet_v2",
      inputs: [{ name: "input", shape: [224, 224, 3] }],
      layers: 157,
      parameters: 2_264_389,
    },
    data: { name: "folder:photos", train: 8_200, test: 2_500, facts: ["5 classes"] },
    command: "deno task qat --model model.json --data folder:photos --epochs 12",
    floatBefore: [{ step: "original", isReference: true, metrics: [{ ...VALUE, value: 0.9018 }] }],
    layers,
    graph: { nodes },
    bestEpoch: 11,
    islands: [{ layer: "swish", because }],
  };
}

/** A job without training and without timings, and only the required fields. */
export function calibratedReport(): Report {
  const { seed, versions } = trainedReport();
  return {
    schema: 5,
    ...classification({ float: 0.9761, simulated: 0.9688, deployed: 0.9688, count: 10_000 }),
    agreement: [{ output: "dense", compared: "codes", count: 100_000, different: 0, maxDifference: 0, alike: 1 }],
    bytes: { float: 180_220, deployed: 49_310 },
    fusion: { int8: { QLinearConv: 2, MaxPool: 2, QGemm: 2 }, float: [] },
    train: { epochs: [], firstStepMs: null, stepMs: null, peakRssMb: null },
    rewrites: [],
    seed,
    versions,
  };
}
