/** What the report says of target and recipe, and of what they came to. */
import type { PreparedModel } from "../quantize/prepare.ts";
import type { RecipeRule } from "../quantize/recipe.ts";
import type { ResolvedLayer } from "../quantize/record.ts";
import { describeScheme } from "../quantize/target.ts";
import { targetOf } from "../quantize/targets/mod.ts";
import type { Interval } from "../src/numbers/scheme.ts";
import type { Report, ResolvedReport } from "../report/schema.ts";

const NO_FILE = "There is no file: the figures show what quantization would cost, as TF.js computes it.";

/** What stands in the place of an observer where the range is known beforehand. */
const KNOWN: Readonly<Record<Interval, string>> = { "unit": "none: 0 to 1", "signed-unit": "none: -1 to 1" };

/** Describes target and recipe of a prepared model. */
export function describeQuantization(prepared: PreparedModel): Required<Pick<Report, "target" | "recipe">> {
  const { target, recipe, layers, unmatched } = prepared;
  const rules = recipe.rules.map(describeRule);
  return {
    target: { name: target, shows: targetOf(target).file?.shows ?? NO_FILE },
    recipe: {
      ...(recipe.name === undefined ? {} : { name: recipe.name }),
      rules,
      ...(unmatched.length === 0 ? {} : { unmatched: unmatched.map(describeRule) }),
      // The others run as a part of one of these.
      resolved: layers.filter(({ partOf }) => partOf === undefined).map((layer) => describeLayer(layer, rules)),
    },
  };
}

function describeRule({ match: { name, pattern, kind, stage }, then }: RecipeRule): string {
  const layers = [
    ...(name === undefined ? [] : [`"${name}"`]),
    ...(pattern === undefined ? [] : [`/${pattern}/`]),
    ...(kind === undefined ? [] : [kind]),
    ...(stage === undefined ? [] : [`stage ${stage}`]),
  ];
  const settings = Object.entries(then).map(([setting, value]) => value === false ? `no ${setting}` : setting);
  return `${layers.length === 0 ? "all layers" : layers.join(" and ")}: ${settings.join(", ")}`;
}

function describeLayer(resolved: ResolvedLayer, rules: readonly string[]): ResolvedReport {
  const { layer, weights, weightObserver, activations, method, observer, float, fixed, range } = resolved;
  const how = weightObserver === undefined ? "" : `, by ${weightObserver}`;
  const decided = resolved.rules.map((place) => rules[place]);
  return {
    layer,
    ...(decided.length === 0 ? {} : { rules: decided }),
    ...(method === undefined ? {} : { method }),
    ...(weights === undefined ? {} : { weights: `${describeScheme(weights)}${how}` }),
    ...(activations === undefined ? {} : { activations: describeScheme(activations) }),
    ...(observer === undefined ? {} : { observer }),
    ...(fixed === undefined ? {} : { observer: KNOWN[fixed] }),
    ...(range === undefined ? {} : { observer: `none: ${range.min} to ${range.max}` }),
    ...(float === undefined ? {} : { float }),
  };
}
