/** What a sweep found, as a page. */
import { escapeHtml, plural } from "../_format.ts";
import { isDone, type SweepReport } from "../sweep_schema.ts";
import { sweepCells, sweepSentence } from "../sweep_words.ts";
import { chartFigure, denseTable, facts, section } from "./_markup.ts";
import { page } from "./_page.ts";
import { renderParetoChart } from "./_pareto_chart.ts";

/**
 * Renders a sweep as one self-contained HTML page: no script, no network, light or dark as the reader prefers. Equal reports
 * give equal pages.
 */
export function renderSweep(report: SweepReport): string {
  const { of, rows, options } = report;
  return page(`Sweep of ${of} over ${options.join(", ")}`, {
    kind: `Sweep of ${of}`,
    name: options.join(", "),
    headline: sweepSentence(report),
    subject: `${plural(rows.length, "row")} of ${report.count}`,
    body: [paretoSection(report), rowsSection(report), originSection(report)].filter(Boolean).join("\n"),
  });
}

function paretoSection({ rows, metric, best }: SweepReport): string {
  const points = rows.flatMap((row, i) =>
    isDone(row) && row.latencyMs !== undefined && row.value !== null
      ? [{ name: row.name, value: row.value, ms: row.latencyMs.file, isChosen: i === best }]
      : []
  );
  if (points.length === 0 || metric === undefined) return "";
  const [first] = rows.filter(isDone);
  const float = first.latencyMs === undefined || first.float === null
    ? undefined
    : { value: first.float, ms: first.latencyMs.float };
  return section("Quality against time", {
    lead:
      `${metric.better === "lower" ? "Down" : "Up"} is better, left is faster. The line joins the rows that no other ` +
      "beats in both.",
    body: chartFigure((width) =>
      renderParetoChart({ metric, points, ...(float === undefined ? {} : { float }) }, { width })
    ),
  });
}

function rowsSection(report: SweepReport): string {
  const { rows, options, metric, best } = report;
  const cells = rows.map((row, i) => {
    const { value, interval, change, latency, speed, size, wait, note } = sweepCells(row, report);
    const name = escapeHtml(row.name);
    return [
      i === best ? `<strong>${name}</strong>` : name,
      ...[...row.values, note, value, interval, change, latency, speed, size, wait].map(escapeHtml),
    ];
  });
  return section("Rows", {
    lead: "In the order of the grid, the best in bold. Each row's own report is in its folder.",
    body: denseTable([
      { heading: "Row", kind: "name" },
      ...options.map((heading) => ({ heading })),
      { heading: "" },
      { heading: metric?.name ?? "", kind: "number" },
      { heading: "95%", kind: "number" },
      { heading: "Change, 95%", kind: "number" },
      { heading: "Latency", kind: "number" },
      { heading: "Speed", kind: "number" },
      { heading: "Size", kind: "number" },
      { heading: "Took", kind: "number" },
    ], cells),
  });
}

function originSection({ command, machine, versions }: SweepReport): string {
  return section("Where this comes from", {
    lead: "",
    body: facts([["Command", command], ["Machine", machine], ...Object.entries(versions)]),
  });
}
