/** What finds the ranges of a model that is calibrated and not trained. */
import type { RecipeRule } from "../../quantize/recipe.ts";
import type { QuantizationRecord, ResolvedLayer } from "../../quantize/record.ts";
import type { ObserverName } from "../../src/quant/mod.ts";
import { sourceOf } from "../../src/rewrite/mod.ts";
import { AUTO, type PtqOptions } from "../ptq_options.ts";

/** What `--observer auto` chooses from; the first is the default. */
export const CANDIDATES: readonly ObserverName[] = ["histogram", "moving-average"];

/** What is asked for. */
interface Asking {
  readonly options: Pick<PtqOptions, "observer">;
}

/** The observer of layers for which no rule of the recipe names one; before it is chosen, the first that is tried. */
export function observerOf({ options: { observer = AUTO } }: Asking): ObserverName {
  return observer === AUTO ? CANDIDATES[0] : observer;
}

/** Says for every quantizer of a model, by its name, what finds its range: a rule's observer, else the job's. */
export function observersByQuantizer(
  prepared: Pick<QuantizationRecord, "layers" | "recipe" | "quantizers" | "units">,
  job: Asking,
): (quantizer: string) => ObserverName {
  const found = new Map(asCalibrated(prepared, job).map(({ layer, observer }) => [layer, observer]));
  const byName = new Map(prepared.quantizers.map(({ name, of }) => {
    const { node } = sourceOf(of);
    // What runs as one operator is decided for its first layer.
    const { layer } = prepared.units.find(({ end }) => end === node) ?? { layer: node };
    return [name, found.get(layer)];
  }));
  return (quantizer) => byName.get(quantizer) ?? observerOf(job);
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

/**
 * The observer that a rule names for a layer, if one does. A moving average, which presets name, is for training: in as few
 * batches as calibration takes it hardly leaves its first.
 */
function ownObserver({ rules, observer }: ResolvedLayer, all: readonly RecipeRule[]): ObserverName | undefined {
  const isNamed = rules.some((place) => all[place].then.observer !== undefined);
  return isNamed && observer !== "moving-average" ? observer : undefined;
}

/** Names the observers of a model, the commonest first. */
export function observersIn(prepared: Pick<QuantizationRecord, "layers" | "recipe">, job: Asking): readonly string[] {
  const times = new Map<string, number>();
  for (const { observer, fixed } of asCalibrated(prepared, job)) {
    if (observer !== undefined && fixed === undefined) times.set(observer, (times.get(observer) ?? 0) + 1);
  }
  return [...times].sort(([, a], [, b]) => b - a).map(([name]) => name);
}
