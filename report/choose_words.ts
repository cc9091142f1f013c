/** What a search for a quantization says in words, the same in the terminal and on the page. */
import { byteSize, isKnown, milliseconds, ratio, UNKNOWN } from "./_format.ts";
import { unitFormat } from "./_unit.ts";
import { type ChooseReport, isTried, type RungReport, type TriedRung } from "./choose_schema.ts";

/** The rungs that were tried, in order. */
export function triedRungs({ rungs }: ChooseReport): readonly TriedRung[] {
  return rungs.filter(isTried);
}

/** How many times as fast as float a rung's file is; undefined where it was not timed. */
export function speedOf({ latencyMs }: TriedRung): number | undefined {
  return latencyMs === undefined ? undefined : latencyMs.float / latencyMs.file;
}

/** Writes a time that people wait for. */
export function waitOf(seconds: number): string {
  if (seconds < 99.5) return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return `${(seconds / 60).toFixed(1)} min`;
}

/** Says in a sentence what to deploy, or that nothing is good enough. */
export function chooseSentence(report: ChooseReport): string {
  const { metric, float, tolerance, chosen, rungs, ended } = report;
  const { value } = unitFormat(metric.unit, [float]);
  const goal = `${tolerance} ${metric.unit === "fraction" ? "points" : metric.unit}`.trim();
  const rung = chosen === undefined ? undefined : rungs[chosen];
  if (rung !== undefined && isTried(rung)) {
    const speed = speedOf(rung);
    const size = rung.bytes !== undefined && report.bytesFloat !== undefined
      ? report.bytesFloat / rung.bytes
      : undefined;
    const gains = [
      ...(speed === undefined ? [] : [`${ratio(speed)} as fast`]),
      ...(size === undefined ? [] : [`${ratio(size)} smaller`]),
    ].join(" and ");
    return `${rung.name} is within ${goal} of float: ${metric.name} ${value(rung.value)} against ${value(float)}` +
      `${gains === "" ? "" : `, ${gains}`}.`;
  }
  const why = ended === "time" ? "that there was time for" : "of all that was tried";
  const best = bestRung(report);
  const nearest = best === undefined ? "" : `; nearest is ${best.name} with ${value(best.value)}`;
  return `Nothing ${why} is within ${goal} of float (${metric.name} ${value(float)}) and fast enough${nearest}.`;
}

/** The rung whose value is the best. */
export function bestRung(report: ChooseReport): TriedRung | undefined {
  const sign = report.metric.better === "higher" ? 1 : -1;
  return triedRungs(report).filter(({ value }) => isKnown(value)).reduce<TriedRung | undefined>(
    (best, rung) => best === undefined || sign * (rung.value! - best.value!) > 0 ? rung : best,
    undefined,
  );
}

/** A model, by what it reaches and how long it takes. */
export interface ParetoPoint {
  readonly name: string;
  readonly value: number;
  /** Of one answer. */
  readonly ms: number;
  /** Whether it is the one to take. */
  readonly isChosen?: boolean;
}

/** Returns those of `points` that no other beats: at least as good and as fast, and better in one. */
export function frontOf(
  points: readonly ParetoPoint[],
  better: ChooseReport["metric"]["better"],
): readonly ParetoPoint[] {
  const sign = better === "higher" ? 1 : -1;
  return points.filter((one) =>
    !points.some((other) => {
      const [quality, time] = [sign * (other.value - one.value), one.ms - other.ms];
      return quality >= 0 && time >= 0 && (quality > 0 || time > 0);
    })
  );
}

/** The rungs as points; those that were not timed are left out. */
export function pointsOf(report: ChooseReport): readonly ParetoPoint[] {
  const { chosen, rungs } = report;
  const best = chosen === undefined ? undefined : rungs[chosen];
  return triedRungs(report).flatMap((rung) =>
    rung.latencyMs !== undefined && isKnown(rung.value)
      ? [{ name: rung.name, value: rung.value, ms: rung.latencyMs.file, isChosen: rung === best }]
      : []
  );
}

/** The cells of a rung, as text. */
export function rungCells(rung: RungReport, { metric, float }: ChooseReport) {
  if (!isTried(rung)) {
    return { value: "", change: "", latency: "", speed: "", size: "", wait: "", note: `left out: ${rung.because}` };
  }
  const { value, difference } = unitFormat(metric.unit, [float]);
  const { change, latencyMs, bytes, seconds } = rung;
  return {
    value: value(rung.value),
    change: change === undefined ? "" : `${difference(0, change.low)} to ${difference(0, change.high)}`,
    latency: latencyMs === undefined ? "" : milliseconds(latencyMs.file),
    speed: latencyMs === undefined ? "" : ratio(speedOf(rung)),
    size: bytes === undefined ? UNKNOWN : byteSize(bytes),
    wait: waitOf(seconds),
    note: "",
  };
}
