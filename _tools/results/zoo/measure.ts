/**
 * Measures one part of one architecture, in a process of its own so that its peak memory is its own: prints one JSON line.
 *
 *     deno run -A _tools/results/zoo/measure.ts file|step ARCH [--quick] [--threads N]
 */
import { resourceUsage } from "node:process";
import { parseArgs } from "node:util";
import type * as tfl from "@tensorflow/tfjs-layers";
import {
  buildArchitecture,
  calibrate,
  fit,
  meanSquaredError,
  optimizerFor,
  prepareQat,
  registerBackend,
  type SampleBatch,
  summarize,
  toOnnx,
  verifyFusion,
} from "../../../mod.ts";
import { compareLatency } from "../../../export/latency.ts";
import { inputNames, outputPorts } from "../../../models/ports.ts";
import { Random } from "../../../src/numbers/random.ts";
import type { FileFigures, StepFigures } from "./_figures.ts";
import { OtherWork } from "./_other_work.ts";
import { quickRow, ZOO_ROWS, type ZooOptions, type ZooRow } from "./_rows.ts";

/** How long is measured. */
interface Effort {
  readonly threads: number;
  /** Timed runs of each file. */
  readonly runs: number;
  /** Timed steps, and those before them, which record and compile. */
  readonly steps: number;
  readonly warmUp: number;
}

/** Samples that ranges are found on. */
const CALIBRATION = 8;

const WHOLE = { runs: 30, steps: 5, warmUp: 4 };
const QUICK = { runs: 3, steps: 1, warmUp: 1 };

if (import.meta.main) {
  const { values: { quick, threads }, positionals: [part, name] } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      threads: { type: "string", default: `${navigator.hardwareConcurrency}` },
    },
  });
  const row = ZOO_ROWS.find((row) => row.name === name);
  if (row === undefined) throw new RangeError(`Cannot measure "${name}": there is no such architecture`);
  const effort = { threads: Number(threads), ...(quick ? QUICK : WHOLE) };
  await registerBackend({ threads: effort.threads });
  const measure = part === "file" ? measureFile : measureStep;
  console.log(JSON.stringify(await measure(quick ? quickRow(row) : row, effort)));
}

/** Measures size and latency of the float and the int8 file, and looks at what runs on integers. */
export async function measureFile({ name, options }: ZooRow, { threads, runs }: Effort): Promise<FileFigures> {
  const original = buildArchitecture(name, { ...options, seed: 0 });
  const { parameters, trainable } = summarize(original);
  const { model, islands } = prepareQat(original);
  await calibrate(model, [batchFor(model, { options, size: CALIBRATION })]);
  const float = await toOnnx(model, { precision: "float32" });
  const int8 = await toOnnx(model);
  const fusion = verifyFusion(int8.bytes, int8.graph, { islands });
  const others = new OtherWork();
  const { times: [floatTimes, int8Times] } = compareLatency([float.bytes, int8.bytes], { threads, runs });
  return {
    parameters,
    trainable,
    bytes: { float: float.bytes.length, int8: int8.bytes.length },
    latencyMs: others.isMuch ? null : { float: floatTimes.p50, int8: int8Times.p50 },
    int8: fusion.int8,
    float: counted(fusion.float),
  };
}

/** Counts operators in float by what they are and why. */
function counted(ops: readonly { readonly op: string; readonly because: string }[]): FileFigures["float"] {
  const groups = Map.groupBy(ops, ({ op, because }) => `${op} ${because}`);
  return [...groups.values()].map(([{ op, because }, ...others]) => ({ op, because, count: 1 + others.length }));
}

/** Takes steps of quantization-aware training. */
export async function measureStep({ name, options, batch: size }: ZooRow, effort: Effort): Promise<StepFigures> {
  const original = buildArchitecture(name, { ...options, seed: 0 });
  const { model } = prepareQat(original);
  original.dispose();
  const batch = batchFor(model, { options, size });
  const times: number[] = [];
  const ports = outputPorts(model);
  const others = new OtherWork();
  const isFree = options.head === "boxes" || options.head === "map";
  await fit(model, {
    ...(isFree ? { loss: Object.fromEntries(ports.map(({ name }) => [name, meanSquaredError])) } : {}),
    train: () => Array.from({ length: effort.warmUp + effort.steps }, () => batch),
    epochs: 1,
    stepsPerEpoch: effort.warmUp + effort.steps,
    optimizer: optimizerFor("momentum", { learningRate: 1e-4 }),
    schedule: () => ({ observing: true, fakeQuantizing: true, trainingBatchNorm: true }),
    onStep: ({ stepMs }) => times.push(stepMs),
  });
  const counted = times.slice(effort.warmUp).toSorted((a, b) => a - b);
  return {
    batch: size,
    stepMs: others.isMuch ? null : counted[counted.length >> 1],
    peakMb: resourceUsage().maxRSS / 1024,
  };
}

/** Random samples: pictures and rows uniform in [-1, 1), tokens; classes in turn, or zeros for each of the outputs. */
function batchFor(
  model: tfl.LayersModel,
  { options: { inputShape, tokens, outputs, head }, size }: { readonly options: ZooOptions; readonly size: number },
): SampleBatch {
  const random = new Random(7);
  const length = inputShape.reduce((product, side) => product * side, size);
  const x = tokens === undefined
    ? Float32Array.from({ length }, () => random.between(-1, 1))
    : Int32Array.from({ length }, () => Math.floor(random.between(0, tokens.size)));
  const ports = outputPorts(model);
  const widthOf = (shape: readonly (number | null)[]) =>
    shape.reduce<number>((product, side) => product * (side ?? 1), 1);
  const targets = head === "boxes" || head === "map"
    ? Object.fromEntries(ports.map(({ name, shape }) => [name, new Float32Array(size * widthOf(shape))]))
    : { [ports[0].name]: Int32Array.from({ length: size }, (_, i) => i % outputs) };
  return { inputs: { [inputNames(model)[0]]: x }, targets, size };
}
