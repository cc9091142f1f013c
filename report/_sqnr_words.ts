/** Signal to noise against the float model, in words, and what it is worth. */
import { fixed, isKnown, plural } from "./_format.ts";
import type { Tone } from "./_change.ts";
import type { Measured, Report, SqnrReport } from "./schema.ts";

/**
 * From so many dB on noise counts as little, and as still fair: errors are a tenth of the signal, and a third of it, in the
 * root of the mean square.
 */
const LIMITS = { good: 20, fair: 10 };

/** What the samples of a measurement are called. */
const SAMPLES: Readonly<Record<SqnrReport["of"], string>> = {
  test: "test sample",
  calibration: "calibration sample",
  random: "random sample",
};

/** Writes a ratio as "31.2 dB"; without noise it is none. */
export function decibels(sqnrDb: Measured | undefined): string {
  if (sqnrDb === undefined) return "";
  return isKnown(sqnrDb) ? `${fixed(sqnrDb, 1)} dB` : "no noise";
}

/** The ratio of the last model: of the file, or of the simulated one where there is none. */
export function lastSqnr({ deployed, simulated }: SqnrReport): Measured {
  return (deployed === undefined ? simulated : deployed) ?? null;
}

/** The output that differs most from the float model's. */
export function worstSqnr({ sqnr = [] }: Report): SqnrReport | undefined {
  const size = (entry: SqnrReport) => lastSqnr(entry) ?? Infinity;
  return sqnr.toSorted((a, b) => size(a) - size(b)).at(0);
}

/** Says on how many samples of which kind something was measured. */
export function describeSamples({ samples, of }: Pick<SqnrReport, "samples" | "of">): string {
  return plural(samples, SAMPLES[of]);
}

/** Judges a report that has nothing but the noise; what random samples say is never good. */
export function judgeSqnr(report: Report): Tone {
  const worst = worstSqnr(report);
  if (worst === undefined) return "poor";
  const sqnrDb = lastSqnr(worst) ?? Infinity;
  const isDummy = worst.of === "random" || report.ptq?.calibration?.isDummy === true;
  if (sqnrDb >= LIMITS.good) return isDummy ? "fair" : "good";
  return sqnrDb >= LIMITS.fair ? "fair" : "poor";
}

/** Says of a report without metrics how far the quantized model answers as float does. */
export function describeNoise(report: Report, model: string): string {
  const worst = worstSqnr(report);
  if (worst === undefined) return `The ${model} was not judged.`;
  const { sqnr = [] } = report;
  const where = sqnr.length > 1 ? ` at its worst output, "${worst.output}"` : "";
  const sqnrDb = lastSqnr(worst);
  const found = sqnrDb === null
    ? `answers exactly as float does${where}`
    : `answers with ${decibels(sqnrDb)} of signal to noise against float${where}`;
  return `The ${model} ${found}, on ${
    describeSamples(worst)
  }; whether the answers are right was not measured (--data does).`;
}

/** Warns of ranges that come from random numbers; nothing where they do not. */
export function describeDummy({ ptq }: Report): string {
  if (ptq?.calibration?.isDummy !== true) return "";
  return "RANGES COME FROM RANDOM NUMBERS (--calibrate dummy): on real samples this file answers worse than real " +
    "calibration would make it.";
}
