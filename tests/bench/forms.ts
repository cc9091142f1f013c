/**
 * Size and latency of the files that a float model can be written as, of fresh weights, against its float file.
 *
 *     deno task forms [--net NAME]… [--runs N] [--threads N]
 *
 * Each form takes turns with the float file, so that a machine whose speed drifts favours neither. Times are the least
 * of all runs: what other programs add to a run is no property of the file.
 */
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { DeployedModel } from "../../export/deployed.ts";
import { toOnnx, type ToOnnxOptions } from "../../export/to_onnx.ts";
import { BERT_BASE, buildArchitecture, transformer } from "../../models/arch/mod.ts";
import { registerBackend } from "../../src/backend/mod.ts";
import { checkChoice } from "../../src/text/nearest.ts";

/** A stack of dense layers, where weights are all that counts. */
function denseStack(): tfl.LayersModel {
  const units = 1024;
  const dense = (i: number) =>
    tfl.layers.dense({ units, activation: "relu", ...(i === 0 ? { inputShape: [units] } : {}) });
  return tfl.sequential({ layers: Array.from({ length: 4 }, (_, i) => dense(i)) });
}

const PICTURES = { inputShape: [32, 32, 3], outputs: 10, seed: 1 };
const ROWS = { inputShape: [28, 28, 1], outputs: 10, seed: 1 };

/** The nets by name: what is multiplied, looked up and convolved in them differs. */
const NETS: Readonly<Record<string, () => tfl.LayersModel>> = {
  dense: denseStack,
  lstm: () => buildArchitecture("lstm", ROWS),
  gru: () => buildArchitecture("gru", ROWS),
  resnet20: () => buildArchitecture("resnet20", PICTURES),
  mobilenet_v2: () => buildArchitecture("mobilenet_v2", { ...PICTURES, inputShape: [96, 96, 3] }),
  bert_base: () =>
    transformer({ inputShape: [128], outputs: 2, seed: 1, tokens: { size: 30522, padding: 0 }, size: BERT_BASE }),
};

/** A form, and how its session is made. */
interface Measured extends ToOnnxOptions {
  /** Whether weights become float32 as the session loads (session.disable_quant_qdq). */
  readonly keepQdq?: boolean;
}

const FORMS: readonly Measured[] = [
  { precision: "dynamic" },
  { precision: "weights8" },
  { precision: "weights8", keepQdq: true },
  { precision: "weights8", block: 32 },
  { precision: "weights4" },
  { precision: "weights4", products: "int8" },
  { precision: "float16" },
  { precision: "float16", half: "weights" },
];

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      net: { type: "string", multiple: true, default: Object.keys(NETS) },
      runs: { type: "string", default: "50" },
      threads: { type: "string", default: `${navigator.hardwareConcurrency}` },
    },
  });
  await registerBackend();
  console.log("| net | form | MB | ms | float ms | times float |\n|---|---|---|---|---|---|");
  for (const name of values.net) {
    const net = checkChoice(name, { of: Object.keys(NETS), cannot: `Cannot measure "${name}"` });
    await measure(net, { runs: Number(values.runs), threads: Number(values.threads) });
  }
}

async function measure(name: string, options: { readonly runs: number; readonly threads: number }): Promise<void> {
  const model = NETS[name]();
  const float = await toOnnx(model, { precision: "float32" });
  console.log(`| ${name} | float32 | ${megabytes(float.bytes)} | | | |`);
  for (const form of FORMS) {
    const title = titleOf(form);
    const { keepQdq = false, ...asked } = form;
    const file = await toOnnx(model, asked).catch((error: Error) => error);
    if (file instanceof Error) {
      console.log(`| ${name} | ${title} | refused: ${file.message} | | | |`);
      continue;
    }
    const [a, b] = leastTimes([float.bytes, file.bytes], { ...options, keepQdq });
    const cells = [name, title, megabytes(file.bytes), b.toFixed(3), a.toFixed(3), (b / a).toFixed(2)];
    console.log(`| ${cells.join(" | ")} |`);
  }
  tf.dispose(model.weights.map((weight) => weight.read()));
}

/** Runs each file by turns and returns the least time that each took for one sample, in ms. */
function leastTimes(
  files: readonly [Uint8Array, Uint8Array],
  { runs, threads, keepQdq }: { readonly runs: number; readonly threads: number; readonly keepQdq: boolean },
): readonly [number, number] {
  const least: [number, number] = [Infinity, Infinity];
  const models = files.map((bytes) => new DeployedModel(bytes, { threads, keepQdq }));
  const [[input, shape]] = Object.entries(models[0].sampleShapes);
  const size = shape.reduce((a, b) => a * b, 1);
  // Pixels, and tokens that are none of them padding.
  const x = { [input]: Float32Array.from({ length: size }, (_, i) => 1 + i % 200) };
  for (let run = 0; run < runs; run++) {
    models.forEach((model, i) => {
      const start = performance.now();
      model.predict(x);
      least[i] = Math.min(least[i], performance.now() - start);
    });
  }
  models.forEach((model) => model.dispose());
  return least;
}

function titleOf({ precision, block, half, products, keepQdq }: Measured): string {
  const blocks = block === undefined ? undefined : `blocks of ${block}`;
  const rounded = products === undefined ? undefined : `products in ${products}`;
  const loaded = keepQdq ? "float32 once loaded" : undefined;
  return [precision, blocks, rounded, half, loaded].filter((part) => part !== undefined).join(", ");
}

function megabytes(bytes: Uint8Array): string {
  return (bytes.length / 1e6).toFixed(2);
}
