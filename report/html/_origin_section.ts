/** Rewrites, and how to get the same result again. Private to `export/report`. */
import { describeDevice } from "../_device.ts";
import { byteSize, escapeHtml } from "../_format.ts";
import { facts, section, table } from "./_markup.ts";
import type { Report, RewriteReport } from "../report.ts";

/** Makes the section on changes made to the model, or nothing if no rule applied. */
export function renderRewrites(rewrites: readonly RewriteReport[]): string {
  if (rewrites.length === 0) return "";
  const made = rewrites.filter(({ ok }) => ok).length;
  const refused = rewrites.length - made;
  const columns = [
    { heading: "Layer", kind: "name" as const },
    { heading: "Rule" },
    { heading: "Result" },
    { heading: "Remark" },
  ];
  const rows = rewrites.map(({ rule, layer, ok, because = "" }) => [
    escapeHtml(layer),
    escapeHtml(rule),
    ok ? "done" : '<span class="fair">refused</span>',
    escapeHtml(because),
  ]);
  return section("Rewrites before quantization", {
    lead: `${made} done, ${refused === 0 ? "none" : refused} refused.`,
    body: table(columns, rows),
  });
}

/** Makes the section that says how the report came to be. */
export function renderOrigin(report: Report): string {
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
