import { describeDevice, describeParts } from "../_words.ts";
import { checkSchema, type Report, type ReportSection } from "../schema.ts";
import { judge } from "../verdict.ts";
import {
  costSection,
  declinedSection,
  fileSection,
  floatSection,
  int8Section,
  resultsSection,
  type TerminalSection,
} from "./_sections.ts";
import { ptqSection, sqnrSection } from "./_ptq_sections.ts";
import { tablesOf, taskSection } from "./_task_section.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";
import { formatParagraph, formatSection } from "./_text_table.ts";

export type { TerminalOptions };

/** The report from top to bottom. */
const SECTIONS: readonly TerminalSection[] = [
  resultsSection,
  sqnrSection,
  taskSection,
  ptqSection,
  costSection,
  int8Section,
  floatSection,
  declinedSection,
  fileSection,
];

/**
 * Formats `report` as a table for the terminal, without a final newline.
 *
 * Names in it cannot restyle the terminal: control characters are written as "?".
 *
 * @throws {TypeError} If the report is of another schema.
 *
 * @example
 * ```ts ignore
 * const report = JSON.parse(await Deno.readTextFile("out/report.json"));
 * const { columns: width } = Deno.consoleSize();
 * console.log(formatReport(report, { color: !Deno.noColor && Deno.stdout.isTerminal(), width }));
 * ```
 */
export function formatReport(report: Report, options: TerminalOptions = {}): string {
  checkSchema(report);
  const style = styleOf(options);
  const verdict = judge(report);
  const sections = SECTIONS.flatMap(({ render }) => render(report, verdict)).filter(({ rows }) => rows.length > 0);
  const title = [report.model?.name ?? "Quantization report", report.data && `on ${report.data.name}`];
  return [
    ...formatParagraph(title.filter(Boolean).join(" "), { tone: "strong", style }),
    ...formatParagraph(verdict.sentence, { tone: verdict.tone, style }),
    ...remarks(report).flatMap((line) => formatParagraph(line, { tone: "muted", style })),
    ...sections.flatMap((section) => ["", ...formatSection(section, style)]),
  ].join("\n");
}

/** Formats sections of a task as text, without a final newline. */
export function formatSections(sections: readonly ReportSection[], options: TerminalOptions = {}): string {
  const style = styleOf(options);
  return tablesOf(sections).map((section) => formatSection(section, style).join("\n")).join("\n\n");
}

/** How many samples there were, the device where it was chosen, and what the run can say of the target. */
function remarks({ data, device, target }: Report): readonly string[] {
  const parts = describeParts(data).join(", ");
  return [
    parts === "" ? "" : `Samples: ${parts}.`,
    device === undefined || device.asked === "cpu" ? "" : `Ran on ${describeDevice(device)}.`,
    target === undefined ? "" : [`Target ${target.name}: ${target.shows}`, target.cannotShow].filter(Boolean).join(" "),
  ].filter(Boolean);
}
