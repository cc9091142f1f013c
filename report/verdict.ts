import { percent, ratio } from "./_format.ts";
import type { Report } from "./report.ts";

/** What a report comes down to. */
export interface Verdict {
  /** One sentence: accuracy, speed, size. */
  readonly sentence: string;
  /** "good" within half a point of float, "fair" within two, else "poor". */
  readonly tone: "good" | "fair" | "poor";
  /** Deployed minus float, in percentage points. */
  readonly points: number;
  /** Median float latency over median int8 latency; undefined if not measured. */
  readonly speedup?: number;
  /** Float size over int8 size. */
  readonly shrinkage: number;
  /** Number of operators that run in int8. */
  readonly int8Ops: number;
  /** Number of operators that run in float. */
  readonly floatOps: number;
}

/** Loss of accuracy that counts as none, in percentage points: what the project promises to stay within. */
const KEPT = 0.5;
/** Loss beyond which the int8 model is called poor, in percentage points. */
const FAIR = 2;
/** Ratios closer to 1 than this are the noise of a timing. */
const SAME_SPEED = 0.05;

/**
 * Sums up `report` in one sentence and a few figures.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { judge } from "./verdict.ts";
 *
 * const { tone, speedup } = judge({
 *   schema: 1,
 *   accuracy: { metric: "accuracy", float: 0.976, simulated: 0.977, deployed: 0.977, samples: 1000 },
 *   agreement: { top1: 1, codes: { compared: 1000, different: 0, maxDifference: 0 } },
 *   latencyMs: { float: { p50: 3, p95: 4 }, int8: { p50: 1, p95: 1.5 }, batch: 1, threads: 2 },
 *   bytes: { float: 400, int8: 100 },
 *   fusion: { int8: { QLinearConv: 6 }, float: [] },
 *   train: { epochs: [], firstStepMs: null, stepMs: null, peakRssMb: null },
 *   rewrites: [],
 *   seed: 1,
 *   versions: {},
 * });
 * assert.equal(tone, "good");
 * assert.equal(speedup, 3);
 * ```
 */
export function judge(report: Report): Verdict {
  const { accuracy, latencyMs, bytes, fusion } = report;
  // Rounded, so that 0.971 - 0.966 is half a point and not a little more.
  const points = Math.round((accuracy.deployed - accuracy.float) * 1e6) / 1e4;
  const speedup = latencyMs && latencyMs.float.p50 / latencyMs.int8.p50;
  const shrinkage = bytes.float / bytes.int8;
  const gains = [describeSpeed(speedup), describeSize(shrinkage)].filter((part) => part !== undefined);
  const sentence = ["The int8 model ", describeAccuracy(report, points), ...joinGains(gains), "."].join("");
  return {
    sentence,
    tone: points >= -KEPT ? "good" : points >= -FAIR ? "fair" : "poor",
    points,
    speedup,
    shrinkage,
    int8Ops: Object.values(fusion.int8).reduce((sum, ops) => sum + ops, 0),
    floatOps: fusion.float.length,
  };
}

function describeAccuracy({ accuracy }: Report, points: number): string {
  const against = `(${percent(accuracy.deployed)} against ${percent(accuracy.float)})`;
  if (points >= KEPT) return `is ${points.toFixed(1)} points more accurate than the float model ${against}`;
  if (points >= -KEPT) return `keeps the accuracy of the float model ${against}`;
  return `loses ${(-points).toFixed(1)} points of accuracy to the float model ${against}`;
}

function describeSpeed(speedup: number | undefined): string | undefined {
  if (speedup === undefined || !Number.isFinite(speedup)) return undefined;
  if (speedup > 1 + SAME_SPEED) return `runs ${ratio(speedup)} as fast`;
  if (speedup < 1 - SAME_SPEED) return `runs only ${speedup.toFixed(2)}× as fast`;
  return "runs as fast";
}

function describeSize(shrinkage: number): string | undefined {
  if (!Number.isFinite(shrinkage)) return undefined;
  return shrinkage >= 1 ? `is ${ratio(shrinkage)} smaller` : `is ${ratio(1 / shrinkage)} larger`;
}

function joinGains(gains: readonly string[]): readonly string[] {
  if (gains.length === 0) return [];
  if (gains.length === 1) return [" and ", gains[0]];
  return [", ", gains.slice(0, -1).join(", "), " and ", gains[gains.length - 1]];
}
