/** The report of a comparison of runs, as plain data: compare.json. */
import type { ChangeReport, IntervalReport, Measured } from "./schema_metrics.ts";

/** The version of the schema that this code writes and reads. */
export const COMPARE_SCHEMA = 1;

/** What runs differ in, and what came of that. */
export interface CompareReport {
  readonly schema: typeof COMPARE_SCHEMA;
  readonly kind: "compare";
  /** What all of them learned. */
  readonly task: string;
  /** The first is the one that the others are compared with. */
  readonly runs: readonly ComparedRun[];
  /** Options in which runs differ, as flags without their dashes. */
  readonly options: readonly ComparedOption[];
  /** Metrics that all runs have; the first is the task's own. */
  readonly metrics: readonly ComparedMetrics[];
  /** How training went, where runs tell. */
  readonly curves: readonly ComparedCurve[];
  /** What cannot be said of these runs, in sentences. */
  readonly notes: readonly string[];
}

/** A run. */
export interface ComparedRun {
  /** Its folder, as it was given. */
  readonly name: string;
  readonly job: "qat" | "ptq";
  /** Median of one warm run of the deployed file, in ms, and of the float file in turns with it; absent: not timed. */
  readonly latencyMs?: { readonly float: number; readonly file: number };
  /** Sizes of the two files. */
  readonly bytes?: { readonly float: number; readonly file: number };
  readonly machine?: string;
  readonly command?: string;
}

/** An option in which runs differ. */
export interface ComparedOption {
  readonly name: string;
  /** A value a run; "" where it has none. */
  readonly values: readonly string[];
}

/** A metric of all runs. */
export interface ComparedMetrics {
  /** With its output, where runs have several. */
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** A value a run. */
  readonly values: readonly ComparedValue[];
}

/** A metric of a run. */
export interface ComparedValue {
  /** The float model that the run measured against. */
  readonly float: Measured;
  /** Of the file; of the simulation where there is none. */
  readonly value: Measured;
  readonly count: number;
  readonly interval?: IntervalReport;
  /** From the first run to this one, where both judged the same samples and kept what it takes. */
  readonly change?: ChangeReport;
}

/** A number after each epoch. */
export interface ComparedCurve {
  readonly name: string;
  readonly unit: string;
  readonly series: readonly {
    readonly run: string;
    /** Epochs of all stages are counted on, from 1. */
    readonly points: readonly (readonly [epoch: number, value: number])[];
  }[];
}
