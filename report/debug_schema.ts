/** The report of where a quantized model loses what it loses, as plain data: debug.json. */
import type { Histogram, PartFacts } from "../debug/facts.ts";
import type { Percentiles } from "./schema.ts";
import type { Measured } from "./schema_metrics.ts";

export type { Histogram, PartFacts };

/** The version of the schema that this code writes and reads. */
export const DEBUG_SCHEMA = 1;

/** What debugging found of a model. Decibels are signal to quantization noise; null: no noise. */
export interface DebugReport {
  readonly schema: typeof DEBUG_SCHEMA;
  readonly kind: "debug";
  readonly model: { readonly name: string; readonly parameters: number };
  readonly data: {
    readonly name: string;
    /** Samples that were looked at. */
    readonly samples: number;
  };
  /** The target's name. */
  readonly target: string;
  /** Of the worst output, with everything quantized. */
  readonly outputsDb: number | null;
  /** Layers, or several that run as one operator, in the model's order. */
  readonly parts: readonly PartFacts[];
  /** Of the worst layers' outputs, in float. */
  readonly histograms: readonly Histogram[];
  /** What keeping layers in float would bring; absent where nobody asked. */
  readonly keep?: KeepReport;
  /** Versions of what took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly command?: string;
  /** The machine that timed it, in words. */
  readonly machine?: string;
}

/** The search for few layers to keep in float. */
export interface KeepReport {
  readonly metric: {
    readonly name: string;
    readonly unit: string;
    readonly better: "higher" | "lower";
    /** The samples that all choices were judged by: the test samples only where there are none for validation. */
    readonly part: "validation" | "test";
    /** How many they are. */
    readonly count: number;
  };
  /** Of the float model. */
  readonly float: Measured;
  /** How far from float is still good enough: in percentage points of a fraction, else in the metric's unit. */
  readonly tolerance: number;
  /** What was tried, in order. */
  readonly choices: readonly KeepChoice[];
  /** Which of them is the smallest that is good enough, counted from 0; absent: none is. */
  readonly best?: number;
  /** Of one warm run of the float file. */
  readonly floatMs?: Percentiles;
}

/** Layers kept in float, and what came of it. */
export interface KeepChoice {
  readonly layers: readonly string[];
  /** Of the simulated model. */
  readonly value: Measured;
  /** Of one warm run of its file; absent where it was not timed. */
  readonly latencyMs?: Percentiles;
  readonly bytes?: number;
}
