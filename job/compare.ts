/** What runs differ in, and what came of that: from what they have left, and nothing else. */
import { join } from "node:path";
import {
  COMPARE_SCHEMA,
  type ComparedCurve,
  type ComparedMetrics,
  type CompareReport,
} from "../report/compare_schema.ts";
import { renderComparison } from "../report/html/compare.ts";
import { commitFiles, ensureWritableDirectory, OutputError } from "../src/io/atomic.ts";
import { exists } from "../src/io/disk.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { compareKept } from "../tasks/uncertainty/mod.ts";
import { flagOf } from "./_flags.ts";
import { readPairing } from "./_pairing.ts";
import { type CompareRunsOptions, resolveCompare } from "./compare/options.ts";
import { type ReadMetric, type ReadRun, readRun } from "./compare/read.ts";

export type { CompareRunsOptions };

/** What is left of a comparison. */
const FILES = ["compare.html", "compare.json"] as const;

/**
 * Compares runs of `qat` and `ptq` by what they have left in their folders: the options in which they differ, metrics with
 * their intervals, sizes, times, and how training went.
 *
 * Runs that judged the same samples are compared in pairs, each with the first, by the test that a run compares its int8
 * file with float by.
 *
 * @returns The comparison, which is also written to `options.out` where that is given.
 * @throws {RangeError} If a folder has no run that has ended, one is damaged, or runs learned different things.
 * @throws {OutputError} If `options.out` has a comparison already or cannot be written to.
 *
 * @example
 * ```ts ignore
 * const { metrics: [{ name, values }] } = await compareRuns({ runs: ["out", "out-2"] });
 * console.log(name, values.map(({ value }) => value));
 * ```
 */
export function compareRuns(options: CompareRunsOptions): Promise<CompareReport> {
  return inPlainWords(async () => {
    const { runs: names, out, overwrite = false } = resolveCompare(options);
    const found = out === undefined ? undefined : FILES.map((name) => join(out, name)).find(exists);
    if (found !== undefined && !overwrite) {
      throw new OutputError(`Cannot write to "${found}": it is there already, --overwrite replaces it`);
    }
    const runs = await Promise.all(names.map(readRun));
    const report = compare(runs);
    if (out !== undefined) write(out, report);
    return report;
  });
}

function write(root: string, report: CompareReport): void {
  ensureWritableDirectory(root);
  const contents = { "compare.html": renderComparison(report), "compare.json": `${JSON.stringify(report, null, 2)}\n` };
  commitFiles({ root, files: FILES.map((name) => ({ path: join(root, name), bytes: contents[name] })), remove: [] });
}

function compare(runs: readonly ReadRun[]): CompareReport {
  const [first, ...others] = runs;
  for (const run of others) refuseOther(first, run);
  return {
    schema: COMPARE_SCHEMA,
    kind: "compare",
    task: first.task,
    runs: runs.map(({ name, job, latencyMs, bytes, machine, command }) => ({
      name,
      job,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(bytes === undefined ? {} : { bytes }),
      ...(machine === undefined ? {} : { machine }),
      ...(command === undefined ? {} : { command }),
    })),
    options: optionsThatDiffer(runs),
    metrics: metricsOf(runs),
    curves: curvesOf(runs),
    notes: notesOf(runs),
  };
}

/** @throws {RangeError} If two runs learned different things, or are judged by different ones. */
function refuseOther(first: ReadRun, run: ReadRun): void {
  const cannot = `Cannot compare "${first.name}" and "${run.name}"`;
  if (run.task !== first.task) {
    throw new RangeError(`${cannot}: they learned ${first.task} and ${run.task}, runs of one task are needed`);
  }
  const [[a], [b]] = [first.metrics, run.metrics];
  if (a.name === b.name && a.unit === b.unit && a.better === b.better) return;
  const words = ({ name, unit }: ReadMetric) => unit === "" || unit === "fraction" ? name : `${name} in ${unit}`;
  throw new RangeError(`${cannot}: they are judged by ${words(a)} and ${words(b)}, one metric is needed`);
}

