/** What a comparison says in words, the same in the terminal and on the page. */
import { byteSize, isKnown, milliseconds } from "./_format.ts";
import { unitFormat } from "./_unit.ts";
import type { ParetoPoint } from "./choose_words.ts";
import type { ComparedMetrics, CompareReport } from "./compare_schema.ts";

/** A change is one if chance would give it less often. */
const SURE = 0.05;

const CHANCE = ", no more than chance may give";

/** Says in a sentence which run is the best, and whether that is more than chance. */
export function compareSentence({ runs, metrics: [metric] }: CompareReport): string {
  const best = bestOf(metric);
  if (best === undefined) return "No run has a number to compare.";
  const { value } = unitFormat(metric.unit, metric.values.map(({ value }) => value));
  const reached = `${metric.name} ${value(metric.values[best].value)}`;
  const change = metric.values[best].change;
  if (best === 0) {
    const changes = metric.values.flatMap(({ change }) => change ?? []);
    const worse = changes.filter(({ p }) => p < SURE).length;
    const sure = changes.length === 0
      ? ""
      : worse === 0
      ? CHANCE
      : `, more than chance would give against ${worse} of the others`;
    return `The best of ${runs.length} runs is the first, ${runs[0].name}: ${reached}${sure}.`;
  }
  const first = `${value(metric.values[0].value)} of ${runs[0].name}`;
  const sure = change === undefined
    ? ""
    : change.p < SURE
    ? ", more than chance would give"
    : ", no more than chance may give";
  return `The best of ${runs.length} runs is ${runs[best].name}: ${reached} against ${first}${sure}.`;
}

/** Names of runs without the folders that all of them lie in: what tells them apart. */
export function shortNames({ runs }: Pick<CompareReport, "runs">): readonly string[] {
  const parts = runs.map(({ name }) => name.replace(/(?<=[^/\\])[/\\]+$/, "").split(/(?<=[/\\])/));
  const most = Math.min(...parts.map(({ length }) => length)) - 1;
  const differs = parts[0].findIndex((part, i) => parts.some((other) => other[i] !== part));
  const shared = Math.min(most, differs < 0 ? most : differs);
  return parts.map((own) => own.slice(shared).join(""));
}

/** The place of the best run; of equal ones the first. */
export function bestOf({ values, better }: ComparedMetrics): number | undefined {
  const sign = better === "higher" ? 1 : -1;
  return values.reduce<number | undefined>((best, { value }, i) => {
    if (!isKnown(value)) return best;
    return best === undefined || sign * (value - (values[best].value ?? 0)) > 0 ? i : best;
  }, undefined);
}

/** The cells of a run by a metric, as text. */
export function compareCells(report: CompareReport, metric: ComparedMetrics, i: number) {
  const { value: write, difference } = unitFormat(metric.unit, metric.values.map(({ value }) => value));
  const { value, float, interval, change } = metric.values[i];
  const { latencyMs, bytes } = report.runs[i];
  return {
    value: write(value),
    interval: interval === undefined ? "" : `${write(interval.low)} to ${write(interval.high)}`,
    float: float === null ? "" : write(float),
    change: change === undefined ? "" : `${difference(0, change.low)} to ${difference(0, change.high)}`,
    p: change === undefined ? "" : change.p < 0.001 ? "<0.001" : change.p.toFixed(3),
    latency: latencyMs === undefined ? "" : milliseconds(latencyMs.file),
    size: bytes === undefined ? "" : byteSize(bytes.file),
  };
}

/** Runs as points of quality against time; those that were not timed are left out. */
export function comparePoints({ runs, metrics: [metric] }: CompareReport): readonly ParetoPoint[] {
  const best = bestOf(metric);
  return runs.flatMap(({ name, latencyMs }, i) => {
    const { value } = metric.values[i];
    return latencyMs === undefined || value === null ? [] : [{ name, value, ms: latencyMs.file, isChosen: i === best }];
  });
}
