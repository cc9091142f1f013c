import { renderAccuracy, renderFigures } from "./_accuracy_section.ts";
import { renderCost } from "./_cost_section.ts";
import { count, escapeHtml, plural } from "../_format.ts";
import { renderGraph } from "./_graph_section.ts";
import { renderLayers } from "./_layers_section.ts";
import { renderOrigin, renderRewrites } from "./_origin_section.ts";
import { STYLE } from "./_style.ts";
import { renderTraining } from "./_training_section.ts";
import type { Report } from "../report.ts";
import { judge } from "../verdict.ts";

/**
 * Renders `report` as one self-contained HTML page: no script, no network, light or dark as the reader prefers.
 *
 * Equal reports give equal pages. What a report does not have (no epochs, no latency, no graph) is left out or said.
 *
 * @example
 * ```ts ignore
 * const report = JSON.parse(await Deno.readTextFile("out/report.json"));
 * await Deno.writeTextFile("out/report.html", renderHtml(report));
 * ```
 */
export function renderHtml(report: Report): string {
  const verdict = judge(report);
  const name = report.model?.name ?? "model";
  const sections = [
    renderAccuracy(report),
    renderTraining(report),
    renderGraph(report, verdict),
    renderLayers(report.layers ?? []),
    renderCost(report, verdict),
    renderRewrites(report.rewrites),
    renderOrigin(report),
  ];
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)}, quantized to int8</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="meta">Quantization report · <strong>${escapeHtml(name)}</strong></p>
<h1>${escapeHtml(verdict.sentence)}</h1>
<p class="meta">${escapeHtml(describeSubject(report))}</p>
${renderFigures(report, verdict)}
</header>
${sections.filter(Boolean).join("\n")}
</main>
</body>
</html>
`;
}

/** Says in a line what was quantized, and on what it was tested. */
function describeSubject({ model, data }: Report): string {
  return [
    model?.inputShape && `input ${model.inputShape.join(" × ")}`,
    model?.layers !== undefined && plural(model.layers, "layer"),
    model?.parameters !== undefined && plural(model.parameters, "parameter"),
    data && `data ${data.name}`,
    data?.train !== undefined && `${count(data.train)} to train`,
    data?.test !== undefined && `${count(data.test)} to test`,
    data?.classes !== undefined && `${data.classes} classes`,
  ].filter(Boolean).join(" · ");
}
