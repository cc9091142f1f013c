/** What was done to quantize without training, and how far the answers are those of the float model. */
import { capitalized, escapeHtml, plural, significant } from "../_format.ts";
import { describeCalibration, moveOfStep } from "../_ptq_words.ts";
import { decibels, describeDummy, describeSamples } from "../_sqnr_words.ts";
import { denseTable, type HtmlSection, section } from "./_markup.ts";
import type { Report, StepReport } from "../schema.ts";

/** Signal to noise of every output. */
export const sqnrSection: HtmlSection = {
  name: "sqnr",
  render: ({ sqnr = [] }) => {
    if (sqnr.length === 0) return undefined;
    const columns = [
      { heading: "Output", kind: "name" as const },
      { heading: "Simulated", kind: "number" as const },
      { heading: "Deployed", kind: "number" as const },
    ];
    const rows = sqnr.map(({ output, simulated, deployed }) => [
      escapeHtml(output),
      decibels(simulated),
      decibels(deployed),
    ]);
    return section("Signal to noise against float", {
      lead:
        `10·log<sub>10</sub> of the energy of the float model's answers over that of the differences from them, on ` +
        `${describeSamples(sqnr[0])}. At 20 dB errors are a tenth of the answers, at 40 dB a hundredth.`,
      body: denseTable(columns, rows),
    });
  },
};

/** Calibration, and each step with its effects. */
export const stepsSection: HtmlSection = {
  name: "steps",
  render: (report) => {
    const { ptq } = report;
    if (ptq?.calibration === undefined) return undefined;
    const dummy = describeDummy(report);
    const { steps = [] } = ptq;
    return section("Calibration" + (steps.length === 0 ? "" : " and steps"), {
      lead: escapeHtml(describeCalibration(ptq.calibration)) +
        (dummy === "" ? "" : ` <strong class="poor">${escapeHtml(dummy)}</strong>`),
      body: steps.map((step) => renderStep(step, report)).join("\n"),
    });
  },
};

function renderStep(step: StepReport, report: Report): string {
  const { name, description, effects, left, facts = [] } = step;
  const columns = [
    { heading: "Layer", kind: "name" as const },
    { heading: "Before", kind: "number" as const },
    { heading: "After", kind: "number" as const },
    { heading: "What" },
  ];
  const rows = [
    ...effects.map((effect) => [
      escapeHtml(effect.layer),
      escapeHtml(`${significant(effect.before)} ${effect.unit ?? ""}`.trim()),
      escapeHtml(`${significant(effect.after)} ${effect.unit ?? ""}`.trim()),
      escapeHtml(effect.what),
    ]),
    ...left.map(({ layer, because }) => [
      escapeHtml(layer),
      "",
      "",
      `<span class="fair">left as it is: ${escapeHtml(because)}</span>`,
    ]),
  ];
  const done = effects.length === 0 ? "There was nothing to do." : `${plural(effects.length, "effect")}.`;
  return [
    `<h3>${escapeHtml(name)}</h3>`,
    `<p>To ${escapeHtml(description)}. ${escapeHtml(capitalized(moveOfStep(step, report)))}. ${done} ${
      escapeHtml(facts.map((fact) => `${capitalized(fact)}.`).join(" "))
    }</p>`,
    rows.length === 0 ? "" : denseTable(columns, rows),
  ].join("\n");
}
