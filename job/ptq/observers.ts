/** What finds the ranges of a model that is calibrated and not trained. */
import type { RecipeRule } from "../../quantize/recipe.ts";
import type { QuantizationRecord, ResolvedLayer } from "../../quantize/record.ts";
import type { ObserverName } from "../../src/quant/mod.ts";
import type { PtqOptions } from "../ptq_options.ts";

/** What finds ranges where neither a rule nor `--observer` says. */
export const DEFAULT_OBSERVER: ObserverName = "histogram";

/** What is asked for. */
interface Asking {
  readonly options: Pick<PtqOptions, "observer">;
}

/** The observer of layers for which no rule of the recipe names one. */
export function observerOf({ options: { observer = DEFAULT_OBSERVER } }: Asking): ObserverName {
  return observer;
}

/** The layers as calibration has them: their ranges are its, and no training's. */
export function asCalibrated(
  { layers, recipe }: Pick<QuantizationRecord, "layers" | "recipe">,
  job: Asking,
): readonly ResolvedLayer[] {
  return layers.map((layer) =>
    layer.observer === undefined
      ? layer
      : { ...layer, method: "static", observer: ownObserver(layer, recipe.rules) ?? observerOf(job) }
  );
}

/** The observer that a rule names for a layer, if one does. */
function ownObserver({ rules, observer }: ResolvedLayer, all: readonly RecipeRule[]): ObserverName | undefined {
  return rules.some((place) => all[place].then.observer !== undefined) ? observer : undefined;
}

/** Names the observers of a model, the commonest first. */
export function observersIn(prepared: Pick<QuantizationRecord, "layers" | "recipe">, job: Asking): readonly string[] {
  const times = new Map<string, number>();
  for (const { observer, fixed } of asCalibrated(prepared, job)) {
    if (observer !== undefined && fixed === undefined) times.set(observer, (times.get(observer) ?? 0) + 1);
  }
  return [...times].sort(([, a], [, b]) => b - a).map(([name]) => name);
}
