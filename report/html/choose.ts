/** What choosing found, as a page. */
import { chooseSentence, pointsOf, rungCells, triedRungs } from "../choose_words.ts";
import { type ChooseReport, isTried } from "../choose_schema.ts";
import { escapeHtml, plural } from "../_format.ts";
import { unitFormat } from "../_unit.ts";
import { chartFigure, denseTable, facts, section } from "./_markup.ts";
import { page } from "./_page.ts";
import { renderParetoChart } from "./_pareto_chart.ts";

/**
 * Renders a search for a quantization as one self-contained HTML page: no script, no network, light or dark as the reader
 * prefers. Equal reports give equal pages.
 */
export function renderChoice(report: ChooseReport): string {
  const { model, data, metric, float } = report;
  const { value } = unitFormat(metric.unit, [float]);
  return page(`${model}, the cheapest quantization that will do`, {
    kind: "Choice of a quantization",
    name: model,
    headline: chooseSentence(report),
    subject: `data ${data} · ${plural(metric.count, "sample")} · float ${metric.name} ${value(float)}`,
    body: [paretoSection(report), ladderSection(report), originSection(report)].filter(Boolean).join("\n"),
  });
}

function paretoSection(report: ChooseReport): string {
  const points = pointsOf(report);
  const [timed] = triedRungs(report).flatMap(({ latencyMs }) => latencyMs ?? []);
  if (timed === undefined) return "";
  const { metric, float } = report;
  const data = { metric, points, ...(float === null ? {} : { float: { value: float, ms: timed.float } }) };
  return section("Quality against time", {
    lead: "Up is better, left is faster. The line joins the ways that no other beats in both.",
    body: chartFigure((width) => renderParetoChart(data, { width })),
  });
}

function ladderSection(report: ChooseReport): string {
  const rows = report.rungs.map((rung, i) => {
    const { value, change, latency, speed, size, wait, note } = rungCells(rung, report);
    const name = escapeHtml(rung.name);
    return [
      i === report.chosen ? `<strong>${name}</strong>` : name,
      escapeHtml(note === "" ? rung.what : note),
      ...[value, change, latency, speed, size, wait].map(escapeHtml),
    ];
  });
  const chosen = report.chosen === undefined ? undefined : report.rungs[report.chosen];
  const deploy = chosen !== undefined && isTried(chosen)
    ? ` To deploy: <code>${escapeHtml(`${chosen.dir}/${chosen.deploy}`)}</code>.`
    : "";
  return section("The ladder", {
    lead: `From the cheapest on, until one is good enough.${deploy} Each rung's own report is in its folder.`,
    body: denseTable([
      { heading: "Rung", kind: "name" },
      { heading: "What it is" },
      { heading: report.metric.name, kind: "number" },
      { heading: "Change, 95%", kind: "number" },
      { heading: "Latency", kind: "number" },
      { heading: "Speed", kind: "number" },
      { heading: "Size", kind: "number" },
      { heading: "Took", kind: "number" },
    ], rows),
  });
}

function originSection({ command, machine, versions }: ChooseReport): string {
  return section("Where this comes from", {
    lead: "",
    body: facts([["Command", command], ["Machine", machine], ...Object.entries(versions)]),
  });
}
