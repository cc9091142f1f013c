/**
 * Times of a training step: this backend in float and with fake quantization, TF.js's own backends, PyTorch.
 *
 *     deno task bench [--json FILE] [--net NAME]… [--rounds N] [--steps N] [--threads N] [--cpu]
 *
 * Every way runs in a process of its own, so that its peak memory is its own; the ways take turns, and of the rounds'
 * medians the median is told. `--cpu` adds TF.js's cpu backend on the smallest net, which takes minutes.
 */
import { parseArgs } from "node:util";
import type { WayResult } from "./_one_way.ts";
import { findTorch, type TorchResult, torchSteps } from "./_peers.ts";
import { pipelineMs } from "./_pipeline.ts";
import { runWay } from "./_process.ts";
import { NETS, type NetTask, netTask } from "./_task.ts";

/** What was measured of a net; null where a peer is absent. */
export interface NetResult {
  readonly floatMs: number;
  readonly qatMs: number;
  readonly wasmFloatMs: number | null;
  readonly torchFloatMs: number | null;
  readonly torchQatMs: number | null;
  readonly peakRssMb: number;
  readonly torchPeakRssMb: number | null;
}

interface Options {
  readonly rounds: number;
  readonly steps: number;
  readonly threads: number;
  readonly torch: string | undefined;
  readonly cpu: boolean;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "string" },
      net: { type: "string", multiple: true },
      rounds: { type: "string", default: "3" },
      steps: { type: "string", default: "12" },
      threads: { type: "string", default: `${navigator.hardwareConcurrency}` },
      cpu: { type: "boolean", default: false },
    },
  });
  const [rounds, steps, threads] = [values.rounds, values.steps, values.threads].map(positive);
  const options: Options = { rounds, steps, threads, torch: await findTorch(), cpu: values.cpu };
  if (options.torch === undefined) {
    console.log("PyTorch is not installed: apt-get install python3-torch python3-torchvision");
  }
  console.log(`${threads} threads, medians of ${rounds} rounds of ${steps} steps, in ms\n`);
  const nets: Record<string, NetResult> = {};
  for (const net of values.net?.map(netTask) ?? NETS) nets[net.name] = await benchNet(net, options);
  if (values.json !== undefined) Deno.writeTextFileSync(values.json, `${JSON.stringify({ nets }, null, 2)}\n`);
}

function positive(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new RangeError(`Cannot bench: a number of rounds, steps or threads is "${text}", needed is a positive integer`);
}

async function benchNet(net: NetTask, options: Options): Promise<NetResult> {
  const isSmallest = net === NETS[0];
  const floats: WayResult[] = [];
  const qats: WayResult[] = [];
  const torches: TorchResult[] = [];
  for (let round = 0; round < options.rounds; round++) {
    floats.push(await runWay(net.name, "float", options));
    qats.push(await runWay(net.name, "qat", options));
    if (options.torch !== undefined) torches.push(await torchSteps(options.torch, { net, ...options }));
  }
  const wasm = isSmallest ? await runWay(net.name, "wasm", { ...options, steps: 3 }) : undefined;
  const cpu = isSmallest && options.cpu ? await runWay(net.name, "cpu", { ...options, steps: 1 }) : undefined;
  const result: NetResult = {
    floatMs: middle(floats.map((way) => way.medianMs)),
    qatMs: middle(qats.map((way) => way.medianMs)),
    wasmFloatMs: wasm?.medianMs ?? null,
    torchFloatMs: torches.length === 0 ? null : middle(torches.map((way) => way.floatMs)),
    torchQatMs: torches.length === 0 ? null : middle(torches.map((way) => way.qatMs)),
    peakRssMb: Math.max(...qats.map((way) => way.peakRssMb)),
    torchPeakRssMb: torches.length === 0 ? null : Math.max(...torches.map((way) => way.peakRssMb)),
  };
  print(net, result, { qats, cpu, peer: torches[0]?.peer });
  return result;
}

function print(
  { name, batch }: NetTask,
  result: NetResult,
  { qats, cpu, peer }: {
    readonly qats: readonly WayResult[];
    readonly cpu: WayResult | undefined;
    readonly peer: string | undefined;
  },
): void {
  const rows: [string, string][] = [
    ["float", result.floatMs.toFixed(1)],
    ["QAT", result.qatMs.toFixed(1)],
    ["QAT / float", ratio(result.qatMs, result.floatMs)],
    ["first QAT step", middle(qats.map((way) => way.firstMs)).toFixed(0)],
    ["not ONNX Runtime's run", `${(100 * middle(qats.map((way) => way.overhead ?? 0))).toFixed(1)} %`],
    ["peak memory, MB", result.peakRssMb.toFixed(0)],
  ];
  if (result.torchQatMs !== null && result.torchFloatMs !== null) {
    rows.push(
      [`${peer} float`, result.torchFloatMs.toFixed(1)],
      [`${peer} best QAT`, result.torchQatMs.toFixed(1)],
      ["QAT / its QAT", ratio(result.qatMs, result.torchQatMs)],
      ["float / its float", ratio(result.floatMs, result.torchFloatMs)],
      ["memory / its memory", ratio(result.peakRssMb, result.torchPeakRssMb!)],
    );
  }
  if (result.wasmFloatMs !== null) {
    rows.push(["TF.js wasm float", result.wasmFloatMs.toFixed(0)], [
      "float / wasm's",
      ratio(result.floatMs, result.wasmFloatMs),
    ]);
  }
  if (name === NETS[0].name) {
    const ms = pipelineMs(batch);
    rows.push(["a batch of CIFAR-10", ms.toFixed(2)], ["batch / float", ratio(ms, result.floatMs)]);
  }
  if (cpu !== undefined) rows.push(["TF.js cpu float", cpu.medianMs.toFixed(0)]);
  console.log(`${name}, batch ${batch}`);
  for (const [label, value] of rows) console.log(`  ${label.padEnd(26)}${value.padStart(9)}`);
  console.log();
}

function ratio(ours: number, theirs: number): string {
  const value = ours / theirs;
  return value < 0.1 ? `1/${(1 / value).toFixed(0)}` : value.toFixed(2);
}

/** The median; of an even number the higher one of the middle. */
function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
