/** Key figures and accuracies. Private to `export/report`. */
import {
  agreementPercent,
  byteSize,
  capitalized,
  count,
  escapeHtml,
  milliseconds,
  percent,
  plural,
  points,
  ratio,
} from "../_format.ts";
import { cssPercent, section } from "./_markup.ts";
import { accuracySteps } from "../_steps.ts";
import type { Report } from "../report.ts";
import type { Verdict } from "../verdict.ts";

/** Makes the four figures that the page opens with. */
export function renderFigures(report: Report, verdict: Verdict): string {
  const { accuracy, agreement, latencyMs, bytes } = report;
  const difference = verdict.points === 0
    ? "the same as"
    : `${points(accuracy.float, accuracy.deployed)} points against`;
  const figures = [
    {
      name: `Deployed ${accuracy.metric}`,
      value: percent(accuracy.deployed),
      note: `${difference} float`,
      tone: verdict.tone,
    },
    {
      name: "Simulated and deployed agree",
      value: agreementPercent(agreement.top1),
      note: `of ${plural(accuracy.samples, "answer")}`,
    },
    latencyMs
      ? {
        name: "Speed",
        value: ratio(verdict.speedup),
        note: `${milliseconds(latencyMs.int8.p50)}, float ${milliseconds(latencyMs.float.p50)}`,
      }
      : { name: "In int8", value: count(verdict.int8Ops), note: `operators, ${verdict.floatOps} in float` },
    {
      name: verdict.shrinkage >= 1 ? "Smaller" : "Larger",
      value: ratio(verdict.shrinkage >= 1 ? verdict.shrinkage : 1 / verdict.shrinkage),
      note: `${byteSize(bytes.int8)}, float ${byteSize(bytes.float)}`,
    },
  ];
  const items = figures.map(({ name, value, note, tone }) =>
    `<div><dt>${escapeHtml(name)}</dt><dd class="value${tone ? ` ${tone}` : ""}">${value}</dd>` +
    `<dd class="note">${escapeHtml(note)}</dd></div>`
  );
  return `<dl class="figures">${items.join("")}</dl>`;
}

/** Makes the dot plot of all accuracies, from the original model to the deployed one. */
export function renderAccuracy(report: Report): string {
  const { accuracy } = report;
  const steps = accuracySteps(report);
  const axis = chooseAxis(steps.map(({ value }) => value));
  const place = (value: number) => cssPercent((value - axis.min) / (axis.max - axis.min));
  const rows = steps.map(({ name, what, value, kind }) =>
    `<div><span class="step">${name} <small>${what}</small></span>` +
    `<span class="track"><b style="left:${place(accuracy.float)}"></b>` +
    `<i class="${kind}" style="left:${place(value)}"></i></span>` +
    `<span class="value">${percent(value)}</span>` +
    `<span class="delta">${kind === "float" ? "" : points(accuracy.float, value)}</span></div>`
  );
  const ends = [axis.min, (axis.min + axis.max) / 2, axis.max].map((value) =>
    `<span>${percent(value, axis.digits)}</span>`
  );
  const scale = `<div><span></span><span class="track axis">${ends.join("")}</span><span></span><span></span></div>`;
  return section("Accuracy", {
    lead: describeAgreement(report),
    body: `<figure class="dots">\n${rows.join("\n")}\n${scale}\n</figure>`,
  });
}

function describeAgreement({ accuracy, agreement }: Report): string {
  const { compared, different, maxDifference } = agreement.codes;
  const codes = different === 0
    ? `all ${count(compared)} codes of their outputs are equal`
    : `${count(different)} of ${count(compared)} codes of their outputs differ, by ${maxDifference} at most`;
  return `${escapeHtml(capitalized(accuracy.metric))} on ${
    plural(accuracy.samples, "sample")
  }. The simulated and the deployed model ` +
    `give the same answer for ${agreementPercent(agreement.top1)} of them; ${codes}. Differences from float are in ` +
    `percentage points.`;
}

/** Chooses an axis around `values` whose ends and middle are round: what matters here is small beside 100%. */
function chooseAxis(values: readonly number[]): { min: number; max: number; digits: number } {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((size) => high - low <= 6 * size) ?? 0.2;
  const min = Math.max(0, Math.floor((low - step / 4) / step) * step);
  const needed = Math.max(2, Math.ceil((high + step / 4 - min) / step - 1e-9));
  const span = step * (needed + needed % 2); // an even number of steps, so that the middle is round too
  const digits = step < 0.01 ? 1 : 0;
  return min + span <= 1 ? { min, max: min + span, digits } : { min: Math.max(0, 1 - span), max: 1, digits };
}
