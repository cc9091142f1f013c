/** The ladder: ways to quantize, from the cheapest on, each of which may stand on what came of those before. */
import { countOf } from "../../src/text/plain.ts";
import type { PtqOptions } from "../ptq_options.ts";
import type { QatOptions } from "../options.ts";
import type { StepName } from "../../quantize/methods/mod.ts";
import { optionOf } from "../_flags.ts";

/** A way to quantize a model. */
export type Rung =
  | { readonly kind: "ptq"; readonly name: string; readonly what: string; readonly options: Partial<PtqOptions> }
  | {
    /** The best so far, with layers in float that a search finds. */
    readonly kind: "keep";
    readonly name: string;
    readonly what: string;
    readonly from: string;
    readonly options: Partial<PtqOptions>;
  }
  | {
    readonly kind: "qat";
    readonly name: string;
    readonly what: string;
    /** The rung that training goes on from. */
    readonly from: string;
    readonly options: Partial<QatOptions>;
  };

/** What a ladder is told of a rung that was tried: how good it is, more is better; undefined if it could not be. */
export type Climbed = number | undefined;

/** Observers that a static rung is made of, the cheapest first. */
const OBSERVERS = ["min-max", "moving-average", "percentile", "histogram", "mse"] as const;

/** Corrections, each tried on top of those that helped. AdaRound takes longest and comes last. */
const CORRECTIONS: readonly StepName[] = [
  "equalize",
  "absorb-bias",
  "smooth",
  "reestimate-bn",
  "correct-bias",
  "adaround",
];

/** Epochs of the rungs that train. */
const EPOCHS = [1, 4, 8] as const;

/** Peak learning rate of training from a calibrated state: a tenth of that from nothing. */
const RATE = 5e-5;

/** All corrections off: a rung says which it is made of. */
const NONE: Partial<PtqOptions> = Object.fromEntries(CORRECTIONS.map((name) => [optionOf(name), false]));

/**
 * Goes up the ladder: hands out rungs, and takes how good each of them is.
 *
 * Weights alone, ranges at run time, ranges found by each observer, each correction on top of the best, layers kept in
 * float, training from the best calibrated state.
 */
export function* ladder(): Generator<Rung, void, Climbed> {
  yield { kind: "ptq", name: "weights", what: "int8 weights, the rest in float", options: { method: "weights" } };
  yield { kind: "ptq", name: "dynamic", what: "ranges found at run time", options: { method: "dynamic" } };
  let best: { readonly name: string; readonly options: Partial<PtqOptions>; readonly score: number } | undefined;
  const better = (score: Climbed) => score !== undefined && (best === undefined || score > best.score);
  for (const observer of OBSERVERS) {
    const options: Partial<PtqOptions> = { method: "static", observer, ...NONE };
    const name = `static-${observer}`;
    const score = yield { kind: "ptq", name, what: `ranges by ${observer}`, options };
    if (better(score)) best = { name, options, score: score! };
  }
  if (best === undefined) return;
  for (const correction of CORRECTIONS) {
    const options: Partial<PtqOptions> = { ...best.options, [optionOf(correction)]: true };
    const name: string = `${best.name}+${correction}`;
    const score: Climbed = yield { kind: "ptq", name, what: `${correction} on top of ${best.name}`, options };
    if (better(score)) best = { name, options, score: score! };
  }
  const { name: from, options } = best;
  yield { kind: "keep", name: `${from}+keep-float`, what: `layers of ${from} in float`, from, options };
  for (const epochs of EPOCHS) {
    const what = `${countOf(epochs, "epoch")} of training from ${from}`;
    yield { kind: "qat", name: `qat-${epochs}`, what, from, options: { epochs, lr: RATE, ...frozenFor(epochs) } };
  }
}

/** Ranges are found and statistics are trained already: they move in the first half at most. */
function frozenFor(epochs: number): Partial<QatOptions> {
  return { freezeObserversAfter: epochs / 2, freezeBnAfter: 0 };
}
