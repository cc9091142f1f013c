/** Which mutants of a room are tried: the same for the same seed, and hardly others when some line changes. */
import { keyOf, type Mutant } from "./_mutants.ts";

/**
 * Chooses `count` of the mutants of a room, spread over its files by their number of places and over the places.
 *
 * A mutant's turn is a hash of the seed and its name: a change elsewhere in its file does not move it.
 */
export function sampleMutants(
  byFile: readonly (readonly Mutant[])[],
  { count, seed }: { count: number; seed: number },
): Mutant[] {
  const turns = byFile.map((mutants) => inTurn(mutants, seed)).filter(({ length }) => length > 0);
  const quotas = spread(turns.map(({ length }) => length), Math.min(count, sum(turns.map(({ length }) => length))));
  return turns.flatMap((mutants, file) => mutants.slice(0, quotas[file]));
}

/** Returns the mutants of a file in the order of their turns: one of each place before a second of any. */
function inTurn(mutants: readonly Mutant[], seed: number): Mutant[] {
  const drawn = mutants.map((mutant) => ({ mutant, draw: hash(`${seed} ${keyOf(mutant)}`) }))
    .sort((a, b) => a.draw - b.draw);
  const tried = new Map<string, number>();
  const rounds = drawn.map(({ mutant, draw }) => {
    const place = mutant.range.join();
    const round = tried.get(place) ?? 0;
    tried.set(place, round + 1);
    return { mutant, draw, round };
  });
  return rounds.sort((a, b) => a.round - b.round || a.draw - b.draw).map(({ mutant }) => mutant);
}

/** Shares `count` out in proportion to `sizes`, by the largest remainders; no share exceeds its size. */
function spread(sizes: readonly number[], count: number): number[] {
  const exact = sizes.map((size) => size * count / sum(sizes));
  const shares = exact.map(Math.floor);
  const byRemainder = exact.map((share, index) => ({ index, rest: share - Math.floor(share) }))
    .sort((a, b) => b.rest - a.rest || a.index - b.index);
  for (const { index } of byRemainder.slice(0, count - sum(shares))) shares[index]++;
  return shares;
}

/** FNV-1a of the text's UTF-16 units, mixed so that near texts are far apart. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
