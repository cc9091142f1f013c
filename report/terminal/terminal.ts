import {
  agreementPercent,
  byteSize,
  capitalized,
  count,
  milliseconds,
  percent,
  plural,
  points,
  ratio,
} from "../_format.ts";
import { type Cell, formatParagraph, formatSection, type Section } from "./_text_table.ts";
import { describeDevice } from "../_device.ts";
import { accuracySteps } from "../_steps.ts";
import type { Report } from "../report.ts";
import { judge, type Verdict } from "../verdict.ts";

/** How to write a report to a terminal. */
export interface TerminalOptions {
  /** Whether to use ANSI colours; the caller knows about NO_COLOR and whether this is a terminal. Default false. */
  readonly color?: boolean;
  /** Columns to stay within, 40 to 100. Default 80. */
  readonly width?: number;
  /** Whether to keep to ASCII. Default false. */
  readonly ascii?: boolean;
}

const MIN_WIDTH = 40;
/** Longer lines are hard to follow. */
const MAX_WIDTH = 100;
/** Float operators listed before the rest is only counted. */
const MAX_FLOAT_ROWS = 20;

/**
 * Formats `report` as a table for the terminal, without a final newline.
 *
 * Names in it cannot restyle the terminal: control characters are written as "?".
 *
 * @example
 * ```ts ignore
 * const report = JSON.parse(await Deno.readTextFile("out/report.json"));
 * const { columns: width } = Deno.consoleSize();
 * console.log(formatReport(report, { color: !Deno.noColor && Deno.stdout.isTerminal(), width }));
 * ```
 */
export function formatReport(report: Report, options: TerminalOptions = {}): string {
  const { color = false, ascii = false } = options;
  const style = { color, ascii, width: Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.floor(options.width ?? 80))) };
  const verdict = judge(report);
  const sections = [
    accuracySection(report),
    costSection(report, verdict),
    int8Section(report, verdict),
    floatSection(report),
    fileSection(report),
  ];
  const title = [report.model?.name ?? "Quantization report", report.data && `on ${report.data.name}`];
  return [
    ...formatParagraph(title.filter(Boolean).join(" "), { tone: "strong", style }),
    ...formatParagraph(verdict.sentence, { tone: verdict.tone, style }),
    ...deviceLines(report).flatMap((line) => formatParagraph(line, { tone: "muted", style })),
    ...sections.filter(({ rows }) => rows.length > 0).flatMap((section) => ["", ...formatSection(section, style)]),
  ].join("\n");
}

/** The device, where it was chosen. */
function deviceLines({ device }: Report): readonly string[] {
  return device === undefined || device.asked === "cpu" ? [] : [`Ran on ${describeDevice(device)}.`];
}

function accuracySection(report: Report): Section {
  const { accuracy, agreement } = report;
  const { compared, different, maxDifference } = agreement.codes;
  const codes = different === 0
    ? `all ${count(compared)} output codes are equal`
    : `${count(different)} of ${count(compared)} output codes differ, by ${maxDifference} at most`;
  const row = (name: string, { value, difference, note }: Readonly<Record<string, string>>): Cell[] => [
    { text: name },
    { text: value, right: true, tone: "strong" },
    { text: difference, right: true },
    { text: note, tone: "muted" },
  ];
  const steps = accuracySteps(report).map(({ name, what, value, kind }) =>
    row(name, {
      value: percent(value),
      difference: kind === "float" ? "" : points(accuracy.float, value),
      note: what,
    })
  );
  return {
    heading: `${capitalized(accuracy.metric)} on ${plural(accuracy.samples, "sample")}`,
    rows: [...steps, row("agreement", { value: agreementPercent(agreement.top1), difference: "", note: codes })],
  };
}

function costSection({ latencyMs, bytes }: Report, { speedup, shrinkage }: Verdict): Section {
  const row = (name: string, [float, int8]: readonly [string, string], gain: string): Cell[] => [
    { text: name },
    { text: float, right: true },
    { text: int8, right: true, tone: "strong" },
    { text: gain, tone: "muted" },
  ];
  const times = latencyMs === undefined ? [] : [
    row("median", [milliseconds(latencyMs.float.p50), milliseconds(latencyMs.int8.p50)], `${ratio(speedup)} as fast`),
    row("95th percentile", [milliseconds(latencyMs.float.p95), milliseconds(latencyMs.int8.p95)], ""),
  ];
  const size = shrinkage >= 1 ? `${ratio(shrinkage)} smaller` : `${ratio(1 / shrinkage)} larger`;
  return {
    heading: latencyMs
      ? `Latency (batch ${latencyMs.batch}, ${plural(latencyMs.threads, "thread")}) and size`
      : "Size (latency was not measured)",
    rows: [
      ["", "float", "int8"].map((text): Cell => ({ text, tone: "muted", right: true })).concat({ text: "" }),
      ...times,
      row("file", [byteSize(bytes.float), byteSize(bytes.int8)], size),
    ],
  };
}

function int8Section({ fusion }: Report, { int8Ops, floatOps }: Verdict): Section {
  const ops = Object.entries(fusion.int8).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return {
    heading: `${plural(int8Ops, "operator")} in int8, ${floatOps === 0 ? "none" : count(floatOps)} in float`,
    rows: ops.length === 0 ? [] : [[{ text: ops.map(([op, times]) => `${times}\u00a0${op}`).join(", ") }]],
  };
}

function floatSection({ fusion, islands = [] }: Report): Section {
  const row = (op: string, layer: string, because: string): Cell[] => [
    { text: op, tone: "fair" },
    { text: layer },
    { text: because, tone: "muted" },
  ];
  const listed = fusion.float.slice(0, MAX_FLOAT_ROWS);
  const left = fusion.float.length - listed.length;
  const named = new Set(fusion.float.map(({ layer }) => layer));
  return {
    heading: "Left in float",
    rows: [
      ...listed.map(({ op, layer, node, because }) => row(op, layer || node, because)),
      ...(left > 0 ? [row("…", "", `${count(left)} more in the report`)] : []),
      ...islands.filter(({ layer }) => !named.has(layer)).map(({ layer, because }) => row("island", layer, because)),
    ],
  };
}

function fileSection({ files = [] }: Report): Section {
  return {
    heading: "Files",
    rows: files.map(({ path, what, bytes }) => [
      { text: path },
      { text: bytes === undefined ? "" : byteSize(bytes), right: true },
      { text: what, tone: "muted" },
    ]),
  };
}
