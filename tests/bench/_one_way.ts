/**
 * One way of training one net, in a process of its own so that its peak memory is its own: prints one JSON line.
 *
 *     deno run -A tests/bench/_one_way.ts NET WAY STEPS [THREADS [PROFILE [DEVICE]]]
 *
 * PROFILE is the prefix of the traces that ONNX Runtime writes of this backend's sessions; "" writes none.
 */
import process from "node:process";
import * as tf from "@tensorflow/tfjs-core";
import { type BackendOptions, type OnnxRuntimeBackend, registerBackend } from "../../src/backend/mod.ts";
import { type Device, DEVICES } from "../../src/runtime/session.ts";
import { checkChoice } from "../../src/text/nearest.ts";
import { buildArchitecture } from "../../models/arch/mod.ts";
import { outputPorts } from "../../models/ports.ts";
import { meanSquaredError } from "../../tasks/loss.ts";
import { fit } from "../../train/fit.ts";
import { optimizerFor } from "../../train/optimizers.ts";
import { prepareQat } from "../../quantize/prepare.ts";
import { floatSchedule, type Schedule } from "../../train/schedule.ts";
import { CLASSES, type NetTask, netTask, randomBatch } from "./_task.ts";
import { useWasm } from "./_wasm.ts";

/** How a step is taken: this backend in float or with fake quantization, or TF.js's own backends in float. */
export type Way = "float" | "qat" | "wasm" | "cpu";

/** What one way took. */
export interface WayResult {
  readonly medianMs: number;
  readonly minMs: number;
  /** Processor time of a step, of all threads: what it takes whatever else the machine does. */
  readonly cpuMs: number;
  /** The step that builds the graph. */
  readonly firstMs: number;
  /** Share of the median step that is not ONNX Runtime's own run; absent for TF.js's backends. */
  readonly overhead?: number;
  readonly peakRssMb: number;
  /** Where it ran, if a device was asked for: one that cannot be had is the CPU. */
  readonly device?: Device;
}

/** Steps not counted: ours record, compile and fill memory pools; the others only warm up. */
const WARM_UP: Readonly<Record<Way, number>> = { float: 4, qat: 4, wasm: 1, cpu: 0 };

const observed: Schedule = () => ({ observing: true, fakeQuantizing: true, trainingBatchNorm: true });

if (import.meta.main) {
  const [net, way, steps, threads, profile, device] = Deno.args;
  const result = await takeSteps(netTask(net), {
    way: way as Way,
    steps: Number(steps),
    ...(threads === undefined ? {} : { threads: Number(threads) }),
    ...(profile ? { profile } : {}),
    ...(device === undefined ? {} : { device: checkChoice(device, { of: DEVICES, cannot: "Cannot take steps" }) }),
  });
  console.log(JSON.stringify(result));
}

/** TF.js's cpu backend takes minutes for a batch: it is given this many images, and the time is scaled up. */
const CPU_BATCH = 2;

/** Trains `net` for `steps` steps and the warm-up. */
export async function takeSteps(
  net: NetTask,
  { way, steps, threads, profile, device }: {
    readonly way: Way;
    readonly steps: number;
    readonly threads?: number;
    readonly profile?: string;
    readonly device?: Device;
  },
): Promise<WayResult> {
  const backend = await useBackend(way, {
    ...(threads === undefined ? {} : { threads }),
    ...(profile === undefined ? {} : { profilePrefix: profile }),
    ...(device === undefined ? {} : { device }),
  });
  const { inputShape, head = "softmax" } = net;
  const original = buildArchitecture(net.name, { inputShape, outputs: CLASSES, head, seed: 1 });
  // Prepared in float, too, for the fused batch normalization: what differs is quantization alone.
  const model = backend === undefined ? original : prepareQat(original).model;
  // Its weights are not trained: a job that reports on it reads them from its file.
  if (model !== original) original.dispose();
  const ports = outputPorts(model);
  const batch = randomBatch(way === "cpu" ? { ...net, batch: CPU_BATCH } : net, ports);
  const scale = net.batch / batch.size;
  const warmUp = WARM_UP[way];
  const times: number[] = [];
  const runs: number[] = [];
  const cpu: number[] = [];
  let used = 0;
  let before = 0;
  await fit(model, {
    ...(net.head === undefined ? {} : { loss: Object.fromEntries(ports.map(({ name }) => [name, meanSquaredError])) }),
    train: function* () {
      for (let i = 0; i < steps + warmUp; i++) {
        before = backend?.stats().runMs ?? 0;
        used = cpuMs();
        yield batch;
      }
    },
    epochs: 1,
    stepsPerEpoch: steps + warmUp,
    optimizer: optimizerFor("momentum", { learningRate: 0.01 }),
    schedule: way === "qat" ? observed : floatSchedule,
    onStep: ({ stepMs }) => {
      times.push(stepMs);
      cpu.push(cpuMs() - used);
      if (backend !== undefined) runs.push(backend.stats().runMs - before);
    },
  });
  // Traces are written when sessions end.
  if (profile !== undefined) backend?.dispose();
  const shares = runs.slice(warmUp).map((run, i) => 1 - run / times[i + warmUp]);
  return {
    medianMs: scale * median(times.slice(warmUp)),
    minMs: scale * Math.min(...times.slice(warmUp)),
    cpuMs: scale * median(cpu.slice(warmUp)),
    firstMs: times[0],
    ...(backend === undefined ? {} : { overhead: median(shares) }),
    peakRssMb: peakMemoryMb(),
    ...(backend === undefined || device === undefined ? {} : { device: backend.device.ran }),
  };
}

async function useBackend(way: Way, options: BackendOptions): Promise<OnnxRuntimeBackend | undefined> {
  if (way === "float" || way === "qat") return await registerBackend(options);
  tf.env().set("PROD", true);
  await import("@tensorflow/tfjs-backend-cpu");
  if (way === "wasm") await useWasm();
  else await tf.setBackend("cpu");
  return undefined;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Returns the processor time that this process has used so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Returns the largest resident memory of this process so far, in MB (2^20 bytes). */
function peakMemoryMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}
