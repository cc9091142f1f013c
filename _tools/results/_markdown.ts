/** Results as Markdown: the README's table, and the page of all. */
import type { NetResult } from "../../tests/bench/step_bench.ts";
import type { Result, Results } from "./_figures.ts";
import { JOBS, type ResultJob } from "./_jobs.ts";
import type { Origin } from "./_origin.ts";

/** What stands around the generated part of the README. */
export const MARKS = {
  start: "<!-- results: written by `deno task results` -->",
  end: "<!-- end of results -->",
} as const;

/** What stands around a generated part. */
export type Marks = Readonly<Record<keyof typeof MARKS, string>>;

/**
 * Replaces the part of `document` between the marks.
 *
 * @throws {Error} If the marks are not there.
 */
export function replaceBlock(document: string, block: string, marks: Marks = MARKS): string {
  const start = document.indexOf(marks.start);
  const end = document.indexOf(marks.end);
  if (start < 0 || end < start) throw new Error(`Cannot write results: "${marks.start}" and "${marks.end}" are needed`);
  return `${document.slice(0, start)}${marks.start}\n\n${block}\n\n${document.slice(end)}`;
}

/** Writes the README's part: where the figures are from, a row for the first seed of every job, what a step takes. */
export function readmeBlock({ jobs, step }: Results): string {
  const rows = JOBS.filter(({ shown }) => shown === "readme").flatMap((job) => {
    const [first] = resultsOf(job, jobs);
    return first === undefined ? [] : [{ job, result: first }];
  });
  return [
    origin(rows.map(({ result }) => result)),
    tableOf(rows),
    ...(step === undefined ? [] : [`${describeSteps(step.nets)} ${origin([step])}`]),
  ].join("\n\n");
}

/** Writes the page of all results, with the commands. */
export function resultsPage({ jobs, step }: Results): string {
  const rows = JOBS.flatMap((job) => resultsOf(job, jobs).map((result) => ({ job, result })));
  const commands = rows.map(({ result: { command, seconds, commit } }) =>
    `| \`${command}\` | ${seconds.toFixed(0)} s | ${commit} |`
  );
  return `# Results

Written by \`deno task results\`; not to be edited by hand.

${origin(rows.map(({ result }) => result))}

${tableOf(rows)}

| command | time | commit |
| --- | --- | --- |
${commands.join("\n")}
${step === undefined ? "" : `\n${stepsTable(step.nets)}\n\n${origin([step])}\n`}`;
}

/** Says what a QAT step takes against PyTorch's, over all nets. */
function describeSteps(nets: Readonly<Record<string, NetResult>>): string {
  const all = Object.values(nets);
  const range = (ratios: readonly number[]) => {
    const [least, most] = [Math.min(...ratios).toFixed(2), Math.max(...ratios).toFixed(2)];
    return least === most ? least : `${least} to ${most}`;
  };
  const ours = `A QAT step takes ${range(all.map(({ qatMs, floatMs }) => qatMs / floatMs))} times a float step`;
  const times = all.flatMap(({ qatMs, torchQatMs }) => torchQatMs === null ? [] : qatMs / torchQatMs);
  const sizes = all.flatMap(({ peakRssMb, torchPeakRssMb }) =>
    torchPeakRssMb === null ? [] : peakRssMb / torchPeakRssMb
  );
  if (times.length === 0) return `${ours} (${Object.keys(nets).join(", ")}).`;
  return `${ours}, ${range(times)} of the time of PyTorch's QAT step and ${range(sizes)} of its memory ` +
    `(${Object.keys(nets).join(", ")}; \`deno task bench\`).`;
}

function stepsTable(nets: Readonly<Record<string, NetResult>>): string {
  const headings = ["net", "float", "QAT", "QAT / float", "PyTorch float", "PyTorch QAT", "QAT / PyTorch's", "MB"];
  const ms = (time: number | null) => time === null ? "" : time.toFixed(1);
  const rows = Object.entries(nets).map(([name, { floatMs, qatMs, torchFloatMs, torchQatMs, peakRssMb }]) => [
    name,
    ms(floatMs),
    ms(qatMs),
    (qatMs / floatMs).toFixed(2),
    ms(torchFloatMs),
    ms(torchQatMs),
    torchQatMs === null ? "" : (qatMs / torchQatMs).toFixed(2),
    peakRssMb.toFixed(0),
  ]);
  return [headings, headings.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

interface Row {
  readonly job: ResultJob;
  readonly result: Result;
}

function resultsOf({ name, seeds }: ResultJob, results: readonly Result[]): readonly Result[] {
  return seeds.flatMap((seed) => results.find((result) => result.job === name && result.seed === seed) ?? []);
}

/** Says from where and when figures are. */
function origin(results: readonly Origin[]): string {
  const listed = (texts: readonly string[]) => [...new Set(texts)].join(", ");
  return `Commit ${listed(results.map(({ commit }) => commit))}; ${listed(results.map(({ machine }) => machine))}; ` +
    `${listed(results.map(({ date }) => date))}.`;
}

const HEADINGS = [
  "job",
  "seed",
  "float, trained as long",
  "simulated",
  "deployed",
  "change, 95 %; p",
  "same answers",
  "codes that differ",
  "in int8",
] as const;

function tableOf(rows: readonly Row[]): string {
  return [HEADINGS, HEADINGS.map(() => "---"), ...rows.map(cellsOf)].map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function cellsOf({ job, result: { seed, figures } }: Row): readonly string[] {
  const { count, float, reference, others, simulated, deployed, change, alike, codes, operators } = figures;
  const value = (number: number | null) => valueOf(number, figures.unit);
  const rest = Object.entries(others).map(([step, number]) => `${step} ${value(number)}`);
  const floats = [reference === "control" ? value(float) : `${value(float)} (${reference}; no control)`, ...rest];
  return [
    job.what,
    `${seed}`,
    floats.join("; "),
    value(simulated),
    `${value(deployed)} of ${grouped(count)}`,
    change === undefined ? "" : `${signed(change.low)} to ${signed(change.high)}; ${change.p.toFixed(2)}`,
    alike === null ? "" : valueOf(alike, "fraction"),
    codes === undefined ? "" : `${grouped(codes.different)} of ${grouped(codes.count)}, by ${codes.most} at most`,
    `${operators.int8} of ${operators.int8 + operators.float} operators`,
  ];
}

function valueOf(number: number | null, unit: string): string {
  if (number === null) return "n/a";
  return unit === "fraction" ? `${(100 * number).toFixed(2)} %` : `${number.toPrecision(4)} ${unit}`.trim();
}

/** Writes a change of a fraction in points. */
function signed(change: number): string {
  return `${change < 0 ? "−" : "+"}${Math.abs(100 * change).toFixed(2)}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en");
}
