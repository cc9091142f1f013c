/** What is kept of a job's report. */
import type { ChangeReport, Report } from "../../mod.ts";
import type { NetResult } from "../../tests/bench/step_bench.ts";
import type { Origin } from "./_origin.ts";

/** What docs/results.json holds. */
export interface Results {
  readonly jobs: readonly Result[];
  /** What a training step takes, by net; absent until it was timed. */
  readonly step?: Origin & { readonly nets: Readonly<Record<string, NetResult>> };
}

/** A run of a job. */
export interface Result extends Origin {
  /** The job's name. */
  readonly job: string;
  readonly seed: number;
  /** As a user would type it. */
  readonly command: string;
  /** Of the whole job. */
  readonly seconds: number;
  readonly figures: Figures;
}

/** The figures of a report, those of its first metric. */
export interface Figures {
  /** The metric's name and unit. */
  readonly metric: string;
  readonly unit: string;
  readonly count: number;
  readonly float: number | null;
  /** What the float model is: "control", or the last of the models before quantization. */
  readonly reference: string;
  /** The other float models, by what they are. */
  readonly others: Readonly<Record<string, number | null>>;
  readonly simulated: number | null;
  readonly deployed: number | null;
  readonly change?: Pick<ChangeReport, "low" | "high" | "p">;
  /** Share of examples with the same answer, and of the codes of outputs: how many differ, of how many, by how much. */
  readonly alike: number | null;
  readonly codes?: { readonly different: number; readonly count: number; readonly most: number };
  readonly operators: { readonly int8: number; readonly float: number };
  /** Float time over int8 time of a run, and sizes. */
  readonly speedup: number | null;
  readonly shrinkage: number | null;
}

/** Reads the figures of `report`. */
export function figuresOf(report: Report): Figures {
  const { metrics: [metric], agreement: [agreement] = [], floatBefore = [], fusion, latencyMs, bytes } = report;
  const reference = floatBefore.find(({ isReference }) => isReference);
  const others = floatBefore.filter(({ isReference }) => !isReference).map(({ step, metrics }) => [
    step,
    metrics.find(({ name, output }) => name === metric.name && output === metric.output)?.value ?? null,
  ]);
  const { low, high, p } = metric.change ?? {};
  return {
    metric: metric.name,
    unit: metric.unit,
    count: metric.count,
    float: metric.float,
    reference: reference?.step ?? "original",
    others: Object.fromEntries(others),
    simulated: metric.simulated ?? null,
    deployed: metric.deployed ?? null,
    ...(low === undefined || high === undefined || p === undefined ? {} : { change: { low, high, p } }),
    alike: agreement?.alike ?? null,
    ...(agreement?.compared === "codes"
      ? { codes: { different: agreement.different, count: agreement.count, most: agreement.maxDifference } }
      : {}),
    operators: { int8: sumOf(fusion?.int8), float: fusion?.float.length ?? 0 },
    speedup: latencyMs === undefined ? null : latencyMs.float.p50 / latencyMs.deployed.p50,
    shrinkage: bytes === undefined ? null : bytes.float / bytes.deployed,
  };
}

function sumOf(counts: Readonly<Record<string, number>> = {}): number {
  return Object.values(counts).reduce((sum, times) => sum + times, 0);
}
