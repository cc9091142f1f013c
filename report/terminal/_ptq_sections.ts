/** What is said of quantization without training. */
import { capitalized, count, plural } from "../_format.ts";
import { decibels, describeSamples } from "../_sqnr_words.ts";
import { describeCalibration, moveOfEffect, moveOfStep } from "../_ptq_words.ts";
import type { StepReport } from "../schema.ts";
import type { TerminalSection } from "./_sections.ts";
import type { Cell } from "./_text_table.ts";

/** Effects of a step that are listed before the rest is only counted. */
const MAX_EFFECTS = 8;

/** How far the quantized models answer as float does. */
export const sqnrSection: TerminalSection = {
  name: "sqnr",
  render: ({ sqnr = [] }) => {
    if (sqnr.length === 0) return [];
    return [{
      heading: `Signal to noise against float, on ${describeSamples(sqnr[0])}`,
      rows: sqnr.flatMap(({ output, simulated, deployed }): Cell[][] => [
        ...(simulated === undefined ? [] : [[
          { text: output },
          { text: decibels(simulated), right: true, tone: "strong" } as const,
          { text: "simulated, in TF.js", tone: "muted" } as const,
        ]]),
        ...(deployed === undefined ? [] : [[
          { text: output },
          { text: decibels(deployed), right: true, tone: "strong" } as const,
          { text: "the file, in ONNX Runtime", tone: "muted" } as const,
        ]]),
      ]),
    }];
  },
};

/** How ranges were found, and what steps did beside. */
export const ptqSection: TerminalSection = {
  name: "ptq",
  render: (report) => {
    const { ptq } = report;
    if (ptq === undefined) return [];
    const { calibration, steps = [] } = ptq;
    return [
      {
        heading: "Calibration",
        rows: calibration === undefined
          ? []
          : [[{ text: describeCalibration(calibration), tone: calibration.isDummy ? "poor" : "plain" }]],
      },
      ...steps.map((step) => ({ heading: `Step ${step.name}: ${moveOfStep(step, report)}`, rows: rowsOf(step) })),
    ];
  },
};

function rowsOf({ effects, left, facts = [] }: StepReport): Cell[][] {
  const more = effects.length - MAX_EFFECTS;
  const kinds = new Set(effects.map(({ what }) => what));
  const line = (text: string): Cell[] => [{ text, tone: "muted" }];
  return [
    ...(effects.length === 0 ? [line("There was nothing to do.")] : []),
    ...(kinds.size === 1 ? [...kinds].map((what) => line(capitalized(`${what}:`))) : []),
    ...effects.slice(0, MAX_EFFECTS).map((effect): Cell[] => [
      { text: effect.layer },
      { text: moveOfEffect(effect), right: true, tone: "strong" },
      { text: kinds.size === 1 ? "" : effect.what, tone: "muted" },
    ]),
    ...(more > 0 ? [[{ text: `… ${count(more)} more in the report` }]] : []),
    ...facts.map(line),
    ...(left.length === 0 ? [] : [line(`Left as ${left.length === 1 ? "it is" : "they are"}: ${namesOf(left)}`)]),
  ];
}

function namesOf(left: StepReport["left"]): string {
  const names = left.slice(0, MAX_EFFECTS).map(({ layer }) => layer);
  const more = left.length - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${plural(more, "other")}` : ""}`;
}
