/** Options of debugging: defaults, and what is allowed. */
import { showValue } from "../src/text/plain.ts";
import { inPlainWordsSync } from "../src/text/plain_errors.ts";
import { checkNumbers } from "./_number_rules.ts";
import { checkKinds, type Kinds } from "./_option_kinds.ts";
import type { DataOptions, EngineOptions, FileOptions, ModelOptions } from "./shared_options.ts";

/** Options of `debugModel`. */
export interface DebugOptions extends ModelOptions, DataOptions, EngineOptions, Pick<FileOptions, "out" | "overwrite"> {
  /** Samples to look at, the first of the test samples. Default 64. */
  readonly samples?: number;
  /**
   * "auto:0.5": search the fewest layers to keep in float for a first metric within 0.5 of float's, in percentage points of
   * a fraction, else in its unit. Default: search nothing.
   */
  readonly keepFloat?: string;
}

/** What each option takes. */
const KINDS: Kinds<DebugOptions> = {
  model: "text",
  outputs: "names",
  shape: "names",
  data: "text",
  task: "text",
  targets: "names",
  sequenceColumn: "text",
  sequenceLength: "number",
  normalize: "text",
  limit: "number",
  skipBadImages: "flag",
  cache: "text",
  seed: "number",
  threads: "number",
  backend: "text",
  device: "text",
  precise: "flag",
  debug: "flag",
  out: "text",
  overwrite: "flag",
  samples: "number",
  keepFloat: "text",
};

/** Options with every default filled in that is one of debugging. */
export type ResolvedDebug =
  & Omit<DebugOptions, "samples" | "keepFloat" | "out" | "overwrite" | "model" | "data">
  & Required<Pick<DebugOptions, "samples" | "out" | "overwrite">>
  & { readonly model: string; readonly data: string; readonly tolerance: number | undefined };

/**
 * Checks options and fills in defaults.
 *
 * @throws {RangeError} If an option is out of range, or one that is needed is missing.
 */
export function resolveDebugOptions(given: DebugOptions): ResolvedDebug {
  return inPlainWordsSync(() => {
    checkKinds(given, KINDS);
    checkNumbers(given);
    const { samples = 64, keepFloat, out = "out/debug", overwrite = false, model, data, ...options } = given;
    const tolerance = keepFloat === undefined ? undefined : parseAuto(keepFloat);
    if (model === undefined || data === undefined) {
      throw new RangeError(`Cannot debug without --${model === undefined ? "model" : "data"}: it is needed`);
    }
    return { ...options, model, data, samples, out, overwrite, tolerance };
  });
}

/**
 * Reads "auto:0.5".
 *
 * @throws {RangeError} If it is anything else.
 */
export function parseAuto(text: string): number {
  const [, number] = /^auto:(\d+\.?\d*|\.\d+)$/.exec(text) ?? [];
  if (number !== undefined) return Number(number);
  throw new RangeError(
    `Cannot use --keep-float ${showValue(text)}: needed is "auto:" and how far from float is good enough, as auto:0.5`,
  );
}
