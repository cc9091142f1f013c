/** The report of a search for the cheapest quantization that is good enough, as plain data: choose.json. */
import type { IntervalReport, Measured } from "./schema_metrics.ts";

export type { IntervalReport };

/** The version of the schema that this code writes and reads. */
export const CHOOSE_SCHEMA = 1;

/** What choosing found. */
export interface ChooseReport {
  readonly schema: typeof CHOOSE_SCHEMA;
  readonly kind: "choose";
  readonly model: string;
  readonly data: string;
  readonly metric: {
    readonly name: string;
    readonly unit: string;
    readonly better: "higher" | "lower";
    /** Samples that all rungs were judged by. */
    readonly count: number;
  };
  /** Of the float model, as it was loaded. */
  readonly float: Measured;
  /** How far from float is good enough: in percentage points of a fraction, else in the metric's unit. */
  readonly tolerance: number;
  /** How many times as fast as float a file must be at least. */
  readonly speedup: number;
  /** Minutes that were given to the last sitting; absent: as many as it takes. */
  readonly minutes?: number;
  /** What was tried, in order. */
  readonly rungs: readonly RungReport[];
  /** The rung to deploy, counted from 0; absent: none is good enough. */
  readonly chosen?: number;
  /** "met": a rung is good enough. "time": there was none left. "all": every rung was tried. */
  readonly ended: "met" | "time" | "all";
  readonly bytesFloat?: number;
  readonly command: string;
  readonly machine: string;
  /** Versions of what took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A rung of the ladder: a way to quantize, and what came of it. */
export type RungReport = TriedRung | LeftRung;

/** A way that was tried. */
export interface TriedRung {
  readonly name: string;
  /** What it is, in a few words. */
  readonly what: string;
  /** The folder of its results, relative to that of the search. */
  readonly dir: string;
  /** The file to deploy there. */
  readonly deploy: string;
  /** Of the file in ONNX Runtime. */
  readonly value: Measured;
  /** How sure the change from float is. */
  readonly change?: IntervalReport;
  /** Medians of one warm run, in ms, of both files in turns; absent where it was not timed. */
  readonly latencyMs?: { readonly float: number; readonly file: number };
  readonly bytes?: number;
  /** What it took, in seconds. */
  readonly seconds: number;
  /** Whether it is good enough, and fast enough. */
  readonly isEnough: boolean;
}

/** A way that could not be gone. */
export interface LeftRung {
  readonly name: string;
  readonly what: string;
  readonly because: string;
}

/** Whether a rung was tried. */
export function isTried(rung: RungReport): rung is TriedRung {
  return "value" in rung;
}
