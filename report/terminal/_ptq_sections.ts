/** What is said of quantization without training. */
import { count, plural, significant } from "../_format.ts";
import { decibels, describeSamples } from "../_sqnr_words.ts";
import { describeCalibration, describeEffect, moveOfStep } from "../_ptq_words.ts";
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
  render: ({ ptq }) => {
    if (ptq === undefined) return [];
    const { calibration, steps = [] } = ptq;
    return [
      {
        heading: "Calibration",
        rows: calibration === undefined
          ? []
          : [[{ text: describeCalibration(calibration), tone: calibration.isDummy ? "poor" : "plain" }]],
      },
      ...steps.map((step) => ({ heading: `Step ${step.name}: ${moveOfStep(step)}`, rows: rowsOf(step) })),
    ];
  },
};

function rowsOf({ effects, left, facts = [] }: StepReport): Cell[][] {
  const more = effects.length - MAX_EFFECTS;
  return [
    ...effects.slice(0, MAX_EFFECTS).map((effect): Cell[] => [
      { text: effect.layer },
      { text: `${significant(effect.before)} → ${significant(effect.after)}`, right: true, tone: "strong" },
      { text: describeEffect(effect), tone: "muted" },
    ]),
    ...(more > 0 ? [[{ text: `… ${count(more)} more in the report` }]] : []),
    ...facts.map((text): Cell[] => [{ text, tone: "muted" }]),
    ...(left.length === 0
      ? []
      : [[{ text: `${plural(left.length, "layer")} left as they are`, tone: "muted" as const }]]),
  ];
}
