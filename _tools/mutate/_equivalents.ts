/** Changes that make no difference, each with the reason: the list, and what is wrong with it. */
import list from "./equivalents.json" with { type: "json" };
import { type Mutant, oneLine } from "./_mutants.ts";

/** A change that no test could notice. */
export interface Equivalent {
  readonly file: string;
  /** The function, class or variable that it is in. */
  readonly place: string;
  readonly from: string;
  readonly to: string;
  readonly because: string;
}

/** The list in the repository. */
export const EQUIVALENTS: readonly Equivalent[] = list;

/** Returns whether a list calls a mutant equivalent. */
export function isEquivalent(mutant: Mutant, equivalents: readonly Equivalent[]): boolean {
  return equivalents.some((entry) => fits(entry, mutant));
}

/** Returns the entries that fit none of `mutants`: the code has changed, and the reason with it. */
export function findStale(equivalents: readonly Equivalent[], mutants: readonly Mutant[]): Equivalent[] {
  return equivalents.filter((entry) => !mutants.some((mutant) => fits(entry, mutant)));
}

function fits(entry: Equivalent, { file, place, from, to }: Mutant): boolean {
  return entry.file === file && entry.place === place && entry.from === oneLine(from) && entry.to === oneLine(to);
}
