/** The sections of the terminal's report. */
import { byteSize, capitalized, count, isKnown, joulesOf, milliseconds, plural, ratio } from "../_format.ts";
import { metricSteps } from "../_steps.ts";
import { modelWords } from "../_method_words.ts";
import { unitFormat } from "../_unit.ts";
import {
  describeAgreement,
  describeCertainty,
  describeConfidence,
  describeDoubt,
  describeInFloat,
  describeInterval,
  describeShare,
  describeShrinkage,
  describeTaskAgreement,
  describeTraining,
  hasSeveralOutputs,
  otherDeclined,
  otherDevice,
  summarizeAgreement,
} from "../_words.ts";
import type { Cell, Section } from "./_text_table.ts";
import type { AgreementReport, LatencyReport, MetricReport, OfBoth, Report, WorkReport } from "../schema.ts";
import type { Verdict } from "../verdict.ts";

/** A section of the terminal's report: a row in the list of terminal.ts. */
export interface TerminalSection {
  readonly name: string;
  /** Returns nothing where the report has nothing for it. */
  readonly render: (report: Report, verdict: Verdict) => readonly Section[];
}

/** Rows of one kind that are listed before the rest is only counted. */
const MAX_ROWS = 20;

function more(rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  const left = rows.length - MAX_ROWS;
  if (left <= 0) return rows;
  return [...rows.slice(0, MAX_ROWS), [{ text: `… ${count(left)} more in the report` }]];
}

/** The first metric of all models, the other metrics, agreement. */
export const resultsSection: TerminalSection = {
  name: "results",
  render: (report, { changes }) => {
    const { metrics: [metric], agreement = [] } = report;
    if (metric === undefined) return agreementSections(report);
    const several = hasSeveralOutputs(report);
    const others = changes.slice(1);
    const confidence = metric.intervals?.float?.confidence;
    const heading = [
      `${capitalized(metric.name)}${several ? ` of ${metric.output}` : ""} on ${plural(metric.count, "sample")}`,
      ...(metric.better === "lower" ? ["lower is better"] : []),
      ...(confidence === undefined ? [] : [`with ${describeConfidence(confidence)} intervals`]),
    ].join(", ");
    const own = agreement.length === 1 ? agreement.map((entry) => agreementRow("agreement", entry)) : [];
    const training = describeTraining(report);
    return [
      { heading, rows: [...stepRows(report, metric), ...own, ...taskRows(report)] },
      {
        heading: "Evaluation, with the arithmetic of integer kernels, against training",
        rows: training === "" ? [] : [[{ text: training, tone: "muted" }]],
      },
      {
        heading: "Other metrics",
        rows: others.map(({ metric, to, tone }) => metricRow(metric, { to, tone, several })),
      },
      {
        heading: "Agreement by output",
        rows: agreement.length > 1 ? agreement.map((entry) => agreementRow(entry.output, entry)) : [],
      },
    ];
  },
};

/** The agreement of a report that has no metrics. */
function agreementSections({ agreement = [] }: Report): readonly Section[] {
  return [{ heading: "Simulated against deployed", rows: agreement.map((entry) => agreementRow(entry.output, entry)) }];
}

function stepRows(report: Report, metric: MetricReport): Cell[][] {
  const steps = metricSteps(report, metric);
  const { value: write, difference } = unitFormat(metric.unit, steps.map(({ value }) => value));
  return steps.map(({ name, what, value, interval, kind }) => [
    { text: name },
    { text: write(value), right: true, tone: "strong" },
    { text: kind === "float" ? "" : difference(metric.float, value), right: true },
    { text: interval === undefined ? what : `${describeInterval(interval, metric)}; ${what}`, tone: "muted" },
  ]);
}

function agreementRow(name: string, entry: AgreementReport): Cell[] {
  return [
    { text: name },
    { text: summarizeAgreement(entry).value, right: true, tone: "strong" },
    { text: "", right: true },
    { text: describeAgreement(entry), tone: "muted" },
  ];
}

/** How often simulation and file come to the same by what the task is after. */
function taskRows({ taskAgreement }: Report): Cell[][] {
  if (taskAgreement === undefined) return [];
  const { value, words, isEnough } = describeTaskAgreement(taskAgreement);
  return [[
    { text: "alike" },
    { text: value, right: true, tone: isEnough ? "strong" : "fair" },
    { text: "", right: true },
    { text: `${words}, simulated and deployed`, tone: "muted" },
  ]];
}

function metricRow(
  metric: MetricReport,
  { to, tone, several }: { to: number | null; tone: Verdict["tone"]; several: boolean },
): Cell[] {
  const { name, output, unit, better, float, chance } = metric;
  const { value, difference } = unitFormat(unit, [float, to]);
  const notes = [
    `float ${value(float)}`,
    `${better} is better`,
    isKnown(chance) ? `chance ${value(chance)}` : "",
    describeCertainty(metric),
  ];
  return [
    { text: several ? `${name} of ${output}` : name },
    { text: value(to), right: true, tone: "strong" },
    { text: difference(float, to), right: true, tone: tone === "good" ? "plain" : tone },
    { text: notes.filter(Boolean).join(", "), tone: "muted" },
  ];
}

