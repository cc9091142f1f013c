/** What became of one metric, and what that is worth. */
import type { Measured, MetricReport } from "./schema.ts";

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

/** Judges the change of a metric from the float model to the last one. */
export function judgeMetric(metric: MetricReport): Change {
  const { better, float, simulated, deployed, change } = metric;
  const to = deployed === undefined ? simulated ?? null : deployed;
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
