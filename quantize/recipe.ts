/**
 * What a user wants of a model's quantization: ordered rules, from a file, from flags, or by name.
 *
 * Of the rules that match a layer, the first that speaks of a setting decides it; what no rule speaks of is as the target
 * has it by default.
 */
import { CODE_TYPES, type CodeType } from "../src/numbers/codes.ts";
import type { Granularity, QuantScheme } from "../src/numbers/scheme.ts";
import { LAYER_KINDS, LAYER_ROWS } from "../src/layers/mod.ts";
import { type Range, symmetricZeroPoint } from "../src/numbers/qparams.ts";
import { OBSERVER_NAMES, type ObserverName, WEIGHT_OBSERVER_NAMES, type WeightObserverName } from "../src/quant/mod.ts";
import { describeFailure } from "../src/io/errors.ts";
import { readTextWithin } from "../src/io/read.ts";
import { parseJson } from "../src/text/json.ts";
import { lookUp, suggestName } from "../src/text/nearest.ts";
import { showValue } from "../src/text/plain.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { faultOfJson, type JsonSchema, objectSchema } from "./_json_schema.ts";
import type { Method } from "./target.ts";
import { TARGETS } from "./targets/mod.ts";

/** Which layers a rule is for: those that have all that is named here; without anything, all. */
export interface LayerMatch {
  /** A layer's name, before or after rewriting; it also stands for the layers that it was split into. */
  readonly name?: string;
  /** A regular expression that a layer's name contains. */
  readonly pattern?: string;
  /** A layer class of TF.js, as "Conv2D", or a word of the layer table, as "weighted". */
  readonly kind?: string;
  /** A stage (`quantize/stages.ts`), from 1 on, or from the end: -1 is the last. */
  readonly stage?: number;
}

/** What is wanted of a scheme; the rest is as the target has it by default. */
export interface SchemeChoice {
  readonly dtype?: CodeType;
  readonly qmin?: number;
  readonly qmax?: number;
  readonly symmetric?: boolean;
  readonly granularity?: Granularity["kind"];
  readonly span?: number;
}

/** What is wanted of weights. */
export interface WeightsChoice extends SchemeChoice {
  /** How scales are found: from the largest magnitude, or its share of the least squared error. Default: "min-max". */
  readonly observer?: WeightObserverName;
}

/** What a rule says of the layers that it is for. */
export interface LayerSettings {
  /** Whether they stay in float. */
  readonly float?: boolean;
  /**
   * What a layer gives that gives an answer: "codes" on a grid (default), or "reals", computed from codes and put on no grid.
   * For products alone: a dense layer, or a convolution of size 1.
   */
  readonly answers?: "codes" | "reals";
  /** "static": ranges come from calibration, and training leaves them. Default: "qat". */
  readonly method?: Method;
  readonly weights?: WeightsChoice;
  /** Of their outputs; of several layers that run as one operator, the last one's. */
  readonly activations?: SchemeChoice;
  /** How ranges of activations are observed. Default: "moving-average". */
  readonly observer?: ObserverName;
  /** Weight of a new batch in a moving average. Default: 0.01. */
  readonly momentum?: number;
  /** Share of all values that the observer "percentile" keeps, in percent. Default: 99.999. */
  readonly percentile?: number;
  /** The range of their outputs, which then is not observed; 0 always lies in it, behind a ReLU it starts there. */
  readonly range?: Range;
}

/** A rule. */
export interface RecipeRule {
  readonly match: LayerMatch;
  readonly then: LayerSettings;
  /** Whether it is an error, and no warning, that no layer matches. Default: false. */
  readonly required?: boolean;
}

/** An ordered list of rules. */
export interface Recipe {
  /** Where an editor finds the schema of the file. */
  readonly $schema?: string;
  /** What the recipe is called. */
  readonly name?: string;
  /** The target that it is for. Default: any. */
  readonly target?: string;
  readonly rules: readonly RecipeRule[];
}

/** No net halves its pictures more often. */
const MOST_STAGES = 1000;

