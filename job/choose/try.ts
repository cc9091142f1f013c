/** Tries a rung of the ladder: runs its job, or takes up what an earlier search left. */
import { join } from "node:path";
import { isTried, type RungReport } from "../../report/choose_schema.ts";
import type { Measured, Report } from "../../report/schema.ts";
import { plainLine } from "../../src/text/plain.ts";
import { formatMetric } from "../../tasks/task.ts";
import { keptDebug, type KeptReport, keptReport } from "../_kept_job.ts";
import type { ChooseEvents, ResolvedChoose } from "./options.ts";
import type { PtqOptions } from "../ptq_options.ts";
import type { Climbed, Rung } from "./rungs.ts";

/** What all rungs share. */
export interface ChooseContext extends Pick<ResolvedChoose, "goal" | "out"> {
  readonly options: Omit<ResolvedChoose, "goal" | "out" | "overwrite">;
  readonly events: ChooseEvents;
  readonly log: (line: string) => void;
  /** Warnings of jobs that were told already. */
  readonly warned: Set<string>;
}

/** What rungs are judged by. */
export interface JudgedMetric {
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  readonly count: number;
  /** Of the float model, as it was loaded. */
  readonly float: Measured;
  readonly bytesFloat?: number;
}

/** What came of a rung. */
export interface Outcome {
  readonly report: RungReport;
  /** How good it is, more is better. */
  readonly score: Climbed;
  readonly metric?: JudgedMetric;
}

/** A rung, and what was before it. */
export interface Trial extends ChooseContext {
  readonly tried: readonly Outcome[];
  /** What an earlier search found of it. */
  readonly before: RungReport | undefined;
  /** Seconds that are left. */
  readonly seconds: number;
}

/** Timers of more milliseconds ring at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Tries a rung.
 *
 * @returns What came of it, or "time" if there was not enough.
 * @throws The reason of the events' signal, if that ends it.
 */
export async function tryRung(rung: Rung, trial: Trial): Promise<Outcome | "time"> {
  const { log, events, seconds } = trial;
  const { name, what } = rung;
  const timer = seconds === Infinity ? undefined : AbortSignal.timeout(Math.min(1000 * seconds, LONGEST_MS));
  const signals = [timer, events.signal].filter((signal) => signal !== undefined);
  log(`${name}: ${what} …`);
  const started = performance.now();
  try {
    const own = { ...events, log: (line: string) => warnOnce(line, trial), signal: AbortSignal.any(signals) };
    const { report, isNew } = await reportOf(rung, { ...trial, events: own });
    const { before } = trial;
    const isKnown = !isNew && before !== undefined && "seconds" in before;
    const took = isKnown ? before.seconds : (performance.now() - started) / 1000;
    const outcome = outcomeOf(rung, { report, seconds: took, trial });
    log(`  ${describeOutcome(outcome)}`);
    return outcome;
  } catch (error) {
    events.signal?.throwIfAborted();
    if (timer?.aborted) {
      log("  has not ended within --minutes");
      return "time";
    }
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    const because = plainLine(error.message, 300);
    log(`  left out: ${because}`);
    return { report: { name, what, because }, score: undefined };
  }
}

/** Of what the jobs of rungs tell only warnings are told, once. */
function warnOnce(line: string, { log, warned }: Trial): void {
  if (!line.startsWith("Warning") || warned.has(line)) return;
  warned.add(line);
  log(line);
}

function describeOutcome({ report, metric }: Outcome): string {
  if (!isTried(report) || metric === undefined) return "not tried";
  const { value, latencyMs, seconds } = report;
  const speed = latencyMs === undefined
    ? ""
    : `, ${(latencyMs.float / latencyMs.file).toFixed(1)} times as fast as float`;
  const reached = value === null ? "no number" : formatMetric(value, metric);
  return `${metric.name} ${reached}${speed}, ${seconds.toFixed(1)} s`;
}

