/** Options of the search for a quantization, and what it tells. */
import type { RungReport } from "../../report/choose_schema.ts";
import type { JobEvents } from "../events.ts";
import type { DataOptions, EngineOptions, FileOptions, ModelOptions, QuantizationOptions } from "../shared_options.ts";

/** Options of `chooseQuantization`. */
export interface ChooseOptions
  extends
    ModelOptions,
    DataOptions,
    EngineOptions,
    Pick<QuantizationOptions, "target" | "swap">,
    Pick<FileOptions, "out" | "overwrite"> {
  /** How far from float is good enough: in percentage points of a fraction, else in the metric's unit. Default 0.5. */
  readonly tolerance?: number;
  /** How many times as fast as float a file must be at least; 0: however slow. Default 1. */
  readonly speedup?: number;
  /** Minutes for all rungs. Default: as many as it takes. */
  readonly minutes?: number;
  /** Samples that ranges are found on. Default: the training samples of `data`. */
  readonly calibrate?: string;
  /** How many of them. Default 512. */
  readonly samples?: number;
}

/** What is told while it climbs. */
export interface ChooseEvents extends JobEvents {
  /** A rung was tried, or left out. */
  readonly onRung?: (rung: RungReport) => void;
}