const KINDS: readonly string[] = [...LAYER_KINDS, ...Object.keys(LAYER_ROWS)];
const METHODS: readonly Method[] = ["qat", "static"];
const ANSWERS: readonly NonNullable<LayerSettings["answers"]>[] = ["codes", "reals"];
const GRANULARITIES: readonly Granularity["kind"][] = ["per-tensor", "per-channel"];

const SCHEME = {
  dtype: { type: "string", enum: CODE_TYPES, description: "The type that codes are stored in." },
  qmin: { type: "integer", description: "The smallest code in use." },
  qmax: { type: "integer", description: "The largest code in use." },
  symmetric: { type: "boolean", description: "Whether the code of 0 is fixed to the middle." },
  granularity: { type: "string", enum: GRANULARITIES, description: "How many scales there are." },
  span: { type: "integer", minimum: 1, maximum: 2 ** 32 - 1, description: "Steps that a range is spread over." },
} as const;

const SCHEME_WORDS = { description: "A scheme; what is left out is as the target has it by default." };

/** The largest number of float32. */
const MOST = 2 ** 128 - 2 ** 104;

/** The schema of a range. */
export const RANGE_SCHEMA: JsonSchema = objectSchema({
  min: { type: "number", minimum: -MOST, maximum: MOST, description: "Its lower end." },
  max: { type: "number", minimum: -MOST, maximum: MOST, description: "Its upper end." },
}, { required: ["min", "max"], description: "A range that is not observed." });

/** The schema of a percentile. */
export const PERCENTILE_SCHEMA: JsonSchema = {
  type: "number",
  exclusiveMinimum: 0,
  maximum: 100,
  description: "Share of all values that a percentile keeps, in percent.",
};

/** The schema of how the scales of weights are found. */
export const WEIGHT_OBSERVER_SCHEMA: JsonSchema = {
  type: "string",
  enum: WEIGHT_OBSERVER_NAMES,
  description: "How scales are found.",
};

/** The JSON schema of recipe files: docs/recipe.schema.json. */
export const RECIPE_SCHEMA: JsonSchema = objectSchema({
  $schema: { type: "string" },
  name: { type: "string", description: "What the recipe is called." },
  target: { type: "string", description: "The target that it is for." },
  rules: {
    type: "array",
    description: "Of the rules that match a layer, the first that speaks of a setting decides it.",
    items: objectSchema({
      match: objectSchema({
        name: { type: "string", description: "A layer's name." },
        pattern: { type: "string", format: "regex", description: "What a layer's name contains." },
        kind: {
          type: "string",
          enum: KINDS,
          description: "A layer class, or a word of the layer table.",
        },
        stage: {
          type: "integer",
          minimum: -MOST_STAGES,
          maximum: MOST_STAGES,
          description: "A part of the net between changes of size, from 1 on; -1 is the last.",
        },
      }, { description: "Layers that have all of it; without anything, all layers." }),
      then: objectSchema({
        float: { type: "boolean", description: "Whether the layer stays in float." },
        answers: { type: "string", enum: ANSWERS, description: "What a product that is an answer gives." },
        method: { type: "string", enum: METHODS, description: "Where ranges come from: training, or calibration." },
        weights: objectSchema({ ...SCHEME, observer: WEIGHT_OBSERVER_SCHEMA }, SCHEME_WORDS),
        activations: objectSchema(SCHEME, SCHEME_WORDS),
        observer: { type: "string", enum: OBSERVER_NAMES, description: "How ranges are observed." },
        momentum: {
          type: "number",
          exclusiveMinimum: 0,
          maximum: 1,
          description: "Weight of a new batch in a moving average.",
        },
        percentile: PERCENTILE_SCHEMA,
        range: RANGE_SCHEMA,
      }),
      required: { type: "boolean", description: "Whether it is an error that no layer matches." },
    }, { required: ["match", "then"] }),
  },
}, { required: ["rules"], description: "A recipe: what is wanted of a model's quantization." });

