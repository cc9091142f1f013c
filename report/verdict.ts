import { ratio } from "./_format.ts";
import { unitFormat } from "./_unit.ts";
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
  /** "kept" is a change that counts as none. */
  readonly kind: "kept" | "better" | "worse" | "unknown";
}

/** What a report comes down to. */
export interface Verdict {
  /** A sentence or two: the metric, speed, size. */
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

/** Ratios closer to 1 than this are the noise of a timing. */
const SAME_SPEED = 0.05;

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
 *   schema: 2,
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
    sentence: describe(first, [describeSpeed(speedup), describeSize(shrinkage)]),
    tone: worst(first),
    changes,
    speedup,
    shrinkage,
    int8Ops: Object.values(fusion?.int8 ?? {}).reduce((sum, ops) => sum + ops, 0),
    floatOps: fusion?.float.length ?? 0,
  };
}

function judgeMetric(metric: MetricReport): Change {
  const { unit, better, float, simulated, deployed } = metric;
  const to = deployed === undefined ? simulated : deployed;
  if (float === null || to === null) return { metric, to, tone: "poor", kind: "unknown" };
  const gain = better === "higher" ? to - float : float - to;
  const size = unit === "fraction" ? 1 : Math.abs(float);
  const { kept, fair } = LIMITS[unit === "fraction" ? unit : better];
  // Rounded, so that 0.971 - 0.966 is half a point and not a little more.
  const loss = -Math.round(gain * 1e6 / (size || Number.MIN_VALUE)) / 1e6;
  const tone = loss <= kept ? "good" : loss <= fair ? "fair" : "poor";
  return { metric, to, tone, kind: tone !== "good" ? "worse" : -loss >= kept ? "better" : "kept" };
}

function worst(changes: readonly Change[]): Tone {
  return TONES[Math.max(0, ...changes.map(({ tone }) => TONES.indexOf(tone)))];
}

function describe(changes: readonly Change[], gains: readonly (string | undefined)[]): string {
  const [change, ...others] = changes;
  const model = change.metric.deployed === undefined ? "fake-quantized" : "int8";
  const subject = others.length === 0 ? `The ${model} model` : `At output "${change.metric.output}" the ${model} model`;
  const known = gains.filter((part) => part !== undefined);
  const worse = others.filter(({ tone }) => TONES.indexOf(tone) > TONES.indexOf(change.tone));
  return [
    `${subject} ${describeChange(change)}${joinGains(known)}.`,
    ...worse.map((other) => `At output "${other.metric.output}" it ${describeChange(other)}.`),
  ].join(" ");
}

function describeChange({ metric, to, kind }: Change): string {
  const { name, unit, better, float } = metric;
  const { value } = unitFormat(unit, [float, to]);
  const against = `(${value(to)} against ${value(float)})`;
  if (kind === "unknown") return `cannot be judged by its ${name} ${against}`;
  if (kind === "kept") return `keeps the ${name} of the float model ${against}`;
  const rises = (kind === "better") === (better === "higher");
  if (unit !== "fraction") {
    return `${rises ? "raises" : "lowers"} the ${name} of the float model from ${value(float)} to ${value(to)}`;
  }
  const points = `${(100 * Math.abs((to ?? 0) - (float ?? 0))).toFixed(1)} points`;
  if (better === "lower") {
    return `${rises ? "raises" : "lowers"} the ${name} of the float model by ${points} ${against}`;
  }
  return rises
    ? `gains ${points} of ${name} over the float model ${against}`
    : `loses ${points} of ${name} to the float model ${against}`;
}

function describeSpeed(speedup: number | undefined): string | undefined {
  if (speedup === undefined || !Number.isFinite(speedup)) return undefined;
  if (speedup > 1 + SAME_SPEED) return `runs ${ratio(speedup)} as fast`;
  if (speedup < 1 - SAME_SPEED) return `runs only ${speedup.toFixed(2)}× as fast`;
  return "runs as fast";
}

function describeSize(shrinkage: number | undefined): string | undefined {
  if (shrinkage === undefined || !Number.isFinite(shrinkage)) return undefined;
  return shrinkage >= 1 ? `is ${ratio(shrinkage)} smaller` : `is ${ratio(1 / shrinkage)} larger`;
}

function joinGains(gains: readonly string[]): string {
  if (gains.length === 0) return "";
  return gains.length === 1 ? ` and ${gains[0]}` : `, ${gains.slice(0, -1).join(", ")} and ${gains.at(-1)}`;
}