function optionsThatDiffer(runs: readonly ReadRun[]): CompareReport["options"] {
  const names = [...new Set(runs.flatMap(({ options }) => [...options.keys()]))];
  const all = [
    { name: "job", values: runs.map(({ job }) => job as string) },
    ...names.map((name) => ({
      name: flagOf(name).slice(2),
      values: runs.map(({ options }) => options.get(name) ?? ""),
    })),
  ];
  return all.filter(({ values }) => new Set(values).size > 1 && isOfAll(values, runs));
}

/** Whether an option that differs says something: runs of one job differ in it, or every job that was run has it. */
function isOfAll(values: readonly string[], runs: readonly ReadRun[]): boolean {
  const byJob = [...Map.groupBy(values.keys(), (i) => runs[i].job).values()].map((own) => own.map((i) => values[i]));
  return byJob.some((own) => new Set(own).size > 1) || byJob.every((own) => own.some((value) => value !== ""));
}

/** Metrics go by their names, and by the places of their outputs, which may be called otherwise. */
function keysOf({ metrics }: ReadRun): ReadonlyMap<string, ReadMetric> {
  const outputs = [...new Set(metrics.map(({ output }) => output))];
  return new Map(metrics.map((metric) => [`${outputs.indexOf(metric.output)} ${metric.name}`, metric]));
}

function metricsOf(runs: readonly ReadRun[]): readonly ComparedMetrics[] {
  const maps = runs.map(keysOf);
  const several = new Set(runs[0].metrics.map(({ output }) => output)).size > 1;
  const shared = [...maps[0]].filter(([key]) => maps.every((map) => map.has(key)));
  return shared.map(([key, { name, output, unit, better }], place) => ({
    name: several ? `${output} ${name}` : name,
    unit,
    better,
    values: maps.map((map, i) => {
      const { float, value, count, interval } = map.get(key)!;
      // What is kept is of the first metric.
      const change = place === 0 && i > 0 ? changeBetween(runs[0], runs[i]) : undefined;
      return {
        float,
        value,
        count,
        ...(interval === undefined ? {} : { interval }),
        ...(change === undefined ? {} : { change }),
      };
    }),
  }));
}

function changeBetween({ pairing: a }: ReadRun, { pairing: b }: ReadRun) {
  if (a === undefined || b === undefined || a.samples !== b.samples) return undefined;
  const [before, after] = [readPairing(a), readPairing(b)];
  return before === undefined || after === undefined ? undefined : compareKept(before, after);
}

/** Losses, and the first metric on the validation samples. */
function curvesOf(runs: readonly ReadRun[]): readonly ComparedCurve[] {
  const [{ metrics: [{ name, unit }] }] = runs;
  const curve = (title: string, of: "loss" | "metric", unit: string): ComparedCurve => ({
    name: title,
    unit,
    series: runs.flatMap(({ name, epochs }) => {
      const points = epochs.flatMap((epoch, i) => {
        const value = epoch[of];
        return value === null ? [] : [[i + 1, value] as const];
      });
      return points.length === 0 ? [] : [{ run: name, points }];
    }),
  });
  return [curve("training loss", "loss", ""), curve(`${name} after each epoch`, "metric", unit)]
    .filter(({ series }) => series.length > 0);
}

function notesOf(runs: readonly ReadRun[]): readonly string[] {
  const [first, ...others] = runs;
  const without = runs.filter(({ pairing }) => pairing === undefined).map(({ name }) => `"${name}"`);
  const other = others.filter(({ pairing }) =>
    pairing !== undefined && first.pairing !== undefined && pairing.samples !== first.pairing.samples
  )
    .map(({ name }) => `"${name}"`);
  const machines = new Set(runs.flatMap(({ latencyMs, machine }) => latencyMs === undefined ? [] : machine ?? ""));
  return [
    ...(without.length === 0
      ? []
      : [`Not compared in pairs: ${without.join(", ")}, which kept no answers to samples.`]),
    ...(other.length === 0
      ? []
      : [`Not compared in pairs: ${other.join(", ")}, which judged other samples than "${first.name}".`]),
    ...(machines.size > 1 ? ["Times are of different machines."] : []),
  ];
}
