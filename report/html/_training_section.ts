/** Training. */
import { milliseconds, plural } from "../_format.ts";
import { chartFigure, type HtmlSection, key, section } from "./_markup.ts";
import { findFreezes, renderTrainingChart } from "./_training_chart.ts";
import type { Report } from "../schema.ts";

/** What training did, or that there was none. */
export const trainingSection: HtmlSection = {
  name: "training",
  render: (report) => {
    // It is said where the steps are.
    if (report.ptq !== undefined) return undefined;
    if (report.train.epochs.length === 0) {
      return section("Training", {
        lead:
          "The model was not trained with fake quantization: its ranges were calibrated and it was converted as it is.",
        body: "",
      });
    }
    return section("Training", {
      lead: describe(report),
      body: renderLegend(report) + chartFigure((width) => renderTrainingChart(report, { width })),
    });
  },
};

function renderLegend({ metrics: [{ deployed }] }: Report): string {
  const line = (style: string) => `<path d="M0 6H22" fill="none" stroke-width="2" style="${style}"/>`;
  return key([
    ...(deployed === undefined ? [] : [{
      sample: `${line("stroke:var(--int8)")}<circle cx="11" cy="6" r="3.5" fill="var(--int8)"/>`,
      text: "deployed, after each epoch",
    }]),
    {
      sample: `${line("stroke:var(--simulated);stroke-dasharray:6 3")}` +
        '<circle cx="11" cy="6" r="3" fill="var(--paper)" stroke="var(--simulated)" stroke-width="2"/>',
      text: "simulated",
    },
  ]);
}

function describe({ train, bestEpoch, data }: Report): string {
  const freezes = findFreezes(train.epochs);
  const frozen = (what: string, text: string) =>
    freezes.filter((freeze) => freeze.what === what).map(({ after }) => `${text} frozen after epoch ${after}`);
  const schedule = [
    ...frozen("BN frozen", "batch normalization was"),
    ...frozen("ranges frozen", "activation ranges were"),
  ].join(", ");
  return [
    `${train.epochs.length === 1 ? "One epoch" : plural(train.epochs.length, "epoch")} with fake quantization` +
    (schedule === "" ? "." : `; ${schedule}.`),
    describeChoice({ bestEpoch, validation: data?.validation }),
    train.stepMs === null ? "" : `A step took ${milliseconds(train.stepMs)}` +
      (train.firstStepMs === null ? "." : `, the first one ${milliseconds(train.firstStepMs)}.`),
    train.peakRssMb === null ? "" : `Peak memory was ${Math.round(train.peakRssMb)} MiB.`,
  ].filter(Boolean).join(" ");
}

function describeChoice(
  { bestEpoch, validation }: { readonly bestEpoch: number | undefined; readonly validation: number | undefined },
): string {
  if (bestEpoch === undefined) return "The weights after the last epoch were exported.";
  const by = validation === undefined ? "" : `, the best on ${plural(validation, "validation sample")},`;
  return `The weights after epoch ${bestEpoch}${by} were exported.`;
}
