/** Suggests the name that was probably meant. */

/**
 * Returns the one of `names` that takes the fewest single-character edits to become `wrong`.
 *
 * @returns undefined if even that one differs in more than half of its characters.
 */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  const asked = wrong.toLowerCase();
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of names) {
    const edits = countEdits(asked, name.toLowerCase());
    if (edits <= name.length / 2 && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  return best?.name;
}

/** Says which names there are and which was probably meant: `needed is one of a, b (did you mean "a"?)`. */
export function suggestName(wrong: string, names: readonly string[]): string {
  const meant = nearestName(wrong, names);
  return `needed is one of ${names.join(", ")}${meant === undefined ? "" : ` (did you mean "${meant}"?)`}`;
}

/** Counts insertions, deletions and replacements from `a` to `b` (Levenshtein distance), one row at a time. */
function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
