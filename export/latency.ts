/** How long one answer takes. */
import { DeployedModel } from "./deployed.ts";

/** Percentiles of run times, in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

/** How latency is measured. */
export interface LatencyOptions {
  /** Samples a run. Default 1. */
  readonly batch?: number;
  /** Threads of both sessions. Default: ONNX Runtime's choice. */
  readonly threads?: number;
  /** Timed runs of each model. Default 100. */
  readonly runs?: number;
}

/** Runs before the clock counts: caches, arenas and thread pools warm up. */
const WARM_UP = 10;

/**
 * Measures two models in turn, A B A B …, so that a machine whose speed drifts favours neither.
 *
 * @returns Run times of each, in the order given.
 */
export function compareLatency(
  models: readonly [Uint8Array, Uint8Array],
  options: LatencyOptions = {},
): readonly [Percentiles, Percentiles] {
  const { batch = 1, threads, runs = 100 } = options;
  const sessions = models.map((bytes) => new DeployedModel(bytes, threads === undefined ? {} : { threads }));
  const size = batch * sessions[0].sampleShape.reduce((a, b) => a * b, 1);
  // Any values do: no operator's time depends on them.
  const x = Float32Array.from({ length: size }, (_, i) => (i % 255) / 255);
  const times: number[][] = [[], []];
  for (let run = -WARM_UP; run < runs; run++) {
    sessions.forEach((session, i) => {
      const start = performance.now();
      session.predict(x);
      if (run >= 0) times[i].push(performance.now() - start);
    });
  }
  for (const session of sessions) session.dispose();
  return [percentiles(times[0]), percentiles(times[1])];
}

function percentiles(times: readonly number[]): Percentiles {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  return { p50: at(0.5), p95: at(0.95) };
}
