/** Options of the search for a quantization, and what it tells. */
import type { RungReport } from "../../report/choose_schema.ts";
import type { JobEvents } from "../events.ts";
import { inPlainWordsSync } from "../../src/text/plain_errors.ts";
import { checkNumbers } from "../_number_rules.ts";
import { checkKinds, type Kinds } from "../_option_kinds.ts";
import {
  type DataOptions,
  type EngineOptions,
  type FileOptions,
  type ModelOptions,
  type QuantizationOptions,
  SHARED_KINDS,
} from "../shared_options.ts";

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
  /** Minutes for this sitting; what was tried in earlier ones is not tried again. Default: as many as it takes. */
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

/** What each option takes. */
const KINDS: Kinds<ChooseOptions> = {
  model: SHARED_KINDS.model,
  outputs: SHARED_KINDS.outputs,
  shape: SHARED_KINDS.shape,
  data: SHARED_KINDS.data,
  task: SHARED_KINDS.task,
  targets: SHARED_KINDS.targets,
  sequenceColumn: SHARED_KINDS.sequenceColumn,
  sequenceLength: SHARED_KINDS.sequenceLength,
  normalize: SHARED_KINDS.normalize,
  limit: SHARED_KINDS.limit,
  skipBadImages: SHARED_KINDS.skipBadImages,
  cache: SHARED_KINDS.cache,
  target: SHARED_KINDS.target,
  swap: SHARED_KINDS.swap,
  seed: SHARED_KINDS.seed,
  threads: SHARED_KINDS.threads,
  backend: SHARED_KINDS.backend,
  device: SHARED_KINDS.device,
  precise: SHARED_KINDS.precise,
  debug: SHARED_KINDS.debug,
  out: SHARED_KINDS.out,
  overwrite: SHARED_KINDS.overwrite,
  tolerance: "number",
  speedup: "number",
  minutes: "number",
  calibrate: "text",
  samples: "number",
};

/** What is good enough. */
export interface Goal {
  readonly tolerance: number;
  readonly speedup: number;
  readonly minutes?: number;
}

/** Options with every default filled in that is one of choosing. */
export type ResolvedChoose =
  & Omit<ChooseOptions, keyof Goal | "out" | "overwrite" | "model" | "data">
  & { readonly model: string; readonly data: string; readonly goal: Goal }
  & Required<Pick<ChooseOptions, "out" | "overwrite">>;

/**
 * Checks options and fills in defaults.
 *
 * @throws {RangeError} If an option is out of range, or one that is needed is missing.
 */
export function resolveChooseOptions(given: ChooseOptions): ResolvedChoose {
  return inPlainWordsSync(() => {
    checkKinds(given, KINDS);
    checkNumbers(given);
    const { tolerance = 0.5, speedup = 1, minutes, out = "out/choose", overwrite = false, model, data, ...options } =
      given;
    if (model === undefined || data === undefined) {
      throw new RangeError(`Cannot choose without --${model === undefined ? "model" : "data"}: it is needed`);
    }
    const goal = { tolerance, speedup, ...(minutes === undefined ? {} : { minutes }) };
    return { ...options, model, data, goal, out, overwrite };
  });
}
