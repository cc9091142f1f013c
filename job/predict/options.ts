/** Options of predicting, and what it tells. */
import { inPlainWordsSync } from "../../src/text/plain_errors.ts";
import { checkNumbers } from "../_number_rules.ts";
import { checkKinds, type Kinds } from "../_option_kinds.ts";
import type { JobEvents } from "../events.ts";
import { type EngineOptions, SHARED_KINDS } from "../shared_options.ts";

/** Options of `predict`. */
export interface PredictOptions extends Pick<EngineOptions, "threads" | "precise"> {
  /** The exported file, or the folder of the job that wrote it. */
  readonly model?: string;
  /** Pictures: JPEG or PNG files, and folders of such. */
  readonly pictures?: readonly string[];
  /** Where the pictures with what was found in them go. Default: nothing is written. */
  readonly out?: string;
  /** Whether pictures of those names that are there already are replaced. Default false: they are refused. */
  readonly overwrite?: boolean;
  /** Whether answers are drawn at all, to be written or shown in a notebook. Default true. */
  readonly draw?: boolean;
  /** Leaves out pictures that cannot be read instead of failing. Default false. */
  readonly skipBadImages?: boolean;
  /** Things and labels of which the model is less sure are left out. Default: as the file says. */
  readonly scoreThreshold?: number;
  /** Of two boxes of a class that overlap by more than this IoU only the surer one is told. Default: as the file says. */
  readonly nmsIou?: number;
}

/** What is told while it predicts. */
export type PredictEvents = Pick<JobEvents, "log" | "onWork" | "signal">;

/** What each option takes. */
const KINDS: Kinds<PredictOptions> = {
  model: SHARED_KINDS.model,
  pictures: "names",
  out: SHARED_KINDS.out,
  overwrite: SHARED_KINDS.overwrite,
  draw: "flag",
  skipBadImages: SHARED_KINDS.skipBadImages,
  threads: SHARED_KINDS.threads,
  precise: SHARED_KINDS.precise,
  scoreThreshold: "number",
  nmsIou: "number",
};

/** Options with every default filled in that is not the file's. */
export type ResolvedPredict =
  & Required<Omit<PredictOptions, "out" | "threads" | "scoreThreshold" | "nmsIou">>
  & Pick<PredictOptions, "out" | "threads" | "scoreThreshold" | "nmsIou">;

/**
 * Checks options and fills in defaults.
 *
 * @throws {RangeError} If an option is out of range, or one that is needed is missing.
 */
export function resolvePredictOptions(given: PredictOptions): ResolvedPredict {
  return inPlainWordsSync(() => {
    checkKinds(given, KINDS);
    checkNumbers(given);
    const { model, pictures = [], overwrite = false, draw = true, skipBadImages = false, precise = false } = given;
    if (model === undefined) throw new RangeError("Cannot predict without --model: an exported file is needed");
    if (pictures.length === 0) throw new RangeError("Cannot predict without pictures: a file or a folder is needed");
    if (!draw && given.out !== undefined) {
      throw new RangeError("Cannot use --out where nothing is drawn: one of both is needed");
    }
    return { ...given, model, pictures, overwrite, draw, skipBadImages, precise };
  });
}
