/** The figures that the page opens with. */
import { byteSize, count, escapeHtml, milliseconds, ratio } from "../_format.ts";
import { decibels, describeSamples, lastSqnr, worstSqnr } from "../_sqnr_words.ts";
import { unitFormat } from "../_unit.ts";
import { describeTaskAgreement, hasSeveralOutputs, summarizeAgreement } from "../_words.ts";
import type { Report } from "../schema.ts";
import type { Change, Verdict } from "../verdict.ts";

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly tone?: string;
}

/** Makes the figures: the first metric, agreement, speed, size; those that were not measured are left out. */
export function renderFigures(report: Report, verdict: Verdict): string {
  const figures = [
    ...verdict.changes.slice(0, 1).map((change) => metricFigure(change, report)),
    sqnrFigure(report, verdict),
    agreementFigure(report),
    speedFigure(report, verdict),
    sizeFigure(report, verdict),
  ].filter((figure) => figure !== undefined);
  const items = figures.map(({ name, value, note, tone }) =>
    `<div><dt>${escapeHtml(name)}</dt><dd class="value${tone ? ` ${tone}` : ""}">${escapeHtml(value)}</dd>` +
    `<dd class="note">${escapeHtml(note)}</dd></div>`
  );
  return `<dl class="figures" style="--figures:${figures.length}">${items.join("")}</dl>`;
}

function metricFigure({ metric, to, tone, kind }: Change, report: Report): Figure {
  const { value, difference, differenceUnit } = unitFormat(metric.unit, [metric.float, to]);
  const change = metric.float === to
    ? "the same as"
    : `${[difference(metric.float, to), differenceUnit].filter(Boolean).join(" ")} against`;
  const model = metric.deployed === undefined ? "Simulated" : "Deployed";
  const name = `${model} ${metric.name}${hasSeveralOutputs(report) ? ` of ${metric.output}` : ""}`;
  return { name, value: value(to), note: `${change} float${kind === "noise" ? ", within noise" : ""}`, tone };
}

/** The noise, where nothing else says how good the answers are. */
function sqnrFigure(report: Report, { changes, tone }: Verdict): Figure | undefined {
  const worst = worstSqnr(report);
  if (worst === undefined || changes.length > 0) return undefined;
  return {
    name: "Signal to noise against float",
    value: decibels(lastSqnr(worst)),
    note: `on ${describeSamples(worst)}`,
    tone,
  };
}

/** What the task counts; else the first output's, which is the one of the first metric. */
function agreementFigure({ agreement = [], metrics, taskAgreement }: Report): Figure | undefined {
  if (taskAgreement !== undefined) {
    const { value, isEnough } = describeTaskAgreement(taskAgreement);
    const note = `of ${count(taskAgreement.of)} ${taskAgreement.what}`;
    return { name: "Simulated and deployed agree", value, note, ...(isEnough ? {} : { tone: "fair" }) };
  }
  const [metric] = metrics;
  const entry = agreement.find((entry) => entry.output === metric?.output) ?? agreement.at(0);
  if (entry === undefined) return undefined;
  const { value, of } = summarizeAgreement(entry);
  const compared = entry.alike === undefined ? entry.count : metric?.count ?? entry.count;
  return { name: "Simulated and deployed agree", value, note: `of ${count(compared)} ${of}` };
}

function speedFigure({ latencyMs, fusion }: Report, { speedup, int8Ops, floatOps }: Verdict): Figure | undefined {
  if (latencyMs !== undefined) {
    const note = `${milliseconds(latencyMs.deployed.p50)}, float ${milliseconds(latencyMs.float.p50)}`;
    return { name: "Speed", value: ratio(speedup), note };
  }
  if (fusion === undefined) return undefined;
  return { name: "In int8", value: count(int8Ops), note: `operators, ${floatOps} in float` };
}

function sizeFigure({ bytes }: Report, { shrinkage }: Verdict): Figure | undefined {
  if (bytes === undefined || shrinkage === undefined) return undefined;
  return {
    name: shrinkage >= 1 ? "Smaller" : "Larger",
    value: ratio(shrinkage >= 1 ? shrinkage : 1 / shrinkage),
    note: `${byteSize(bytes.deployed)}, float ${byteSize(bytes.float)}`,
  };
}
