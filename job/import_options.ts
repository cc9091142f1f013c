/** Options of importing a model: defaults, and what is allowed. */
import { inPlainWordsSync } from "../src/text/plain_errors.ts";
import { checkNumbers } from "./_number_rules.ts";
import { checkKinds, type Kinds } from "./_option_kinds.ts";
import { parseShapes } from "./_shapes.ts";
import {
  type DataOptions,
  type EngineOptions,
  type FileOptions,
  type ModelOptions,
  SHARED_KINDS,
} from "./shared_options.ts";

/** Options of `importModel`. */
export interface ImportModelOptions
  extends
    ModelOptions,
    Omit<DataOptions, "cache">,
    Pick<EngineOptions, "seed" | "threads" | "debug">,
    Pick<FileOptions, "out" | "overwrite"> {
  /**
   * Puts a batch normalization behind each convolution in place of its bias, so that training has one: with statistics of
   * the data where there is some, else those of the identity. The answers stay. Default: false.
   */
  readonly unfoldBn?: boolean;
}

/** What each option takes. */
const KINDS: Kinds<ImportModelOptions> = {
  model: SHARED_KINDS.model,
  outputs: SHARED_KINDS.outputs,
  shape: SHARED_KINDS.shape,
  unfoldBn: "flag",
  data: SHARED_KINDS.data,
  task: SHARED_KINDS.task,
  targets: SHARED_KINDS.targets,
  sequenceColumn: SHARED_KINDS.sequenceColumn,
  sequenceLength: SHARED_KINDS.sequenceLength,
  normalize: SHARED_KINDS.normalize,
  limit: SHARED_KINDS.limit,
  skipBadImages: SHARED_KINDS.skipBadImages,
  seed: SHARED_KINDS.seed,
  threads: SHARED_KINDS.threads,
  debug: SHARED_KINDS.debug,
  out: SHARED_KINDS.out,
  overwrite: SHARED_KINDS.overwrite,
};

/** Samples of the data that answers are compared on. */
const SAMPLES = 16;

/** Options with every default filled in. */
export type ResolvedImport =
  & Pick<ImportModelOptions, "outputs" | "threads" | Exclude<keyof DataOptions, "cache" | "limit" | "skipBadImages">>
  & Required<
    Pick<ImportModelOptions, "model" | "unfoldBn" | "limit" | "skipBadImages" | "seed" | "debug" | "out" | "overwrite">
  >
  & { readonly shapes: Readonly<Record<string, readonly number[]>> };

/**
 * Checks options and fills in defaults.
 *
 * @throws {RangeError} If an option is out of range, or the model is missing.
 */
export function resolveImportOptions(given: ImportModelOptions): ResolvedImport {
  return inPlainWordsSync(() => {
    checkKinds(given, KINDS);
    checkNumbers(given);
    const { model, shape = [], limit = SAMPLES, skipBadImages = false, seed = 0, debug = false, ...options } = given;
    if (model === undefined) {
      throw new RangeError("Cannot import without a model: needed is a file, model.json, NAME.onnx or NAME.cfg");
    }
    const { out = "out/import", overwrite = false, unfoldBn = false } = options;
    return {
      ...options,
      model,
      unfoldBn,
      limit,
      skipBadImages,
      seed,
      debug,
      out,
      overwrite,
      shapes: parseShapes(shape),
    };
  });
}
