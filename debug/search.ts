/** Finds few layers to keep in float for a wished quality. */

/** Layers kept in float, and how good the model is then. */
export interface LayersTried<T> {
  readonly layers: readonly string[];
  readonly result: T;
}

/** How a search asks and when it ends. */
export interface SearchOptions<T> {
  /** Layers by what they harm, the worst first. */
  readonly candidates: readonly string[];
  /** Tries a model with these layers in float. */
  readonly attempt: (layers: readonly string[]) => Promise<T>;
  /** Whether that is good enough. */
  readonly isEnough: (result: T) => boolean;
  /** Attempts at the most. Default: 40. */
  readonly most?: number;
}

/** What a search found. */
export interface FoundLayers<T> {
  /** All attempts, in their order. */
  readonly choices: readonly LayersTried<T>[];
  /** The smallest of those that were good enough; undefined where none was. */
  readonly best: LayersTried<T> | undefined;
}

/**
 * Keeps more and more of the worst layers in float until the model is good enough, finds the fewest of them by halving, and
 * then leaves out one after another that is not needed.
 *
 * The result is minimal (no layer of it can be left out alone) where the attempts suffice; that no other set is smaller is
 * not said. Attempts with layers that were tried are not repeated.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { searchKept } from "./search.ts";
 *
 * const { best } = await searchKept({
 *   candidates: ["a", "b", "c", "d"],
 *   attempt: (layers) => Promise.resolve(layers.includes("c")),
 *   isEnough: (isGood) => isGood,
 * });
 * assert.deepEqual(best?.layers, ["c"]);
 * ```
 */
export async function searchKept<T>(
  { candidates, attempt, isEnough, most = 40 }: SearchOptions<T>,
): Promise<FoundLayers<T>> {
  const choices: LayersTried<T>[] = [];
  const known = new Map<string, LayersTried<T>>();
  const choose = async (layers: readonly string[]): Promise<LayersTried<T> | undefined> => {
    const key = JSON.stringify(layers);
    if (known.has(key)) return known.get(key);
    if (choices.length >= most) return undefined;
    const choice = { layers, result: await attempt(layers) };
    known.set(key, choice);
    choices.push(choice);
    return choice;
  };
  const isGood = async (layers: readonly string[]) => {
    const choice = await choose(layers);
    return choice !== undefined && isEnough(choice.result);
  };
  const first = await firstEnough(candidates, isGood);
  if (first !== undefined) await thin(candidates.slice(0, first), isGood);
  const good = choices.filter(({ result }) => isEnough(result));
  const best = good.reduce<LayersTried<T> | undefined>(
    (least, one) => least === undefined || one.layers.length < least.layers.length ? one : least,
    undefined,
  );
  return { choices, best };
}

/** Returns how many of the first candidates are enough, by doubling and then halving; undefined if all are not. */
async function firstEnough(
  candidates: readonly string[],
  isGood: (layers: readonly string[]) => Promise<boolean>,
): Promise<number | undefined> {
  let [low, high] = [-1, 0];
  while (!await isGood(candidates.slice(0, high))) {
    if (high === candidates.length) return undefined;
    low = high;
    high = Math.min(candidates.length, Math.max(1, 2 * high));
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isGood(candidates.slice(0, middle))) high = middle;
    else low = middle;
  }
  return high;
}

/** Leaves out what is not needed, beginning with what harms least. */
async function thin(
  layers: readonly string[],
  isGood: (layers: readonly string[]) => Promise<boolean>,
): Promise<void> {
  let kept = layers;
  for (const layer of layers.toReversed()) {
    const fewer = kept.filter((name) => name !== layer);
    if (await isGood(fewer)) kept = fewer;
  }
}
