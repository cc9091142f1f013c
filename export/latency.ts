/** How long one answer takes. */
import { type Answers, rowOf, widthOf } from "../models/answers.ts";
import { atOnce, type Steps } from "../src/events.ts";
import type { Device } from "../src/runtime/session.ts";
import { cpuMsOf, rest, TimedModel } from "./_timed_model.ts";

/** Percentiles of run times, in milliseconds. */
export interface Percentiles {
  /** Median. */
  readonly p50: number;
  /** 95th percentile. */
  readonly p95: number;
}

/** How latency is measured. */
export interface LatencyOptions {
  /** Samples a run. Default: as many as the files take at once, else 1. */
  readonly batch?: number;
  /** Threads of both sessions. Default: ONNX Runtime's choice. */
  readonly threads?: number;
  /** Where both run. Default "cpu". */
  readonly device?: Device;
  /** As `SessionOptions` has it: how files for ARM run on x86. Default false. */
  readonly int8Activations?: boolean;
  /** As `SessionOptions` has it: how files of integer weights are as fast as float. Default false. */
  readonly keepQdq?: boolean;
  /** Timed runs of each model. Default 100. */
  readonly runs?: number;
}

/** Run times of two models. */
export interface LatencyComparison {
  /** In the order given. */
  readonly times: readonly [Percentiles, Percentiles];
  /** CPU time of the process in a run of each, user and system, on average, in ms. */
  readonly cpuMs: readonly [number, number];
  /** What betrays that the machine did something else meanwhile; absent: nothing does. */
  readonly unsteady?: string;
}

/** Runs of both models before the clock counts: caches and arenas warm up. */
const WARM_UP = 10;

/** Models take turns of so many runs. */
const TURN = 25;

/** Runs at the start of a turn that do not count: the threads wake up. */
const SETTLE = 3;

/**
 * Measures two models by turns, so that a machine whose speed drifts favours neither.
 *
 * @returns Run times of each, and what is to be said against them.
 */
export function compareLatency(
  models: readonly [Uint8Array, Uint8Array],
  options: LatencyOptions = {},
): LatencyComparison {
  return atOnce(comparingLatency(models, options));
}

/** Does what `compareLatency` does, a turn a step. */
export function* comparingLatency(
  models: readonly [Uint8Array, Uint8Array],
  options: LatencyOptions = {},
): Steps<LatencyComparison> {
  const { runs = 100, threads, device = "cpu", int8Activations = false, keepQdq = false } = options;
  const session = { device, int8Activations, keepQdq, ...(threads === undefined ? {} : { threads }) };
  using opened = new DisposableStack();
  const timed = models.map((bytes) => opened.use(new TimedModel(bytes, session)));
  const { batch = timed[0].batch ?? 1 } = options;
  const runsOf = timed.map((model) => model.runsOf(batch));
  runsOf.forEach((run) => repeat(WARM_UP, run));
  const times: [number[], number[]] = [[], []];
  const cpuMs: [number, number] = [0, 0];
  while (times[1].length < runs) {
    for (const [i, run] of runsOf.entries()) {
      yield;
      rest();
      repeat(SETTLE, run);
      const turn = Math.min(TURN, runs - times[i].length);
      cpuMs[i] += cpuMsOf(() => repeat(turn, () => times[i].push(timeOf(run))));
    }
  }
  const unsteady = whyUnsteady(times);
  return {
    times: [percentiles(times[0]), percentiles(times[1])],
    cpuMs: [cpuMs[0] / runs, cpuMs[1] / runs],
    ...(unsteady === undefined ? {} : { unsteady }),
  };
}

/** Times of decoding at the least: of fewer there is no 95th percentile. */
const DECODINGS = 100;

/** Measures what a task makes of the answers to one sample, sample by sample. */
export function timeDecoding(decode: (answers: Answers) => unknown, answers: Answers): Percentiles {
  const [first] = Object.values(answers);
  const count = first.values.length / widthOf(first);
  const decodeOne = (i: number) => {
    // A task may remember what it made of answers that it has seen.
    const one = answerOf(answers, i % count);
    return timeOf(() => decode(one));
  };
  for (let i = 0; i < WARM_UP; i++) decodeOne(i);
  return percentiles(Array.from({ length: DECODINGS }, (_, i) => decodeOne(i)));
}

/** The answers to one sample, as a file gives them at batch 1. */
function answerOf(answers: Answers, sample: number): Answers {
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => {
      const [, ...shape] = answer.shape;
      return [name, { ...answer, values: rowOf(answer, sample), shape: [1, ...shape] }];
    }),
  );
}

function repeat(times: number, run: () => void): void {
  for (let i = 0; i < times; i++) run();
}

function timeOf(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

/** Returns the smallest times that half and 95 % of the runs stay within (nearest rank). */
export function percentiles(times: readonly number[]): Percentiles {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q: number) => sorted[Math.ceil(q * sorted.length) - 1];
  return { p50: at(0.5), p95: at(0.95) };
}

/** Fewer runs than this have no 95th percentile and no halves to speak of. */
const ENOUGH_RUNS = 40;

/**
 * What a quiet machine stays below. A run repeats the same work on the same numbers: what timer ticks and a clock that
 * settles add is a part of the median (p95 is 1.2 to 1.4 medians on idle cores), while another program that takes a core
 * adds the wait for it, whole runs and more (18 to 25 medians where eight programs shared two cores). Whoever comes or
 * goes halfway moves the median itself.
 */
const QUIET = { spread: 2, drift: 1.25 };

/**
 * Says what betrays that the machine did something else while runs were timed, by the times of each model in their
 * order: a 95th percentile far above the median, or medians of the first and the second half that differ.
 *
 * @returns undefined if nothing does, or there are too few runs to say.
 */
export function whyUnsteady(times: readonly (readonly number[])[]): string | undefined {
  const all = times.filter(({ length }) => length >= ENOUGH_RUNS);
  if (all.length === 0) return undefined;
  const spread = Math.max(...all.map((runs) => percentiles(runs).p95 / percentiles(runs).p50));
  if (spread > QUIET.spread) return `the slowest twentieth of the runs took ${timesOver(spread)} the median and more`;
  const drift = Math.max(...all.map((runs) => {
    const [first, second] = [runs.slice(0, runs.length >> 1), runs.slice(runs.length >> 1)];
    const ratio = percentiles(first).p50 / percentiles(second).p50;
    return Math.max(ratio, 1 / ratio);
  }));
  return drift > QUIET.drift
    ? `the median of one half of the runs is ${timesOver(drift)} that of the other`
    : undefined;
}

function timesOver(ratio: number): string {
  return `${ratio.toFixed(1)} times`;
}
