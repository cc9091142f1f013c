/** The recipe and the target of a job: of a file or a preset, with what flags say before it. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type PreparedModel, prepareQat } from "../quantize/prepare.ts";
import { presetOf } from "../quantize/presets/mod.ts";
import {
  keepFloat,
  loadRecipe,
  PER_CHANNEL_WEIGHTS,
  PER_TENSOR_WEIGHTS,
  type Recipe,
  type RecipeRule,
  reducedWeights,
} from "../quantize/recipe.ts";
import type { Target } from "../quantize/target.ts";
import { whyUnmatched } from "../quantize/resolve.ts";
import { targetOf } from "../quantize/targets/mod.ts";
import type { ResolvedShared } from "./shared_options.ts";

/** How a job quantizes. */
export interface Quantization {
  readonly target: Target;
  readonly recipe: Recipe;
}

/** The target of a job that names none. */
const DEFAULT_TARGET = "x86";

/**
 * Reads what the options say of quantization.
 *
 * @throws {TypeError} If the recipe's file is damaged.
 * @throws {RangeError} If target or preset are unknown, or the recipe is for another target.
 */
export async function readQuantization(options: ResolvedShared): Promise<Quantization> {
  const given = options.recipe === undefined ? { rules: [] } : await readRecipeOf(options.recipe);
  if (options.target !== undefined && given.target !== undefined && given.target !== options.target) {
    throw new RangeError(
      `Cannot use --target ${options.target} with --recipe ${options.recipe}: the recipe is for "${given.target}"`,
    );
  }
  const target = targetOf(options.target ?? given.target ?? DEFAULT_TARGET);
  checkFormat(target, options);
  const rules = [...rulesOf(options, target), ...given.rules];
  return { target, recipe: { ...given, rules: options.strict ? rules.map(require) : rules } };
}

/** @throws {RangeError} If the target's files are never written as asked. */
function checkFormat({ name, file }: Target, { format }: ResolvedShared): void {
  const forms = file?.forms ?? ["qdq"];
  if (forms.includes(format)) return;
  const own = file === undefined ? "it is simulated only and has no file" : `its files are ${forms.join(" or ")}`;
  throw new RangeError(`Cannot use --format ${format} for target "${name}": ${own}`);
}

/** Warns of rules that no layer matches. */
export function logUnmatched({ unmatched, layers }: PreparedModel, log: (line: string) => void): void {
  const known = layers.map(({ layer: name, className, kind }) => ({ name, className, kind }));
  for (const rule of unmatched) log(`Warning: a rule of the recipe is for no layer: ${whyUnmatched(rule, known)}.`);
}

/** Prepares `model` as the job wants it; activations were swapped before. */
export function prepareFor(model: LayersModel, { target, recipe }: Quantization): PreparedModel {
  return prepareQat(model, { target: target.name, recipe, swap: [] });
}

/** Whether anything was asked for that is decided when a model is prepared; the flag that asks it. */
export function flagOfRules(
  { keepFloat, perChannel, reduceRange, recipe, target }: ResolvedShared,
): string | undefined {
  if (keepFloat.length > 0) return "--keep-float";
  if (perChannel !== undefined) return perChannel ? "--per-channel" : "--per-tensor";
  if (reduceRange) return "--reduce-range";
  if (recipe !== undefined) return "--recipe";
  return target === undefined ? undefined : "--target";
}

function readRecipeOf(name: string): Promise<Recipe> {
  return /\.json$|[/\\]/.test(name) ? loadRecipe(name) : Promise.resolve().then(() => presetOf(name));
}

function rulesOf(
  { keepFloat: names, perChannel, reduceRange }: ResolvedShared,
  { weights: [scheme] }: Target,
): readonly RecipeRule[] {
  const weights = [
    ...(perChannel === undefined ? [] : [perChannel ? PER_CHANNEL_WEIGHTS : PER_TENSOR_WEIGHTS]),
    ...(reduceRange ? [reducedWeights(scheme)] : []),
  ];
  return [...keepFloat(...names), ...weights];
}

function require(rule: RecipeRule): RecipeRule {
  return { ...rule, required: true };
}
