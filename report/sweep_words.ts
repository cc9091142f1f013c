/** What a sweep says in words, the same in the terminal and on the page. */
import { byteSize, isKnown, milliseconds, plural, ratio } from "./_format.ts";
import { unitFormat } from "./_unit.ts";
import { waitOf } from "./choose_words.ts";
import { type DoneRow, isDone, type SweepReport, type SweepRow } from "./sweep_schema.ts";

/** Returns the place of the row whose value is the best; of equal ones the first. */
export function bestRowOf({ rows, metric }: Pick<SweepReport, "rows" | "metric">): number | undefined {
  const sign = metric?.better === "lower" ? -1 : 1;
  return rows.reduce<number | undefined>((best, row, i) => {
    if (!isDone(row) || !isKnown(row.value)) return best;
    const known = best === undefined ? undefined : rows[best];
    const isBetter = known === undefined || !isDone(known) || sign * (row.value - (known.value ?? 0)) > 0;
    return isBetter ? i : best;
  }, undefined);
}

/** Says in a sentence which row is the best, and of how many. */
export function sweepSentence(report: SweepReport): string {
  const { rows, count, best, metric, options } = report;
  const left = count - rows.length;
  const rest = left === 0 ? "" : ` ${plural(left, "row")} ${left === 1 ? "is" : "are"} still to be run.`;
  const row = best === undefined ? undefined : rows[best];
  if (row === undefined || !isDone(row) || metric === undefined) return `No row could be judged.${rest}`;
  const { value } = unitFormat(metric.unit, [row.value, row.float]);
  const own = options.map((option, i) => `${option} ${row.values[i]}`).join(", ");
  const how = own === "" ? "" : ` (${own})`;
  const float = isKnown(row.float) ? `, float ${value(row.float)}` : "";
  return `The best of ${plural(rows.filter(isDone).length, "row")} is ${row.name}${how}: ${metric.name} ${
    value(row.value)
  }${float}.${rest}`;
}

/** The cells of a row behind its values, as text. */
export function sweepCells(row: SweepRow, { metric }: SweepReport) {
  if (!isDone(row) || metric === undefined) {
    const note = isDone(row) ? "" : `left out: ${row.because}`;
    return { value: "", interval: "", change: "", latency: "", speed: "", size: "", wait: "", note };
  }
  const { value, difference } = unitFormat(metric.unit, [row.value, row.float]);
  const { change, interval, latencyMs, bytes, seconds } = row;
  return {
    value: value(row.value),
    interval: interval === undefined ? "" : `${value(interval.low)} to ${value(interval.high)}`,
    change: change === undefined ? "" : `${difference(0, change.low)} to ${difference(0, change.high)}`,
    latency: latencyMs === undefined ? "" : milliseconds(latencyMs.file),
    speed: speedOf(row),
    size: bytes === undefined ? "" : byteSize(bytes),
    wait: waitOf(seconds),
    note: "",
  };
}

function speedOf({ latencyMs }: DoneRow): string {
  return latencyMs === undefined ? "" : ratio(latencyMs.float / latencyMs.file);
}
