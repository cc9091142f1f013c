/** The samples that the best epoch is chosen by: the data's own, or some of the training samples. */
import { countOf } from "../src/text/plain.ts";
import type { OpenedData } from "../data/open.ts";
import { splitValidation } from "../data/validation.ts";
import type { ResolvedOptions } from "./options.ts";

/** Share of the training samples that is put aside where nothing else is asked for. */
const DEFAULT_SHARE = 0.1;

/**
 * Puts samples aside for validation, unless the data has some of its own. A note says where there are none.
 *
 * @throws {RangeError} If a share is asked for, and the data has validation samples of its own.
 */
export function withValidation(
  { validation: own, ...opened }: OpenedData,
  { validation: asked, seed }: ResolvedOptions,
): OpenedData {
  if (asked === 0) return noting(opened, "No samples are put aside for validation");
  if (own !== undefined) {
    if (asked === undefined) return { ...opened, validation: own };
    throw new RangeError(
      `Cannot use --validation ${asked} with "${opened.name}": it has ${
        countOf(own.count, "validation sample")
      } of its own, ` +
        `needed is no --validation, or 0`,
    );
  }
  const fraction = asked ?? DEFAULT_SHARE;
  const split = splitValidation(opened.train, { fraction, seed });
  if (split.validation !== undefined) return { ...opened, ...split };
  const { groups } = opened.train;
  if (groups !== undefined && new Set(groups).size === 1) {
    return noting(
      opened,
      `All training samples are of one group, "${groups[0]}", none can be put aside for validation`,
    );
  }
  const percent = Number((100 * fraction).toPrecision(3));
  const few = countOf(opened.train.count, "training sample is", "training samples are");
  return noting(opened, `${few} too few to put ${percent} % aside for validation`);
}

function noting(opened: OpenedData, what: string): OpenedData {
  return { ...opened, notes: [...opened.notes, `${what}: each training ends with its last epoch.`] };
}
