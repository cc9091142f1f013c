/** What a sweep found, as comma-separated values: a row a row of the grid. */
import { toCsv } from "./_csv.ts";
import { isDone, type SweepReport } from "./sweep_schema.ts";

/** Writes a sweep as CSV. Numbers are whole: fractions are not in percent, times are in ms and seconds. */
export function sweepCsv({ rows, options, metric, best }: SweepReport): string {
  const head = [
    "row",
    ...options,
    metric?.name ?? "value",
    "low",
    "high",
    "float",
    "change low",
    "change high",
    "p",
    "samples",
    "ms",
    "ms float",
    "bytes",
    "seconds",
    "best",
    "left out because",
  ];
  return toCsv([
    head,
    ...rows.map((row, i) => {
      if (!isDone(row)) {
        return [row.name, ...row.values, ...Array(head.length - options.length - 2).fill(null), row.because];
      }
      const { value, interval, float, change, count, latencyMs, bytes, seconds } = row;
      return [
        row.name,
        ...row.values,
        value,
        interval?.low,
        interval?.high,
        float,
        change?.low,
        change?.high,
        change?.p,
        count,
        latencyMs?.file,
        latencyMs?.float,
        bytes,
        Number(seconds.toFixed(3)),
        i === best ? "yes" : "",
        "",
      ];
    }),
  ]);
}
