import { describeFirst } from "./_verdict_words.ts";
import { judgeSqnr } from "./_sqnr_words.ts";
import { type Change, judgeMetric, type Tone } from "./_change.ts";
import type { Report } from "./schema.ts";

export type { Change, Tone };

/** What a report comes down to. */
export interface Verdict {
  /** A few sentences: the metric against which float model, speed, size. */
  readonly sentence: string;
  /** The worst of the outputs', each by its first metric. */
  readonly tone: Tone;
  /** What became of each metric, in the report's order. */
  readonly changes: readonly Change[];
  /** Median float latency over median latency of the deployed file; undefined if not measured. */
  readonly speedup?: number;
  /** Size of the float file over that of the deployed one; undefined if there is no file. */
  readonly shrinkage?: number;
  /** Number of operators that run in int8. */
  readonly int8Ops: number;
  /** Number of operators that run in float. */
  readonly floatOps: number;
}

const TONES: readonly Tone[] = ["good", "fair", "poor"];

/**
 * Sums up `report` in a sentence and a few figures.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { judge } from "./verdict.ts";
 *
 * const { tone, speedup } = judge({
 *   schema: 5,
 *   task: { name: "multi-label", outputs: [{ name: "tags", task: "multi-label" }] },
 *   metrics: [
 *     { name: "F1", output: "tags", unit: "fraction", better: "higher", float: 0.91, simulated: 0.9, deployed: 0.9, count: 99 },
 *   ],
 *   agreement: [{ output: "tags", compared: "codes", count: 990, different: 0, maxDifference: 0 }],
 *   latencyMs: { float: { p50: 3, p95: 4 }, deployed: { p50: 1, p95: 1.5 }, batch: 1, threads: 2 },
 *   bytes: { float: 400, deployed: 100 },
 *   fusion: { int8: { QLinearConv: 6 }, float: [] },
 *   train: { epochs: [], firstStepMs: null, stepMs: null, peakRssMb: null },
 *   rewrites: [],
 *   seed: 1,
 *   versions: {},
 * });
 * assert.equal(tone, "fair");
 * assert.equal(speedup, 3);
 * ```
 */
export function judge(report: Report): Verdict {
  const { metrics, latencyMs, bytes, fusion } = report;
  const changes = metrics.map(judgeMetric);
  const first = changes.filter(({ metric }, i) => metrics.findIndex(({ output }) => output === metric.output) === i);
  const speedup = latencyMs && latencyMs.float.p50 / latencyMs.deployed.p50;
  const shrinkage = bytes && bytes.float / bytes.deployed;
  return {
    sentence: describeFirst(report, { first, speedup, shrinkage }),
    tone: metrics.length === 0 ? judgeSqnr(report) : worst(first),
    changes,
    speedup,
    shrinkage,
    int8Ops: Object.values(fusion?.int8 ?? {}).reduce((sum, ops) => sum + ops, 0),
    floatOps: fusion?.float.length ?? 0,
  };
}

function worst(changes: readonly Change[]): Tone {
  return TONES[Math.max(0, ...changes.map(({ tone }) => TONES.indexOf(tone)))];
}
