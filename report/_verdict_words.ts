/** The verdict in words. */
import type { Change } from "./_change.ts";
import { plural, ratio } from "./_format.ts";
import { modelWords } from "./_method_words.ts";
import { describeDummy, describeNoise } from "./_sqnr_words.ts";
import { unitFormat } from "./_unit.ts";
import { describeCertainty } from "./_words.ts";
import type { Report } from "./schema.ts";

/** Ratios closer to 1 than this are the noise of a timing. */
const SAME_SPEED = 0.05;

/** What the verdict is about. */
interface Found {
  /** The first metric of each output. */
  readonly first: readonly Change[];
  readonly speedup: number | undefined;
  readonly shrinkage: number | undefined;
}

/** Says what became of the first metric, of those of further outputs that are worse off, of speed and of size. */
export function describeFirst(report: Report, found: Found): string {
  const { model } = modelWords(report);
  const gains = [describeSpeed(report, found.speedup), describeSize(found.shrinkage)].filter(Boolean);
  return [
    describeDummy(report),
    found.first.length === 0 ? describeNoise(report, model) : describeMetrics(report, { first: found.first, model }),
    gains.length === 0 ? "" : `The file ${gains.join(" and ")}.`,
  ].filter(Boolean).join(" ");
}

function describeMetrics(
  report: Report,
  { first: [change, ...others], model }: Pick<Found, "first"> & { readonly model: string },
): string {
  const subject = others.length === 0 ? `The ${model}` : `At output "${change.metric.output}" the ${model}`;
  const reference = referenceOf(report);
  const rank = ({ tone }: Change) => ["good", "fair", "poor"].indexOf(tone);
  return [
    `${subject} ${describeChange(change, reference.words)}.`,
    reference.remark,
    ...others.filter((other) => rank(other) > rank(change)).map((other) =>
      `At output "${other.metric.output}" it ${describeChange(other, reference.words)}.`
    ),
  ].filter(Boolean).join(" ");
}

/** Says what the float model is that others are measured against, and whether that is fair to it. */
function referenceOf({ floatBefore = [], train }: Report): { readonly words: string; readonly remark: string } {
  const step = floatBefore.find(({ isReference }) => isReference);
  if (step?.step === "control") return { words: "float trained as long", remark: "" };
  const remark = train.epochs.length === 0 ? "" : "Float was not trained as long.";
  if (step?.epochs === undefined) return { words: "the float model", remark };
  const words = step.epochs === 0 ? "float as loaded" : `float after ${plural(step.epochs, "epoch")}`;
  return { words, remark };
}

function describeChange(change: Change, reference: string): string {
  const { metric, to, kind, hasLearned } = change;
  const { name, unit, float, chance } = metric;
  const { value } = unitFormat(unit, hasLearned === false ? [float, to, chance] : [float, to]);
  if (kind === "unknown") return `cannot be judged by its ${name} (${value(to)}, ${reference} ${value(float)})`;
  if (hasLearned === false) {
    return `has not learned, as far as ${plural(metric.count, "sample")} can tell: its ${name} is ${value(to)}, ` +
      `that of a model that ignores its input ${value(chance)}, of ${reference} ${value(float)}`;
  }
  const certainty = describeCertainty(metric);
  const figures = `(${[`${value(to)} against ${value(float)}`, certainty].filter(Boolean).join("; ")})`;
  if (kind === "noise") return `shows no difference beyond noise in ${name} from ${reference} ${figures}`;
  if (kind === "kept") return `keeps the ${name} of ${reference} ${figures}`;
  return `${describeMove(change)} against ${reference} ${figures}`;
}

/** Says how far a metric moved: "costs 0.40 points of F1", "raises the MAE by 0.031 px". */
function describeMove({ metric, to, kind }: Change): string {
  const { name, unit, better, float } = metric;
  const { difference, differenceUnit } = unitFormat(unit, [float, to]);
  const size = `${difference(float, to).replace(/^[+-]/, "")} ${differenceUnit}`.trim();
  if (unit === "fraction" && better === "higher") return `${kind === "better" ? "gains" : "costs"} ${size} of ${name}`;
  return `${(kind === "better") === (better === "higher") ? "raises" : "lowers"} the ${name} by ${size}`;
}

function describeSpeed({ latencyMs }: Report, speedup: number | undefined): string | undefined {
  if (speedup === undefined || !Number.isFinite(speedup)) return undefined;
  const doubt = latencyMs?.unsteady === undefined ? "" : " (timed on a busy machine)";
  if (speedup > 1 + SAME_SPEED) return `runs ${ratio(speedup)} as fast${doubt}`;
  if (speedup < 1 - SAME_SPEED) return `runs only ${speedup.toFixed(2)}× as fast${doubt}`;
  return `runs as fast${doubt}`;
}

function describeSize(shrinkage: number | undefined): string | undefined {
  if (shrinkage === undefined || !Number.isFinite(shrinkage)) return undefined;
  return shrinkage >= 1 ? `is ${ratio(shrinkage)} smaller` : `is ${ratio(1 / shrinkage)} larger`;
}
