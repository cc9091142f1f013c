import { declinedSection, recipeSection, rewritesSection, targetSection } from "./_changes_section.ts";
import { costSection } from "./_cost_section.ts";
import { renderFigures } from "./_figures.ts";
import { plural } from "../_format.ts";
import { modelWords } from "../_method_words.ts";
import { describeParts } from "../_words.ts";
import { graphSection } from "./_graph_section.ts";
import { layersSection } from "./_layers_section.ts";
import type { HtmlSection } from "./_markup.ts";
import { originSection } from "./_origin_section.ts";
import { page, plainPage } from "./_page.ts";
import { sqnrSection, stepsSection } from "./_ptq_section.ts";
import { resultsSection } from "./_results_section.ts";
import { renderAll, taskSection } from "./_task_section.ts";
import { trainingSection } from "./_training_section.ts";
import { checkSchema, type Report, type ReportSection } from "../schema.ts";
import { judge } from "../verdict.ts";

/** The page from top to bottom. */
const SECTIONS: readonly HtmlSection[] = [
  resultsSection,
  sqnrSection,
  stepsSection,
  targetSection,
  taskSection,
  trainingSection,
  graphSection,
  layersSection,
  costSection,
  recipeSection,
  rewritesSection,
  declinedSection,
  originSection,
];

/**
 * Renders `report` as one self-contained HTML page: no script, no network, light or dark as the reader prefers.
 *
 * Equal reports give equal pages. What a report does not have (no epochs, no latency, no graph) is left out or said.
 *
 * @throws {TypeError} If the report is of another schema.
 *
 * @example
 * ```ts ignore
 * const report = JSON.parse(await Deno.readTextFile("out/report.json"));
 * await Deno.writeTextFile("out/report.html", renderHtml(report));
 * ```
 */
export function renderHtml(report: Report): string {
  checkSchema(report);
  const verdict = judge(report);
  const name = report.model?.name ?? "model";
  const { title } = modelWords(report);
  const sections = SECTIONS.flatMap(({ render }) => render(report, verdict) ?? []);
  return page(`${name}, ${title}`, {
    kind: "Quantization report",
    name,
    headline: verdict.sentence,
    subject: describeSubject(report),
    figures: renderFigures(report, verdict),
    body: sections.join("\n"),
  });
}

/** Renders sections of a task as a page of their own, such as for a notebook. */
export function renderSections(sections: readonly ReportSection[]): string {
  return plainPage(sections.map(({ heading }) => heading).join(", "), renderAll(sections));
}

/** Says in a line what was quantized, and on what it was tested. */
function describeSubject({ model, data, task }: Report): string {
  const inputs = model?.inputs ?? [];
  return [
    ...inputs.map(({ name, shape }) => `input ${inputs.length > 1 ? `${name} ` : ""}${shape.join(" × ")}`),
    model?.layers !== undefined && plural(model.layers, "layer"),
    model?.parameters !== undefined && plural(model.parameters, "parameter"),
    data && `data ${data.name}`,
    ...describeParts(data),
    ...(data?.facts ?? []),
    task.name,
  ].filter(Boolean).join(" · ");
}
