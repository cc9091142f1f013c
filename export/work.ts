/** What one run of a file takes of the machine besides time: CPU time and energy. */
import { atOnce, type Steps } from "../src/events.ts";
import type { SessionOptions } from "../src/runtime/session.ts";
import { cpuMsOf, rest, TimedModel } from "./_timed_model.ts";
import { type EnergyMeter, openEnergyMeter } from "./energy.ts";

/** A number of each of two models: of a float one, and of what is deployed. */
export interface OfBoth {
  readonly float: number;
  readonly deployed: number;
}

/** What a run of each of two models takes. */
export interface Work {
  /** CPU time of the process on one thread, user and system, in ms a run. */
  readonly singleCpuMs: OfBoth;
  /** Energy that all packages of the processor used meanwhile, in joules a run; or why nobody knows. */
  readonly joules: OfBoth | { readonly because: string };
}

/** How both are run. */
export interface WorkOptions extends Pick<SessionOptions, "device" | "threads" | "int8Activations" | "keepQdq"> {
  /** Samples a run. */
  readonly batch: number;
  /** Default: the machine's own. */
  readonly meter?: EnergyMeter;
}

/** What is measured for so long is precise to a hundredth, in ms; counters of energy move once a millisecond. */
const LONG = { cpu: 50, energy: 1000 } as const;

/** Runs before and within a measurement at the least. */
const RUNS = { warmUp: 2, least: 3 } as const;

/** Measures what a run of each of two files takes. */
export function measureWork(models: readonly [Uint8Array, Uint8Array], options: WorkOptions): Work {
  return atOnce(measuringWork(models, options));
}

/** Does what `measureWork` does, a measurement a step. */
export function* measuringWork(
  models: readonly [float: Uint8Array, deployed: Uint8Array],
  { meter = openEnergyMeter(), threads, ...options }: WorkOptions,
): Steps<Work> {
  const single = yield* measureEach(models, { ...options, threads: 1 }, cpuOfRun);
  // One thread is always a measurement; CPU time is known wherever there is a process.
  const singleCpuMs = { float: single[0] ?? 0, deployed: single[1] ?? 0 };
  if (meter.kind === "none") return { singleCpuMs, joules: { because: meter.because } };
  const configured = threads === undefined ? options : { ...options, threads };
  const [float, deployed] = yield* measureEach(models, configured, (run) => joulesOfRun(run, meter));
  const isKnown = float !== undefined && deployed !== undefined && float > 0 && deployed > 0;
  return {
    singleCpuMs,
    joules: isKnown ? { float, deployed } : { because: "the counters of energy did not move" },
  };
}

function* measureEach<T>(
  models: readonly Uint8Array[],
  { batch, ...session }: SessionOptions & Pick<WorkOptions, "batch">,
  measure: (run: () => void) => T,
): Steps<readonly T[]> {
  const found: T[] = [];
  for (const bytes of models) {
    yield;
    using model = new TimedModel(bytes, session);
    const run = model.runsOf(batch);
    for (let i = 0; i < RUNS.warmUp; i++) run();
    rest();
    found.push(measure(run));
  }
  return found;
}

function cpuOfRun(run: () => void): number {
  let runs = 0;
  const ms = cpuMsOf(() => {
    runs = repeatFor(LONG.cpu, run);
  });
  return ms / runs;
}

function joulesOfRun(run: () => void, meter: Extract<EnergyMeter, { kind: "meter" }>): number | undefined {
  const joules = meter.start();
  const runs = repeatFor(LONG.energy, run);
  const used = joules();
  return used === undefined ? undefined : used / runs;
}

/** Runs for so many ms, and returns how often. */
function repeatFor(ms: number, run: () => void): number {
  const start = performance.now();
  let runs = 0;
  do {
    run();
    runs++;
  } while (runs < RUNS.least || performance.now() - start < ms);
  return runs;
}
