/** The report of a sweep over options, as plain data: sweep.json. */
import type { ChangeReport, IntervalReport, Measured } from "./schema_metrics.ts";

/** The version of the schema that this code writes and reads. */
export const SWEEP_SCHEMA = 1;

/** What a sweep found. */
export interface SweepReport {
  readonly schema: typeof SWEEP_SCHEMA;
  readonly kind: "sweep";
  /** The job that was run for each row. */
  readonly of: "qat" | "ptq";
  /** Options in which rows differ, as flags without their dashes. */
  readonly options: readonly string[];
  /** What rows are judged by; absent while none has been run. */
  readonly metric?: SweepMetric;
  /** In the order of the grid. */
  readonly rows: readonly SweepRow[];
  /** How many rows the grid has; those that are not among `rows` are still to be run. */
  readonly count: number;
  /** The best row, counted from 0; absent: there is none. */
  readonly best?: number;
  readonly command: string;
  readonly machine: string;
  /** Versions of what took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What rows are judged by. */
export interface SweepMetric {
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
}

/** A row: a job with options of its own, and what came of it. */
export type SweepRow = DoneRow | LeftRow;

/** A row that was run. */
export interface DoneRow {
  /** Also that of its folder, beside the report of the sweep. */
  readonly name: string;
  /** Its values of `options`, as they are written for `--over`. */
  readonly values: readonly string[];
  /** The float model that it was measured against. */
  readonly float: Measured;
  /** Of the file; of the simulation where there is none. */
  readonly value: Measured;
  /** Samples that it was judged by. */
  readonly count: number;
  readonly interval?: IntervalReport;
  /** How sure the change from float is. */
  readonly change?: ChangeReport;
  /** Medians of one warm run, in ms, of both files in turns; absent where it was not timed. */
  readonly latencyMs?: { readonly float: number; readonly file: number };
  readonly bytes?: number;
  /** What it took, in seconds. */
  readonly seconds: number;
}

/** A row that could not be run. */
export interface LeftRow {
  readonly name: string;
  readonly values: readonly string[];
  readonly because: string;
}

/** Whether a row was run. */
export function isDone(row: SweepRow): row is DoneRow {
  return "value" in row;
}
