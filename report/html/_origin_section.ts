/** How to get the same result again. */
import { describeDevice } from "../_words.ts";
import { byteSize, escapeHtml } from "../_format.ts";
import { facts, type HtmlSection, section, table } from "./_markup.ts";
import type { Report } from "../schema.ts";

/** How the report came to be. */
export const originSection: HtmlSection = { name: "origin", render: renderOrigin };

function renderOrigin(report: Report): string {
  const { command, options = {}, seed, versions, machine, backend, device, files = [] } = report;
  const settings = Object.entries(options).map(([name, value]) => [name, String(value)] as const);
  const origin = [
    ["seed", String(seed)] as const,
    ...(machine === undefined ? [] : [["machine", machine] as const]),
    ...(backend === undefined ? [] : [["trained on", backend] as const]),
    ...(device === undefined ? [] : [["device", describeDevice(device)] as const]),
    ...Object.entries(versions),
  ];
  const halves = [
    `<div><h3>Seed and versions</h3>${facts(origin)}</div>`,
    settings.length === 0 ? "" : `<div><h3>Options</h3>${facts(settings)}</div>`,
  ];
  const rows = files.map(({ path, what, bytes }) => [
    `<code>${escapeHtml(path)}</code>`,
    escapeHtml(what),
    bytes === undefined ? "" : byteSize(bytes),
  ]);
  const columns = [
    { heading: "File", kind: "name" as const },
    { heading: "What it is" },
    { heading: "Size", kind: "number" as const },
  ];
  return section("To get the same again", {
    lead: "The same command with the same seed and versions gives the same bytes; timings differ.",
    body: [
      command === undefined ? "" : `<pre>${escapeHtml(command)}</pre>`,
      `<div class="halves">${halves.join("")}</div>`,
      rows.length === 0 ? "" : `<h3>Files</h3>${table(columns, rows)}`,
    ].join("\n"),
  });
}
