/** Recipe files, and what a model makes of them. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { loadRecipe, type Recipe } from "../../../quantize/recipe.ts";
import { prepareQat } from "../../../quantize/prepare.ts";
import { PRESETS } from "../../../quantize/presets/mod.ts";
import { check, type Prepare } from "../_case.ts";
import { hostileValue, mutateBytes, mutateJson } from "../_mutate.ts";
import { startTf } from "./_start.ts";

const SOUND: Recipe = {
  name: "mine",
  rules: [
    { match: { kind: "weighted" }, then: { weights: { dtype: "int8", granularity: "per-tensor", observer: "mse" } } },
    { match: { pattern: "conv.*" }, then: { activations: { dtype: "uint8", qmin: 0, qmax: 255 }, momentum: 0.1 } },
    { match: { name: "conv" }, then: { float: false, method: "static", observer: "percentile" }, required: true },
    { match: { kind: "ReLU" }, then: { percentile: 99.9, range: { min: -1, max: 6 } } },
  ],
};

/** A recipe that is damaged by its bytes or its structure, or anything else that is JSON. */
export const prepare: Prepare = async (dir) => {
  await startTf();
  const layers = [
    tfl.layers.conv2d({ filters: 2, kernelSize: 1, inputShape: [2, 2, 1], name: "conv" }),
    tfl.layers.reLU({ name: "relu" }),
  ];
  const model = tfl.sequential({ layers });
  return async (random) => {
    const recipe: unknown = structuredClone(random.pick([SOUND, ...PRESETS]));
    const path = `${dir}/recipe.json`;
    const kind = random.below(10);
    let what = "";
    if (kind === 0) {
      const made = mutateBytes(random, new TextEncoder().encode(JSON.stringify(recipe)));
      what = made.what;
      await Deno.writeFile(path, made.bytes);
    } else {
      what = kind === 1 ? "anything" : mutateJson(random, recipe);
      await Deno.writeTextFile(path, JSON.stringify(kind === 1 ? hostileValue(random) : recipe));
    }
    return { what, read: async () => prepareBy(await loadRecipe(path), model) };
  };
};

function prepareBy(recipe: Recipe, model: tfl.LayersModel): void {
  check(Array.isArray(recipe.rules), "a recipe without rules");
  const { model: prepared, layers } = prepareQat(model, { recipe, target: recipe.target ?? "simulation" });
  check(layers.length >= 2, `${layers.length} layers`);
  tf.tidy(() => check(prepared.outputs.length === 1, "another number of outputs"));
  prepared.dispose();
}
