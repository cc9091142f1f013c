/** A comparison of runs, as a page. */
import type { CurveSection } from "../../tasks/section.ts";
import { escapeHtml, plural } from "../_format.ts";
import type { ComparedCurve, CompareReport } from "../compare_schema.ts";
import { bestOf, compareCells, comparePoints, compareSentence } from "../compare_words.ts";
import { chartFigure, denseTable, facts, section, table } from "./_markup.ts";
import { page } from "./_page.ts";
import { renderParetoChart } from "./_pareto_chart.ts";
import { renderAll } from "./_task_section.ts";

/**
 * Renders a comparison of runs as one self-contained HTML page: no script, no network, light or dark as the reader prefers.
 * Equal comparisons give equal pages.
 */
export function renderComparison(report: CompareReport): string {
  const { runs, task, notes } = report;
  const names = runs.map(({ name }) => name);
  return page(`Comparison of ${names.join(", ")}`, {
    kind: `Comparison of runs, ${task}`,
    name: plural(runs.length, "run"),
    headline: compareSentence(report),
    subject: notes.join(" "),
    body: [
      ...report.metrics.map((_, i) => metricSection(report, i)),
      optionSection(report),
      paretoSection(report),
      renderAll(report.curves.map(sectionOf)),
      originSection(report),
    ].filter(Boolean).join("\n"),
  });
}

function metricSection(report: CompareReport, place: number): string {
  const metric = report.metrics[place];
  const best = bestOf(metric);
  const rows = report.runs.map(({ name }, i) => {
    const { value, interval, float, change, p, latency, size } = compareCells(report, metric, i);
    const own = place === 0 ? [latency, size] : ["", ""];
    const text = escapeHtml(name);
    return [
      String(i + 1),
      i === best ? `<strong>${text}</strong>` : text,
      ...[value, interval, float, change, p, ...own].map(escapeHtml),
    ];
  });
  return section(metric.name, {
    lead:
      `${
        metric.better === "lower" ? "Lower" : "Higher"
      } is better; the best in bold. Changes are from the first run, ` +
      "on the same samples.",
    body: denseTable([
      { heading: "Run", kind: "number" },
      { heading: "Folder", kind: "name" },
      { heading: metric.name, kind: "number" },
      { heading: "95%", kind: "number" },
      { heading: "Its float", kind: "number" },
      { heading: "Change, 95%", kind: "number" },
      { heading: "p", kind: "number" },
      { heading: "Latency", kind: "number" },
      { heading: "Size", kind: "number" },
    ], rows),
  });
}

function optionSection({ options, runs }: CompareReport): string {
  if (options.length === 0) return "";
  return section("Options that differ", {
    lead: "All others are the same.",
    body: table(
      [{ heading: "Option", kind: "name" }, ...runs.map((_, i) => ({ heading: `Run ${i + 1}` }))],
      options.map(({ name, values }) => [escapeHtml(name), ...values.map(escapeHtml)]),
    ),
  });
}

function paretoSection(report: CompareReport): string {
  const points = comparePoints(report);
  if (points.length === 0) return "";
  const [metric] = report.metrics;
  return section("Quality against time", {
    lead:
      `${metric.better === "lower" ? "Down" : "Up"} is better, left is faster. The line joins the runs that no other ` +
      "beats in both.",
    body: chartFigure((width) => renderParetoChart({ metric, points }, { width })),
  });
}

function sectionOf({ name, unit, series }: ComparedCurve): CurveSection {
  return {
    kind: "curve",
    heading: name,
    lead: "By epochs, those of all stages counted on.",
    x: { label: "epoch", min: 0 },
    y: { label: name, ...(unit === "" ? {} : { unit }) },
    marks: "line",
    series: series.map(({ run, points }) => ({ name: run, points })),
  };
}

function originSection({ runs }: CompareReport): string {
  const entries = runs.flatMap(({ name, command, machine }) =>
    [command, machine].flatMap((text) => text === undefined ? [] : [[name, text] as const])
  );
  return entries.length === 0 ? "" : section("Where this comes from", { lead: "", body: facts(entries) });
}
