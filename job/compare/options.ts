/** Options of a comparison. */
import { inPlainWordsSync } from "../../src/text/plain_errors.ts";
import { countOf } from "../../src/text/plain.ts";
import { checkKinds, type Kinds } from "../_option_kinds.ts";
import { SHARED_KINDS } from "../shared_options.ts";

/** Options of `compareRuns`. */
export interface CompareRunsOptions {
  /** Folders of runs, two at least; the first is the one that the others are compared with. */
  readonly runs?: readonly string[];
  /** Where compare.html and compare.json go. Default: nothing is written. */
  readonly out?: string;
  /** Whether a comparison that is there already is replaced. Default false: it is refused. */
  readonly overwrite?: boolean;
}

/** What each option takes. */
const KINDS: Kinds<CompareRunsOptions> = {
  runs: "names",
  out: SHARED_KINDS.out,
  overwrite: SHARED_KINDS.overwrite,
};

/** More runs than that are told apart by nobody. */
const MOST_RUNS = 100;

/**
 * Checks options.
 *
 * @throws {RangeError} If there are fewer than two runs, or one is named twice.
 */
export function resolveCompare(given: CompareRunsOptions): CompareRunsOptions & { readonly runs: readonly string[] } {
  return inPlainWordsSync(() => {
    checkKinds(given, KINDS);
    const { runs = [] } = given;
    if (runs.length < 2 || runs.length > MOST_RUNS) {
      throw new RangeError(
        `Cannot compare ${countOf(runs.length, "run")}: the folders of 2 to ${MOST_RUNS} are needed`,
      );
    }
    const twice = runs.find((run, i) => runs.indexOf(run) < i);
    if (twice !== undefined) throw new RangeError(`Cannot compare "${twice}" with itself: it is named twice`);
    return { ...given, runs };
  });
}
