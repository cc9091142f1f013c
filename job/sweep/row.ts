/** What a sweep takes of the report of a row's job. */
import type { Report } from "../../report/schema.ts";
import type { DoneRow, SweepMetric } from "../../report/sweep_schema.ts";

/** Returns what a report says, by its first metric; of a job that nothing was judged by, by the noise against float. */
export function rowOfReport(
  report: Report,
): Omit<DoneRow, "name" | "values" | "seconds"> & { readonly metric: SweepMetric } {
  const { latencyMs, bytes } = report;
  return {
    ...judged(report),
    ...(latencyMs === undefined ? {} : { latencyMs: { float: latencyMs.float.p50, file: latencyMs.deployed.p50 } }),
    ...(bytes === undefined ? {} : { bytes: bytes.deployed }),
  };
}

function judged({ metrics: [metric], sqnr: [noise] = [] }: Report) {
  if (metric === undefined) {
    if (noise === undefined) throw new RangeError("Cannot judge the row: its data say nothing of what is right");
    return {
      metric: { name: "signal to noise", unit: "dB", better: "higher" as const },
      float: null,
      value: noise.deployed ?? noise.simulated ?? null,
      count: noise.samples,
    };
  }
  const { name, unit, better, float, count, change, intervals } = metric;
  const interval = metric.deployed === undefined ? intervals?.simulated : intervals?.deployed;
  return {
    metric: { name, unit, better },
    float,
    value: metric.deployed ?? metric.simulated ?? null,
    count,
    ...(interval === undefined ? {} : { interval }),
    ...(change === undefined ? {} : { change }),
  };
}
