/** What is kept of a row of a task's table. */
import type { ChangeReport, Report } from "../../../mod.ts";
import { readRun } from "../../../job/compare/read.ts";
import type { Origin } from "../_origin.ts";

/** A row that was run. */
export interface TaskResult extends Origin {
  readonly page: string;
  readonly row: string;
  /** As a user would type it; what is cached is in a folder of the tool's. */
  readonly command: string;
  /** Of the whole command. */
  readonly seconds: number;
  readonly figures: TaskFigures;
}

/** What a row came to. */
export interface TaskFigures {
  /** Samples that were judged. */
  readonly count: number;
  readonly metrics: readonly TaskMetric[];
  /** Float models on the way, by what they are, with a value for each of the metrics. */
  readonly steps: Readonly<Record<string, readonly (number | null)[]>>;
  /** Median time of a run on one sample, in ms. */
  readonly latencyMs: { readonly float: number; readonly deployed: number } | null;
  readonly bytes: { readonly float: number; readonly deployed: number } | null;
  /** The first metric after each epoch, of all stages; null where it was not measured. */
  readonly epochs: readonly (number | null)[];
}

/** A metric of a row. */
export interface TaskMetric {
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** What the change is against: the control, or the float model. */
  readonly float: number | null;
  /** Of the file; of the simulation where there is none. */
  readonly reached: number | null;
  readonly change: Pick<ChangeReport, "low" | "high" | "p"> | null;
}

/** Reads what the job in `dir` came to. */
export async function figuresOf(dir: string): Promise<TaskFigures> {
  const report: Report = JSON.parse(await Deno.readTextFile(`${dir}/report.json`));
  // It looks at every field that is compared, and knows the epochs of all stages.
  const { epochs } = await readRun(dir);
  const { metrics, floatBefore = [], latencyMs, bytes } = report;
  return {
    count: metrics[0].count,
    metrics: metrics.map(({ name, unit, better, float, deployed, simulated, change }) => ({
      name,
      unit,
      better,
      float,
      reached: deployed ?? simulated ?? null,
      change: change === undefined ? null : { low: change.low, high: change.high, p: change.p },
    })),
    steps: Object.fromEntries(
      floatBefore.map(({ step, metrics: values }) => [
        step,
        metrics.map(({ name, output }) =>
          values.find((one) => one.name === name && one.output === output)?.value ?? null
        ),
      ]),
    ),
    latencyMs: latencyMs === undefined ? null : { float: latencyMs.float.p50, deployed: latencyMs.deployed.p50 },
    bytes: bytes ?? null,
    epochs: epochs.map(({ metric }) => metric),
  };
}