/**
 * Checks that `value`, what a JSON file holds, is a recipe.
 *
 * @param source What the file is called.
 * @throws {TypeError} If it is not; the message names the place.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readRecipe } from "./recipe.ts";
 *
 * const rules = [{ match: { name: "fc" }, then: { float: true } }];
 * assert.deepEqual(readRecipe({ rules }, "my.json"), { rules });
 * assert.throws(() => readRecipe({ rule: rules }, "my.json"), /did you mean "rules"/);
 * ```
 */
export function readRecipe(value: unknown, source: string): Recipe {
  const refuse = (fault: string): never => {
    throw new TypeError(`Cannot read recipe "${source}": ${fault}`);
  };
  const fault = faultOfJson(value, RECIPE_SCHEMA);
  if (fault !== undefined) return refuse(fault);
  // The schema, checked just above, is that of the type.
  const recipe = value as Recipe;
  const names = TARGETS.map(({ name }) => name);
  const { target } = recipe;
  if (target === undefined || names.includes(target)) return recipe;
  return refuse(`$.target is "${target}", ${suggestName(target, names)}`);
}

/** Most bytes of a recipe's file. */
const MOST_BYTES = 2 ** 22;

/**
 * Reads a recipe from a file.
 *
 * @throws {TypeError} If the file cannot be read, is no JSON or no recipe.
 */
export function loadRecipe(path: string): Promise<Recipe> {
  return inPlainWords(async () => {
    let value: unknown;
    try {
      value = parseJson(await readTextWithin(path, { most: MOST_BYTES }));
    } catch (cause) {
      throw new TypeError(`Cannot read recipe "${path}": ${describeFailure(cause)}`, { cause });
    }
    return readRecipe(value, path);
  });
}

/**
 * Rules that keep layers in float: those called `names`, all of a kind as "kind:Add", all of a stage as "stage:2" or
 * "stage:last". Each must be there.
 *
 * @throws {RangeError} If there is no such kind, or a stage is no number.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { keepFloat } from "./recipe.ts";
 *
 * assert.deepEqual(keepFloat("fc", "kind:Add", "stage:last").map(({ match }) => match), [
 *   { name: "fc" },
 *   { kind: "Add" },
 *   { stage: -1 },
 * ]);
 * ```
 */
export function keepFloat(...names: readonly string[]): readonly RecipeRule[] {
  return names.map((name) => ({ match: matchOf(name), then: { float: true }, required: true }));
}

const STAGES: Readonly<Record<string, number>> = { first: 1, last: -1 };

function matchOf(text: string): LayerMatch {
  const [, what, value] = /^(kind|stage):(.*)$/s.exec(text) ?? [];
  const refuse = (needed: string): never => {
    throw new RangeError(`Cannot keep ${showValue(text)} in float: ${needed}`);
  };
  if (what === "kind") return KINDS.includes(value) ? { kind: value } : refuse(suggestName(value, KINDS));
  if (what === undefined) return { name: text };
  const stage = lookUp(STAGES, value) ?? (/^-?\d{1,3}$/.test(value) ? Number(value) : 0);
  if (stage === 0) return refuse('a stage is needed as "stage:first", "stage:last", "stage:2" or "stage:-2"');
  return { stage };
}

/** A rule for weights with one scale a tensor. */
export const PER_TENSOR_WEIGHTS: RecipeRule = { match: {}, then: { weights: { granularity: "per-tensor" } } };

/** A rule for weights with one scale an output channel. */
export const PER_CHANNEL_WEIGHTS: RecipeRule = { match: {}, then: { weights: { granularity: "per-channel" } } };

/** Codes of reduced weights above the one for 0: the largest pair of products, 2·255·64, is less than 2^15. */
const REDUCED = 64;

/**
 * Returns a rule for weights within 64 codes of the one for 0, seven bits of the eight: no pair of products saturates then on
 * x86 CPUs without VNNI.
 *
 * Source: `reduce_range` of ONNX Runtime's quantizer, quant_utils.py.
 *
 * @param scheme What weights are by default.
 */
export function reducedWeights(scheme: QuantScheme): RecipeRule {
  const zero = symmetricZeroPoint(scheme);
  return { match: {}, then: { weights: { qmin: zero - REDUCED, qmax: zero + REDUCED } } };
}
