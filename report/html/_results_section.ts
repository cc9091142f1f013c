/** Metrics of all models, and how far simulation and file agree. */
import { agreementPercent, capitalized, count, escapeHtml, isKnown, plural, UNKNOWN } from "../_format.ts";
import { metricSteps } from "../_steps.ts";
import { unitFormat } from "../_unit.ts";
import { describeAgreement, describeInterval, hasSeveralOutputs } from "../_words.ts";
import { type Axis, chooseAxis } from "./_axis.ts";
import { cssPercent, denseTable, type HtmlSection, section } from "./_markup.ts";
import type { AgreementReport, MetricReport, Report } from "../schema.ts";
import type { Change } from "../verdict.ts";

/** The first metric from the original model to the deployed one, then all metrics by output. */
export const resultsSection: HtmlSection = {
  name: "results",
  render: (report, { changes }) => {
    const [metric] = report.metrics;
    const several = hasSeveralOutputs(report);
    return section(capitalized(metric.name) + (several ? ` of ${metric.output}` : ""), {
      lead: escapeHtml(describe(report, metric)),
      body: [
        renderDots(report, metric),
        changes.length === 1 ? "" : renderTable(changes, several),
        (report.agreement?.length ?? 0) > 1 ? renderAgreement(report.agreement ?? []) : "",
      ].filter(Boolean).join("\n"),
    });
  },
};

function describe({ agreement = [] }: Report, metric: MetricReport): string {
  const { name, unit, better, chance, float, count: examples } = metric;
  const format = unitFormat(unit, [float, chance]);
  const of = format.of === "" ? "" : `, in percent ${format.of}`;
  const interval = describeInterval(metric);
  return [
    `${capitalized(name)} on ${plural(examples, "sample")}${of}${better === "lower" ? "; lower is better" : ""}.`,
    isKnown(chance) ? `A model that ignores its input would reach ${format.value(chance)}.` : "",
    agreement.length === 1 ? sayAgreement(agreement[0]) : "",
    unit === "fraction" ? "Differences from float are in percentage points." : "",
    interval === "" ? "" : `The change from float has a ${interval}.`,
  ].filter(Boolean).join(" ");
}

function sayAgreement(entry: AgreementReport): string {
  const codes = describeAgreement(entry);
  return entry.alike === undefined
    ? `Between the simulated and the deployed model, ${codes}.`
    : `The simulated and the deployed model give the same answer for ${
      agreementPercent(entry.alike)
    } of them; ${codes}.`;
}

/** Makes the dot plot of one metric. */
function renderDots(report: Report, metric: MetricReport): string {
  const steps = metricSteps(report, metric);
  const values = steps.map(({ value }) => value).filter(isKnown);
  const { value: write, difference, tick } = unitFormat(metric.unit, values);
  const axis = chooseAxis(values, metric.unit === "fraction" ? { min: 0, max: 1 } : {});
  const rows = steps.map(({ name, what, value, kind }) =>
    `<div><span class="step">${name} <small>${what}</small></span>` +
    `<span class="track">${mark("b", metric.float, { axis })}${mark("i", value, { axis, kind })}</span>` +
    `<span class="value">${escapeHtml(write(value))}</span>` +
    `<span class="delta">${kind === "float" ? "" : difference(metric.float, value)}</span></div>`
  );
  const ends = [axis.min, (axis.min + axis.max) / 2, axis.max].map((value) => `<span>${tick(value, axis.step)}</span>`);
  const scale = `<div><span></span><span class="track axis">${ends.join("")}</span><span></span><span></span></div>`;
  return `<figure class="dots">\n${rows.join("\n")}\n${scale}\n</figure>`;
}

function mark(tag: "b" | "i", value: number | null, { axis, kind }: { axis: Axis; kind?: string }): string {
  if (!isKnown(value)) return "";
  const left = cssPercent((value - axis.min) / (axis.max - axis.min));
  return `<${tag}${kind === undefined ? "" : ` class="${kind}"`} style="left:${left}"></${tag}>`;
}

/** Makes the table of all metrics; a column that would say the same everywhere is left out. */
function renderTable(changes: readonly Change[], several: boolean): string {
  const deploys = changes.some(({ metric }) => metric.deployed !== undefined);
  const columns = [
    ...(several ? [{ heading: "Output", kind: "name" as const }] : []),
    { heading: "Metric", kind: "name" as const },
    ...["Float", "Simulated", ...(deploys ? ["Deployed"] : []), "Change"].map((heading) => ({
      heading,
      kind: "number" as const,
    })),
    { heading: "Chance", kind: "number" as const },
    { heading: "Samples", kind: "number" as const },
    { heading: "How sure", kind: "number" as const },
  ];
  const rows = changes.map(({ metric, to, tone }) => {
    const { name, output, unit, better, float, simulated, deployed, chance, count: examples } = metric;
    const { value, difference, differenceUnit } = unitFormat(unit, [float, simulated, deployed]);
    const change = difference(float, to);
    return [
      ...(several ? [escapeHtml(output)] : []),
      `${escapeHtml(name)} <small>${better} is better</small>`,
      ...[value(float), value(simulated), ...(deploys ? [value(deployed)] : [])].map(escapeHtml),
      `<span class="${tone}">${escapeHtml(change === UNKNOWN ? change : `${change} ${differenceUnit}`.trim())}</span>`,
      chance === undefined ? "" : escapeHtml(value(chance)),
      count(examples),
      escapeHtml(describeInterval(metric)),
    ];
  });
  return `<h3>All metrics</h3>\n${denseTable(columns, rows)}`;
}

function renderAgreement(agreement: readonly AgreementReport[]): string {
  const rows = agreement.map((entry) => [
    escapeHtml(entry.output),
    entry.alike === undefined ? "" : agreementPercent(entry.alike),
    escapeHtml(describeAgreement(entry)),
  ]);
  const columns = [
    { heading: "Output", kind: "name" as const },
    { heading: "Same answers", kind: "number" as const },
    { heading: "Simulated against deployed" },
  ];
  return `<h3>Agreement by output</h3>\n${denseTable(columns, rows)}`;
}
