/** Metrics of all models, and how far simulation and file agree. */
import { agreementPercent, capitalized, count, escapeHtml, isKnown, plural, UNKNOWN } from "../_format.ts";
import { metricSteps } from "../_steps.ts";
import { unitFormat } from "../_unit.ts";
import {
  describeAgreement,
  describeCertainty,
  describeConfidence,
  describeTaskAgreement,
  describeTraining,
  hasSeveralOutputs,
} from "../_words.ts";
import { type Axis, chooseAxis, endsOf } from "./_axis.ts";
import { cssPercent, denseTable, type HtmlSection, section } from "./_markup.ts";
import type { AgreementReport, IntervalReport, MetricReport, Report } from "../schema.ts";
import type { Change } from "../verdict.ts";

/** The first metric from the original model to the deployed one, then all metrics by output. */
export const resultsSection: HtmlSection = {
  name: "results",
  render: (report, { changes }) => {
    const [metric] = report.metrics;
    const several = hasSeveralOutputs(report);
    if (metric === undefined) return renderWithoutMetrics(report);
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

/** What there is to say of results without metrics: how far simulation and file agree. */
function renderWithoutMetrics({ agreement = [] }: Report): string | undefined {
  if (agreement.length === 0) return undefined;
  return section("Simulated against deployed", {
    lead: agreement.map(sayAgreement).map(escapeHtml).join(" "),
    body: agreement.length > 1 ? renderAgreement(agreement) : "",
  });
}

/** How changes are tested. */
const TESTS: Readonly<Record<NonNullable<MetricReport["change"]>["test"], string>> = {
  mcnemar: "McNemar's exact test, Newcombe's interval",
  bootstrap: "paired bootstrap over the samples",
};

function describe(report: Report, metric: MetricReport): string {
  const { agreement = [] } = report;
  const { name, unit, better, chance, float, count: examples } = metric;
  const format = unitFormat(unit, [float, chance]);
  const of = format.of === "" ? "" : `, in percent ${format.of}`;
  const certainty = describeCertainty(metric);
  return [
    `${capitalized(name)} on ${plural(examples, "sample")}${of}${better === "lower" ? "; lower is better" : ""}.`,
    isKnown(chance) ? `A model that ignores its input would reach ${format.value(chance)}.` : "",
    sayTaskAgreement(report),
    agreement.length === 1 ? sayAgreement(agreement[0]) : "",
    sayTraining(report),
    unit === "fraction" ? "Differences from float are in percentage points." : "",
    metric.intervals?.float === undefined
      ? ""
      : `Lines through the dots are ${describeConfidence(metric.intervals.float.confidence)} intervals.`,
    certainty === "" ? "" : `The change from float has a ${certainty} (${TESTS[metric.change?.test ?? "bootstrap"]}).`,
  ].filter(Boolean).join(" ");
}

function sayTraining(report: Report): string {
  const training = describeTraining(report);
  return training === ""
    ? ""
    : `The simulated model computes as integer kernels do; with the float operators of training, ${training}.`;
}

function sayTaskAgreement({ taskAgreement }: Report): string {
  if (taskAgreement === undefined) return "";
  const { value, words } = describeTaskAgreement(taskAgreement);
  return `The simulated and the deployed model come to the same in ${words} (${value}).`;
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
  const values = steps.flatMap(({ value, interval }) => [value, interval?.low, interval?.high]).filter(isKnown);
  const { value: write, difference, tick } = unitFormat(metric.unit, values);
  const axis = chooseAxis(values, endsOf(values, metric.unit));
  const rows = steps.map(({ name, what, value, interval, kind }) =>
    `<div><span class="step">${name} <small>${what}</small></span>` +
    `<span class="track">${mark("b", metric.float, { axis })}${whisker(interval, axis)}` +
    `${mark("i", value, { axis, kind })}</span>` +
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

/** Makes the line of an interval. */
function whisker(interval: IntervalReport | undefined, { min, max }: Axis): string {
  if (interval === undefined) return "";
  const [left, right] = [interval.low - min, interval.high - min].map((x) => Math.min(1, Math.max(0, x / (max - min))));
  const width = `width:${cssPercent(right - left)}`;
  return `<s style="left:${cssPercent(left)};${width}"></s>`;
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
      escapeHtml(describeCertainty(metric)),
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
