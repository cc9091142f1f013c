/** Training. Private to `export/report`. */
import { milliseconds, percent } from "../_format.ts";
import { chartFigure, key, section } from "./_markup.ts";
import { findFreezes, renderTrainingChart } from "./_training_chart.ts";
import type { Report } from "../report.ts";

/** Makes the section on training, or says that there was none. */
export function renderTraining(report: Report): string {
  const { train, accuracy, bestEpoch } = report;
  if (train.epochs.length === 0) {
    return section("Training", {
      lead:
        "The model was not trained with fake quantization: its ranges were calibrated and it was converted as it is.",
      body: "",
    });
  }
  const line = (style: string) => `<path d="M0 6H22" fill="none" stroke-width="2" style="${style}"/>`;
  const legend = key([
    {
      sample: `${line("stroke:var(--int8)")}<circle cx="11" cy="6" r="3.5" fill="var(--int8)"/>`,
      text: "deployed, after each epoch",
    },
    {
      sample: `${line("stroke:var(--simulated);stroke-dasharray:6 3")}` +
        '<circle cx="11" cy="6" r="3" fill="var(--paper)" stroke="var(--simulated)" stroke-width="2"/>',
      text: "simulated",
    },
    { sample: line("stroke:var(--float);stroke-dasharray:2 3"), text: `float, ${percent(accuracy.float)}` },
  ]);
  const freezes = findFreezes(train.epochs);
  const frozen = (what: string, text: string) =>
    freezes.filter((freeze) => freeze.what === what).map(({ after }) => `${text} frozen after epoch ${after}`);
  const schedule = [
    ...frozen("BN frozen", "batch normalization was"),
    ...frozen("ranges frozen", "activation ranges were"),
  ].join(", ");
  const sentences = [
    `${train.epochs.length === 1 ? "One epoch" : `${train.epochs.length} epochs`} with fake quantization` +
    (schedule === "" ? "." : `; ${schedule}.`),
    bestEpoch === undefined ? "" : `The weights after epoch ${bestEpoch} were exported.`,
    train.stepMs === null ? "" : `A step took ${milliseconds(train.stepMs)}` +
      (train.firstStepMs === null ? "." : `, the first one ${milliseconds(train.firstStepMs)}.`),
    train.peakRssMb === null ? "" : `Peak memory was ${Math.round(train.peakRssMb)} MiB.`,
  ];
  return section("Training", {
    lead: sentences.filter(Boolean).join(" "),
    body: legend + chartFigure((width) => renderTrainingChart(report, { width })),
  });
}
