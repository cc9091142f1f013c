/** What is said of calibration and of steps, the same in the terminal and on the page. */
import { fixed, plural, significant } from "./_format.ts";
import { decibels } from "./_sqnr_words.ts";
import { unitFormat } from "./_unit.ts";
import type { CalibrationReport, ObserverTrialReport, Report, StepEffect, StepReport } from "./schema.ts";

/** Says where ranges come from. */
export function describeCalibration(
  { data, isDummy, samples, observers, trials = [], isSymmetric, seconds }: CalibrationReport,
): string {
  const by = observers.length === 0 ? "" : ` by ${observers.join(" and ")}`;
  const where = isDummy ? `${plural(samples, "sample")} of RANDOM NUMBERS` : `${plural(samples, "sample")} of ${data}`;
  const form = isSymmetric ? "Symmetric ranges" : "Ranges";
  return `${form} were found${by} on ${where}, in ${describeSeconds(seconds)}.${describeTrials(trials)}`;
}

/** Says how near each observer that was tried kept the samples' answers. */
function describeTrials([taken, ...others]: readonly ObserverTrialReport[]): string {
  if (taken === undefined) return "";
  const rest = others.map(({ observer, sqnrDb }) => `${decibels(sqnrDb)} by ${observer}`).join(", ");
  return ` Their answers had ${decibels(taken.sqnrDb)} of signal to noise by ${taken.observer}, ${rest}.`;
}

/** Writes a time as "0.4 s" or "73 s". */
export function describeSeconds(seconds: number): string {
  return `${fixed(seconds, seconds < 10 ? 1 : 0)} s`;
}

/** Says what a step made of the model's answers: "24.1 dB → 27.9 dB, in 3.2 s". */
export function moveOfStep({ before, after, seconds, samples }: StepReport, report: Report): string {
  const moves = before.sqnr.map(({ output, sqnrDb }, i) => {
    const name = before.sqnr.length > 1 ? `${output} ` : "";
    return `${name}${decibels(sqnrDb)} → ${decibels(after.sqnr[i].sqnrDb)}`;
  });
  const metrics = before.metrics.map(({ name, output, value: from }, i) => {
    const { value: to } = after.metrics[i];
    const unit = report.metrics.find((metric) => metric.name === name && metric.output === output)?.unit ?? "";
    const { value } = unitFormat(unit, [from, to]);
    return `${name} ${value(from)} → ${value(to)}`;
  });
  return `${[...moves, ...metrics].join(", ")} on ${plural(samples, "sample")}, in ${describeSeconds(seconds)}`;
}

/** Writes what became of what a step changed: "1.98 → 1.51". */
export function moveOfEffect({ before, after, unit = "" }: StepEffect): string {
  return `${significant(before)} → ${significant(after)} ${unit}`.trimEnd();
}