/** Latency and size. */
export const costSection: TerminalSection = {
  name: "cost",
  render: (report, { speedup, shrinkage }) => {
    const { latencyMs, bytes } = report;
    if (bytes === undefined || shrinkage === undefined) return [];
    const row = (name: string, [float, int8]: readonly [string, string], gain: string): Cell[] => [
      { text: name },
      { text: float, right: true },
      { text: int8, right: true, tone: "strong" },
      { text: gain, tone: "muted" },
    ];
    const device = otherDevice(report);
    const onDevice = device === undefined ? [] : [`on ${device}`];
    const times = latencyMs === undefined ? [] : [
      row(
        "median",
        [milliseconds(latencyMs.float.p50), milliseconds(latencyMs.deployed.p50)],
        `${ratio(speedup)} as fast`,
      ),
      row("95th percentile", [milliseconds(latencyMs.float.p95), milliseconds(latencyMs.deployed.p95)], ""),
      ...runRows(latencyMs, report.work).map(({ name, of, write, note }) =>
        row(name, [write(of.float), write(of.deployed)], [describeShare(of), note].filter(Boolean).join(", "))
      ),
    ];
    return [{
      heading: latencyMs
        ? `Latency (${
          [...onDevice, `batch ${latencyMs.batch}`, plural(latencyMs.threads, "thread")].join(", ")
        }) and size`
        : "Size (latency was not measured)",
      rows: [
        ["", "float", modelWords(report).short].map((text): Cell => ({ text, tone: "muted", right: true })).concat({
          text: "",
        }),
        ...times,
        row("file", [byteSize(bytes.float), byteSize(bytes.deployed)], describeShrinkage(shrinkage)),
        ...(latencyMs?.unsteady === undefined
          ? []
          : [[{ text: describeDoubt(latencyMs.unsteady), tone: "fair" as const }]]),
        ...(report.work?.noJoules === undefined
          ? []
          : [[{ text: `Energy was not measured: ${report.work.noJoules}.`, tone: "muted" as const }]]),
      ],
    }];
  },
};

interface RunRow {
  readonly name: string;
  readonly of: OfBoth;
  readonly write: (value: number) => string;
  readonly note?: string;
}

/** What a run takes beside the time of the network alone. */
function runRows(
  { float, deployed, decoding, threads }: LatencyReport,
  work: WorkReport | undefined,
): readonly RunRow[] {
  const rows: RunRow[] = [];
  if (decoding !== undefined) {
    const of = { float: float.p50 + decoding.p50, deployed: deployed.p50 + decoding.p50 };
    rows.push({ name: "with decoding", of, write: milliseconds, note: `decoding ${milliseconds(decoding.p50)}` });
  }
  if (work === undefined) return rows;
  rows.push({ name: "CPU, 1 thread", of: work.singleCpuMs, write: milliseconds });
  if (threads > 1) rows.push({ name: `CPU, ${plural(threads, "thread")}`, of: work.cpuMs, write: milliseconds });
  if (work.joules !== undefined) rows.push({ name: "energy", of: work.joules, write: joulesOf });
  return rows;
}

/** What runs on integers. */
export const int8Section: TerminalSection = {
  name: "int8",
  render: (report, { int8Ops, floatOps }) => {
    const { fusion } = report;
    if (fusion === undefined) return [];
    const device = otherDevice(report);
    const listOf = (ops: Readonly<Record<string, number>> = {}) =>
      Object.entries(ops).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
        .map(([op, times]) => `${times}\u00a0${op}`).join(", ");
    const moved = listOf(fusion?.moved);
    const text = [listOf(fusion?.int8), moved && `codes are moved by ${moved}`].filter(Boolean).join("; ");
    return [{
      heading: (device === undefined ? "" : "On a CPU: ") +
        `${plural(int8Ops, "operator")} in int8, ${floatOps === 0 ? "none" : count(floatOps)} in float`,
      rows: [
        ...(text === "" ? [] : [[{ text }]]),
        ...(device === undefined ? [] : [[{ text: describeInFloat(device), tone: "fair" as const }]]),
      ],
    }];
  },
};

/** What runs in float, and why. */
export const floatSection: TerminalSection = {
  name: "float",
  render: ({ fusion, islands = [] }) => {
    const row = (op: string, layer: string, because: string): Cell[] => [
      { text: op, tone: "fair" },
      { text: layer },
      { text: because, tone: "muted" },
    ];
    const floats = fusion?.float ?? [];
    const named = new Set(floats.map(({ layer }) => layer));
    return [{
      heading: "Left in float",
      rows: [
        ...more(floats.map(({ op, layer, node, because }) => row(op, layer || node, because))),
        ...islands.filter(({ layer }) => !named.has(layer)).map(({ layer, because }) => row("island", layer, because)),
      ],
    }];
  },
};

/** What passes declined, and rules that matched nothing. */
export const declinedSection: TerminalSection = {
  name: "declined",
  render: (report) => [
    {
      heading: "Rules that match no layer",
      rows: (report.recipe?.unmatched ?? []).map((rule): Cell[] => [{ text: rule, tone: "fair" }]),
    },
    {
      heading: "Declined by the exporter",
      rows: more(
        otherDeclined(report).map(({ pass, node, layer = node, because }): Cell[] => [
          { text: pass },
          { text: layer },
          { text: because, tone: "muted" },
        ]),
      ),
    },
  ],
};

/** Files written. */
export const fileSection: TerminalSection = {
  name: "files",
  render: ({ files = [] }) => [{
    heading: "Files",
    rows: files.map(({ path, what, bytes }) => [
      { text: path },
      { text: bytes === undefined ? "" : byteSize(bytes), right: true },
      { text: what, tone: "muted" },
    ]),
  }],
};
