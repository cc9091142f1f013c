/** What trying came to: a row a group, and the survivors to look at. */
import { goalOf, MOST_EQUIVALENT } from "./_goals.ts";
import { type Mutant, oneLine } from "./_mutants.ts";
import type { Trial } from "./_try.ts";

/** A group's figures. */
export interface Row {
  readonly group: string;
  readonly changes: number;
  readonly caught: number;
  readonly equivalent: number;
  /** Caught of those that make a difference. */
  readonly share: number;
  readonly goal: number;
}

/** Counts the trials of a group. */
export function countTrials(group: string, trials: readonly Trial[]): Row {
  const count = (...fates: readonly Trial["fate"][]) => trials.filter(({ fate }) => fates.includes(fate)).length;
  const [caught, equivalent] = [count("caught", "timeout"), count("equivalent")];
  const share = caught / Math.max(1, trials.length - equivalent);
  return { group, changes: trials.length, caught, equivalent, share, goal: goalOf(group) };
}

/** Returns why a group's figures are not good enough, or undefined if they are. */
export function findFault({ group, changes, equivalent, share, goal }: Row): string | undefined {
  if (changes === 0) return undefined;
  if (share < goal) return `${group}: ${percent(share)} are caught, needed are ${percent(goal)}`;
  if (equivalent <= Math.ceil(changes * MOST_EQUIVALENT)) return undefined;
  return `${group}: ${equivalent} of ${changes} are called equivalent, at most ${percent(MOST_EQUIVALENT)} may be`;
}

/** Writes rows as a table. */
export function formatRows(rows: readonly Row[]): string {
  const head = ["room", "changes", "caught", "equivalent", "share", "needed"];
  const cells = rows.map((row) => [
    row.group,
    `${row.changes}`,
    `${row.caught}`,
    `${row.equivalent}`,
    percent(row.share),
    percent(row.goal),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column].length)));
  return [head, ...cells].map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join("  ")
  ).join("\n");
}

/** Writes a mutant as a place, what stands there and what the mutant has instead. */
export function formatMutant({ file, line, place, operator, from, to }: Mutant): string {
  const replaced = to === "" ? "(dropped)" : oneLine(to);
  return `${file}:${line}  ${place}  ${operator}\n    - ${oneLine(from)}\n    + ${replaced}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
