/** Seeds for the parts of a run, each derived from the run's one seed and the part's name. */
import { Random } from "./random.ts";

/** Hashes a name to an integer from 0 to 2^32 - 1 (FNV-1a, 32 bits, over UTF-16 code units). */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * Derives the seed of part `name` from the run's `seed`: an integer from 0 to 2^32 - 1.
 *
 * @throws {RangeError} If `seed` is not an integer from 0 to 2^53 - 1.
 */
export function seedFor(name: string, seed: number): number {
  return new Random(seed, [hashName(name)]).uint32();
}
