import { describeFirst } from "./_verdict_words.ts";
import type { Measured, MetricReport, Report } from "./schema.ts";

/** How much a quantized model lost: "good" as good as nothing, "fair" little, "poor" more than that. */
export type Tone = "good" | "fair" | "poor";

/** What became of one metric. */
export interface Change {
  readonly metric: MetricReport;
  /** The metric of the last model: deployed, or simulated where there is no file. */
  readonly to: Measured;
  /** "poor" if it could not be measured. */
  readonly tone: Tone;
  /**
   * "noise" is a change that may be none: the test does not tell the models apart, or the interval holds 0. "kept" is one
   * of which that is not known, and that counts as none.
   */
  readonly kind: "noise" | "kept" | "better" | "worse" | "unknown";
  /** Whether the last model is better than one that ignores its input; undefined where nobody knows what that reaches. */
  readonly hasLearned?: boolean;
}

/** What a report comes down to. */
export interface Verdict {
  /** A few sentences: the metric against which float model, speed, size. */
  readonly sentence: string;
  /** The worst of the outputs', each by its first metric. */
  readonly tone: Tone;
  /** What became of each metric, in the report's order. */
  readonly changes: readonly Change[];
  /** Median float latency over median int8 latency; undefined if not measured. */
  readonly speedup?: number;
  /** Float size over int8 size; undefined if there is no file. */
  readonly shrinkage?: number;
  /** Number of operators that run in int8. */
  readonly int8Ops: number;
  /** Number of operators that run in float. */
  readonly floatOps: number;
}

/** Loss that counts as none and loss that is still fair; docs/design/metrics_in_reports.md says why these. */
const LIMITS = {
  /** Of a fraction, whichever way is better. */
  fraction: { kept: 0.005, fair: 0.02 },
  /** Of any other number of which more is better, over its float value. */
  higher: { kept: 0.005, fair: 0.02 },
  /** Of any other number of which less is better, an error, over its float value. */
  lower: { kept: 0.05, fair: 0.2 },
} as const;

/** A change that is less likely than this if there is none is taken for one. */
const SIGNIFICANT = 0.05;

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
 *   schema: 3,
 *   task: { name: "multi-label", outputs: [{ name: "tags", task: "multi-label" }] },
 *   metrics: [
 *     { name: "F1", output: "tags", unit: "fraction", better: "higher", float: 0.91, simulated: 0.9, deployed: 0.9, count: 99 },
 *   ],
 *   agreement: [{ output: "tags", compared: "codes", count: 990, different: 0, maxDifference: 0 }],
 *   latencyMs: { float: { p50: 3, p95: 4 }, int8: { p50: 1, p95: 1.5 }, batch: 1, threads: 2 },
 *   bytes: { float: 400, int8: 100 },
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
  const speedup = latencyMs && latencyMs.float.p50 / latencyMs.int8.p50;
  const shrinkage = bytes && bytes.float / bytes.int8;
  return {
    sentence: describeFirst(report, { first, speedup, shrinkage }),
    tone: worst(first),
    changes,
    speedup,
    shrinkage,
    int8Ops: Object.values(fusion?.int8 ?? {}).reduce((sum, ops) => sum + ops, 0),
    floatOps: fusion?.float.length ?? 0,
  };
}

function judgeMetric(metric: MetricReport): Change {
  const { better, float, simulated, deployed, change } = metric;
  const to = deployed === undefined ? simulated : deployed;
  if (float === null || to === null) return { metric, to, tone: "poor", kind: "unknown" };
  const loss = lossOf(metric, better === "higher" ? to - float : float - to);
  const { kept, fair } = LIMITS[metric.unit === "fraction" ? "fraction" : better];
  const tone = loss <= kept ? "good" : loss <= fair ? "fair" : "poor";
  const learned = hasLearned(metric, to);
  const common = { metric, to, ...(learned === undefined ? {} : { hasLearned: learned }) };
  if (learned === false) return { ...common, tone: "poor", kind: kindOf(metric, { loss, kept }) };
  if (change === undefined || !isNoise(change)) return { ...common, tone, kind: kindOf(metric, { loss, kept }) };
  // Too few examples to tell a loss that matters from none are no good news.
  const most = lossOf(metric, better === "higher" ? change.low : -change.high);
  return { ...common, tone: tone === "good" && most <= fair ? "good" : "fair", kind: "noise" };
}

/** Whether a change may be none. */
function isNoise({ p, low, high }: NonNullable<MetricReport["change"]>): boolean {
  return p >= SIGNIFICANT || (low <= 0 && high >= 0);
}

function kindOf(
  { change }: MetricReport,
  { loss, kept }: { readonly loss: number; readonly kept: number },
): Change["kind"] {
  if (change !== undefined) return isNoise(change) ? "noise" : loss > 0 ? "worse" : "better";
  return loss > kept ? "worse" : -loss >= kept ? "better" : "kept";
}

/** The loss that a gain of `gain` is: of a fraction as it is, of any other number as a share of the float model's. */
function lossOf({ unit, float }: MetricReport, gain: number): number {
  const size = unit === "fraction" ? 1 : Math.abs(float ?? 0);
  // Rounded, so that 0.971 - 0.966 is half a point and not a little more.
  return -Math.round(gain * 1e6 / (size || Number.MIN_VALUE)) / 1e6;
}

/** Whether the last model is better than chance, beyond noise where the noise is known. */
function hasLearned({ chance, better, deployed, intervals = {} }: MetricReport, to: number): boolean | undefined {
  if (chance === undefined || chance === null) return undefined;
  const interval = deployed === undefined ? intervals.simulated : intervals.deployed;
  return better === "higher" ? (interval?.low ?? to) > chance : (interval?.high ?? to) < chance;
}

function worst(changes: readonly Change[]): Tone {
  return TONES[Math.max(0, ...changes.map(({ tone }) => TONES.indexOf(tone)))];
}
