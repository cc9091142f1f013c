/**
 * What the forms of a file take on another device of ONNX Runtime, beside the CPU of the same machine, and whether the
 * answers are the same.
 *
 *     deno task devices --device webgpu|cuda [--net NAME]… [--batch N]… [--runs N]
 *
 * Weights are random, which no time depends on. Times are the least of all runs and hold the way of the values to the
 * device and back. A row a file and batch: ms on the CPU and on the device, their ratio, the device's float time against
 * this file's, the largest difference of the answers as a share of the largest answer, and how many operators ran where.
 */
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { DeployedModel } from "../../export/deployed.ts";
import { toOnnx, type ToOnnxOptions } from "../../export/to_onnx.ts";
import { BERT_BASE, buildArchitecture, transformer } from "../../models/arch/mod.ts";
import { calibrate } from "../../quantize/calibrate.ts";
import { prepareQat } from "../../quantize/prepare.ts";
import { registerBackend } from "../../src/backend/mod.ts";
import { chooseDevice, DEVICES, deviceWarning } from "../../src/backend/device.ts";
import { providersOf } from "../../src/runtime/providers.ts";
import type { Device } from "../../src/runtime/session.ts";
import { checkChoice } from "../../src/text/nearest.ts";
import { randomArray } from "../_support/small_models.ts";

/** The nets by name. */
const NETS: Readonly<Record<string, () => tfl.LayersModel>> = {
  mobilenet_v2: () => buildArchitecture("mobilenet_v2", { inputShape: [224, 224, 3], outputs: 10, seed: 1 }),
  resnet18: () => buildArchitecture("resnet18", { inputShape: [224, 224, 3], outputs: 10, seed: 1 }),
  resnet50: () => buildArchitecture("resnet50", { inputShape: [224, 224, 3], outputs: 10, seed: 1 }),
  bert_base: () =>
    transformer({ inputShape: [128], outputs: 2, seed: 1, tokens: { size: 30522, padding: 0 }, size: BERT_BASE }),
};

/** A form of the file, and how its session is made. */
interface Form {
  readonly title: string;
  readonly options: ToOnnxOptions;
  /** The target that int8 is for. */
  readonly target?: string;
  /** Whether weights become float32 as the session loads. */
  readonly keepQdq?: boolean;
}

const FORMS: readonly Form[] = [
  { title: "float32", options: { precision: "float32" } },
  { title: "float16", options: { precision: "float16" } },
  { title: "weights8", options: { precision: "weights8" } },
  { title: "weights8, float32 once loaded", options: { precision: "weights8" }, keepQdq: true },
  { title: "weights4", options: { precision: "weights4" } },
  { title: "int8 for x86", options: {}, target: "x86" },
  { title: "int8 for tensorrt", options: {}, target: "tensorrt" },
];

/** Samples whose answers are compared. */
const COMPARED = 8;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      device: { type: "string", default: "webgpu" },
      net: { type: "string", multiple: true, default: Object.keys(NETS) },
      batch: { type: "string", multiple: true, default: ["1", "32"] },
      runs: { type: "string", default: "30" },
    },
  });
  const device = checkChoice(values.device, { of: DEVICES, cannot: `Cannot measure "${values.device}"` });
  const warning = deviceWarning(chooseDevice(device));
  if (warning !== undefined) throw new Error(warning);
  await registerBackend();
  console.log(
    `| net | file | MB | batch | CPU, ms | ${device}, ms | / CPU | / its float32 | difference | operators |\n` +
      `|---|---|---|---|---|---|---|---|---|---|`,
  );
  for (const name of values.net) {
    const net = checkChoice(name, { of: Object.keys(NETS), cannot: `Cannot measure "${name}"` });
    await measure(net, { device, batches: values.batch.map(Number), runs: Number(values.runs) });
  }
}

interface Options {
  readonly device: Device;
  readonly batches: readonly number[];
  readonly runs: number;
}

async function measure(name: string, { device, batches, runs }: Options): Promise<void> {
  const floats: number[] = [];
  for (const { title, keepQdq = false, ...form } of FORMS) {
    const file = await fileOf(name, form).catch((error: Error) => error);
    if (file instanceof Error) {
      console.log(`| ${name} | ${title} | refused: ${file.message} | | | | | | | |`);
      continue;
    }
    const where = Object.entries(providersOf(file, { device, keepQdq })).map(([provider, count]) =>
      `${provider.replace("ExecutionProvider", "")} ${count}`
    ).join(", ");
    const models = (["cpu", device] as const).map((device) => new DeployedModel(file, { device, keepQdq }));
    try {
      const difference = differenceOf(models);
      for (const [i, batch] of batches.entries()) {
        const [cpu, other] = leastTimes(models, { batch, runs });
        floats[i] ??= other;
        const cells = [name, title, (file.length / 1e6).toFixed(1), batch, cpu.toFixed(2), other.toFixed(2)];
        const ratios = [(other / cpu).toFixed(2), (other / floats[i]).toFixed(2), difference.toExponential(1), where];
        console.log(`| ${[...cells, ...ratios].join(" | ")} |`);
      }
    } finally {
      models.forEach((model) => model.dispose());
    }
  }
}

/** Writes the net's file; one of int8 has the ranges of two random pictures. */
async function fileOf(
  name: string,
  { options, target }: Pick<Form, "options" | "target">,
): Promise<Uint8Array> {
  const net = NETS[name]();
  if (target === undefined) {
    try {
      return (await toOnnx(net, options)).bytes;
    } finally {
      tf.dispose(net.weights.map((weight) => weight.read()));
    }
  }
  const { model } = prepareQat(net, { target });
  try {
    const sample = net.inputs[0].shape.slice(1).map(Number);
    await calibrate(model, [tf.tensor(valuesOf(sample, 2), [2, ...sample])]);
    return (await toOnnx(model, options)).bytes;
  } finally {
    model.dispose();
  }
}

/** Values of samples: pixels of random pictures, or tokens of which none is padding. */
function valuesOf(sample: readonly number[], count: number): Float32Array {
  const length = sample.reduce((a, b) => a * b, count);
  return sample.length === 3 ? randomArray(length, 3) : Float32Array.from({ length }, (_, i) => 1 + i % 200);
}

function samplesOf(model: DeployedModel, count: number): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(
    Object.entries(model.sampleShapes).map(([input, sample]) => [input, valuesOf(sample, count)]),
  );
}

/** The largest difference of the answers, as a share of the largest. */
function differenceOf(models: readonly DeployedModel[]): number {
  const [a, b] = models.map((model) => Object.values(model.predict(samplesOf(model, COMPARED)))[0].values);
  let [most, largest] = [0, 0];
  a.forEach((value, i) => {
    most = Math.max(most, Math.abs(value - b[i]));
    largest = Math.max(largest, Math.abs(value));
  });
  return most / largest;
}

/** The least time of each in ms, by turns. */
function leastTimes(
  models: readonly DeployedModel[],
  { batch, runs }: { readonly batch: number; readonly runs: number },
): readonly number[] {
  const least = models.map(() => Infinity);
  const samples = samplesOf(models[0], batch);
  // Memory is taken and kernels are chosen in the first runs.
  for (let run = -3; run < runs; run++) {
    models.forEach((model, i) => {
      const start = performance.now();
      model.predict(samples);
      if (run >= 0) least[i] = Math.min(least[i], performance.now() - start);
    });
  }
  return least;
}