/** Returns the report of a rung's job: of one that was run before by the same words, or of one that is run now. */
async function reportOf(rung: Rung, trial: Trial): Promise<KeptReport> {
  const dir = dirOf(rung.name, trial);
  const { events } = trial;
  if (rung.kind === "qat") {
    return await keptReport(
      { of: "qat", dir, options: { ...preparedOptions(rung.from, trial), ...rung.options } },
      events,
    );
  }
  const kept = rung.kind === "keep" ? { keepFloat: await findLayers(rung.from, trial) } : {};
  return await keptReport({ of: "ptq", dir, options: { ...ptqOptions(rung.options, trial), ...kept } }, events);
}

function dirOf(name: string, { out }: Pick<Trial, "out">): string {
  return join(out, name);
}

function ptqOptions(own: Partial<PtqOptions>, { options }: Trial): PtqOptions {
  const { calibrate, samples, ...shared } = options;
  const isStatic = own.method === "static";
  return {
    ...shared,
    ...(isStatic && calibrate !== undefined ? { calibrate } : {}),
    ...(isStatic && samples !== undefined ? { samples } : {}),
    ...own,
  };
}

/** What goes on from a calibrated model: what was decided before that is in it. */
function preparedOptions(from: string, { options, ...trial }: Trial) {
  const { calibrate: _, samples: __, swap: ___, target: ____, shape: _____, ...shared } = options;
  return { ...shared, model: dirOf(from, trial) };
}

/** @throws {RangeError} If no layers are found that help. */
async function findLayers(from: string, trial: Trial): Promise<readonly string[]> {
  const { goal, events } = trial;
  const { keep } = await keptDebug({
    ...preparedOptions(from, trial),
    keepFloat: `auto:${goal.tolerance}`,
    out: join(dirOf(from, trial), "debug"),
    overwrite: true,
  }, events);
  const layers = keep?.best === undefined ? [] : keep.choices[keep.best].layers;
  if (layers.length > 0) return layers;
  throw new RangeError(`Cannot keep layers of "${from}" in float: none were found that would be enough`);
}

function outcomeOf(
  { name, what }: Rung,
  { report, seconds, trial }: { readonly report: Report; readonly seconds: number; readonly trial: Trial },
): Outcome {
  const [metric] = report.metrics;
  if (metric === undefined) throw new RangeError(`Cannot judge "${name}": its data say nothing of what is right`);
  const known = trial.tried.find(({ metric }) => metric !== undefined)?.metric;
  const { unit, better, count } = metric;
  // A model that training went on from has been rounded: float is what it was before anything was done to it.
  const judged: JudgedMetric = known ?? {
    name: metric.name,
    unit,
    better,
    count,
    float: metric.float,
    ...(report.bytes === undefined ? {} : { bytesFloat: report.bytes.float }),
  };
  const value = metric.deployed ?? null;
  const latency = report.latencyMs;
  const times = latency && { float: latency.float.p50, file: latency.deployed.p50 };
  const loss = lossOf(judged, value);
  const isFast = trial.goal.speedup === 0 || (times !== undefined && times.float / times.file >= trial.goal.speedup);
  return {
    report: {
      name,
      what,
      dir: name,
      deploy: report.deploy ?? "model.int8.onnx",
      value,
      ...(metric.change === undefined ? {} : { change: metric.change }),
      ...(times === undefined ? {} : { latencyMs: times }),
      ...(report.bytes === undefined ? {} : { bytes: report.bytes.deployed }),
      seconds,
      isEnough: loss <= trial.goal.tolerance + 1e-9 && isFast,
    },
    score: value === null ? undefined : -loss,
    metric: judged,
  };
}

/** How much worse than float, in percentage points of a fraction, else in the metric's unit; less than 0 is better. */
function lossOf({ float, unit, better }: JudgedMetric, value: Measured): number {
  if (float === null || value === null) return Infinity;
  return (better === "higher" ? float - value : value - float) * (unit === "fraction" ? 100 : 1);
}
