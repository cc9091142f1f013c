/** Recipes by name: one for every target, that spells out what is its default, and others. */
import type { QuantScheme } from "../../src/numbers/scheme.ts";
import { suggestName } from "../../src/text/nearest.ts";
import type { Recipe, SchemeChoice } from "../recipe.ts";
import type { Target } from "../target.ts";
import { TARGETS } from "../targets/mod.ts";
import { fourBitWeights } from "./four_bit_weights.ts";

/** All presets. */
export const PRESETS: readonly Recipe[] = [...TARGETS.map(defaultsOf), fourBitWeights];

/**
 * Returns the preset called `name`.
 *
 * @throws {RangeError} If there is none.
 */
export function presetOf(name: string): Recipe {
  const found = PRESETS.find((recipe) => recipe.name === name);
  if (found !== undefined) return found;
  const names = PRESETS.flatMap((recipe) => recipe.name ?? []);
  throw new RangeError(`Cannot use recipe "${name}": it is no JSON file, and of presets ${suggestName(name, names)}`);
}

function defaultsOf({ name, weights: [weights], activations: [activations] }: Target): Recipe {
  const then = {
    method: "qat",
    weights: choiceOf(weights),
    activations: choiceOf(activations),
    observer: "moving-average",
    momentum: 0.01,
  } as const;
  return { name, target: name, rules: [{ match: {}, then }] };
}

function choiceOf({ granularity, ...codes }: QuantScheme): SchemeChoice {
  return { ...codes, granularity: granularity.kind };
}
