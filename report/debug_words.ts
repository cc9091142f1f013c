/** What a debug report says in words, the same in the terminal and on the page. */
import { isKnown, milliseconds, percent, plural } from "./_format.ts";
import { unitFormat } from "./_unit.ts";
import type { DebugReport, KeepChoice, KeepReport, PartFacts } from "./debug_schema.ts";

/** Writes decibels with one decimal; "-" where there is no noise. */
export function decibels(value: number | null | undefined): string {
  return isKnown(value) ? value.toFixed(1) : value === null ? "-" : "";
}

/** What the outputs would win, in dB, if a part alone were in float; 0 where that is unknown. */
export function gainOf({ sensitivity: { allButOneDb } }: PartFacts, { outputsDb }: DebugReport): number {
  // Without it there is no noise at all: it is all of it.
  if (outputsDb === null) return 0;
  return allButOneDb === null ? Infinity : allButOneDb - outputsDb;
}

/** The parts by what they cost the outputs, the worst first. */
export function worstParts(report: DebugReport): readonly PartFacts[] {
  return report.parts.toSorted((a, b) => gainOf(b, report) - gainOf(a, report));
}

/** Says in a sentence how much was lost, and where most of it. */
export function debugSentence(report: DebugReport): string {
  const { outputsDb } = report;
  if (outputsDb === null) return "Quantization changes nothing at the outputs.";
  const [worst] = worstParts(report);
  const head = `With everything quantized the outputs have ${outputsDb.toFixed(1)} dB of signal to noise`;
  const gain = gainOf(worst, report);
  if (!(gain > 0)) return `${head}; no layer alone is to blame.`;
  const alone = isFinite(gain)
    ? `with it alone in float it were ${decibels(worst.sensitivity.allButOneDb)} dB`
    : "all of the noise is its";
  return `${head}; ${worst.layer} costs most: ${alone}.`;
}

/** Remarks on single layers: what saturates, which channels say nothing. */
export function debugRemarks({ parts }: DebugReport): readonly string[] {
  return parts.flatMap(({ layer, output, weights = [] }) => {
    const count = (state: "dead" | "lost") => output?.channels.filter((channel) => channel.state === state).length ?? 0;
    const [dead, lost] = [count("dead"), count("lost")];
    const still = weights.reduce((sum, one) => sum + one.dead, 0);
    const of = output?.channels.length ?? 0;
    return [
      ...(output !== undefined && output.saturated >= 0.001
        ? [`${layer}: ${percent(output.saturated)} of its values lie beyond the grid.`]
        : []),
      ...(dead > 0
        ? [`${layer}: ${dead} of ${plural(of, "channel")} always ${dead === 1 ? "has" : "have"} one value.`]
        : []),
      ...(lost > 0
        ? [`${layer}: ${lost} of ${plural(of, "channel")} ${lost === 1 ? "moves" : "move"} within one step.`]
        : []),
      ...(still > 0 ? [`${layer}: ${plural(still, "channel")} of its weights ${still === 1 ? "is" : "are"} 0.`] : []),
    ];
  });
}

/** Says which layers to keep in float, if any. */
export function keepSentence({ choices, best, metric, float, tolerance }: KeepReport): string {
  const { value } = unitFormat(metric.unit, [float]);
  const goal = `within ${tolerance} ${metric.unit === "fraction" ? "points" : metric.unit} of float (${value(float)})`
    .replace("  ", " ");
  if (best === undefined) return `No set of layers that was tried brings ${metric.name} ${goal}.`;
  const { layers, value: reached } = choices[best];
  return layers.length === 0
    ? `${metric.name} is ${value(reached)} with everything quantized, ${goal}: nothing needs to stay in float.`
    : `${metric.name} is ${value(reached)}, ${goal}, with ${layers.join(", ")} in float: --keep-float ${
      layers.join(" ")
    }`;
}

/** Samples to judge layers by, from which on a choice says something of other samples. */
export const ENOUGH_SAMPLES = 100;

/** Says which samples the choices were judged by, and how many more it takes where they are few. */
export function keepBasis({ metric: { part, count } }: KeepReport): string {
  const few = count < ENOUGH_SAMPLES ? `: too few to choose by, at least ${ENOUGH_SAMPLES} are needed` : "";
  return `Judged by ${plural(count, `${part} sample`)}${few}.`;
}

/** Writes the cells of a choice: layers, value, time, size of the float file's time. */
export function keepCells({ layers, value, latencyMs }: KeepChoice, { metric, float, floatMs }: KeepReport) {
  const slow = latencyMs !== undefined && floatMs !== undefined && latencyMs.p50 >= floatMs.p50;
  return {
    layers: layers.length === 0 ? "none" : layers.join(", "),
    value: unitFormat(metric.unit, [float]).value(value),
    latency: latencyMs === undefined ? "" : milliseconds(latencyMs.p50),
    note: slow ? "no faster than float" : "",
  };
}
