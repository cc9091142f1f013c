/** Says what became of a layer of a prepared model. */
import { codedWeights, ruleOf } from "../src/layers/mod.ts";
import { type LayerNode, layersOf, sourceOf, type Unit } from "../src/rewrite/mod.ts";
import type { Island } from "./placement.ts";
import type { PlacedQuantizer, ResolvedLayer } from "./record.ts";
import type { Choice } from "./resolve.ts";

/** Where a model is quantized, and what was decided. */
export interface Placed {
  readonly units: readonly Unit[];
  readonly islands: readonly Island[];
  readonly quantizers: readonly PlacedQuantizer[];
  /** Layers that are asked to stay in float, with the place of the rule that asks it. */
  readonly float: ReadonlyMap<string, number>;
  /** Returns what was decided of the layers that run as one operator with the one called `name`. */
  choiceOf(name: string): Choice;
}

/** Says what became of a layer. */
export function describeLayer({ name, layer }: LayerNode, placed: Placed): ResolvedLayer {
  const rule = ruleOf(layer);
  const { kind } = rule;
  const common = { layer: name, className: layer.className, kind };
  const unit = placed.units.find((unit) => layersOf(unit).includes(name));
  if (unit !== undefined && unit.layer !== name) return { ...common, partOf: unit.layer, rules: [] };
  const island = placed.islands.find((island) => island.layer === name);
  const quantizer = placed.quantizers.find(({ of }) => sourceOf(of).node === (unit?.end ?? name));
  const choice = placed.choiceOf(name);
  const { weights, activations, observer, momentum, percentile, range, method, weightObserver } = choice;
  const observed = { method, observer, momentum, ...(percentile === undefined ? {} : { percentile }) };
  const known = range !== undefined || quantizer?.fixed !== undefined;
  const asked = placed.float.get(name);
  const hasWeights = weights !== undefined && codedWeights(rule).length > 0 &&
    (unit?.kind ?? "weighted") === "weighted";
  return {
    ...common,
    ...(island === undefined ? {} : { float: island.because }),
    ...(hasWeights ? { weights } : {}),
    ...(hasWeights && weightObserver !== undefined ? { weightObserver } : {}),
    ...(quantizer === undefined ? {} : { activations }),
    ...(quantizer === undefined || known ? {} : observed),
    ...(quantizer === undefined || range === undefined ? {} : { range }),
    ...(quantizer?.fixed === undefined || range !== undefined ? {} : { fixed: quantizer.fixed }),
    rules: [
      ...(asked === undefined ? [] : [asked]),
      ...(quantizer === undefined && unit === undefined && !hasWeights ? [] : choice.rules),
    ],
  };
}
