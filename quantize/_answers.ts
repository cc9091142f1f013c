/**
 * Answers that are real numbers, though they are computed from codes.
 *
 * A product with no grid behind it runs on integers all the same: ONNX Runtime makes MatMulIntegerToFloat or QGemm of it,
 * whose sums are scaled and given as they are. A convolution must have a grid; one of size 1 is a product.
 */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { detectionOf } from "../models/detection.ts";
import { outputNames } from "../models/ports.ts";
import {
  activationOf,
  callsOf,
  consumersOf,
  isOutput,
  type LayerGraph,
  type LayerNode,
  nodeOf,
  ownCall,
  replaceNode,
  type Rewrite,
} from "../src/rewrite/mod.ts";
import type { Recipe, RecipeRule } from "./recipe.ts";

/**
 * Adds to `recipe`, where no rule of its own says otherwise, what is known to be good for `model`.
 *
 * A detector answers in reals: places, sizes, scores and classes in one tensor would have to share a grid. See
 * docs/design/detection_heads.md.
 */
export function withOwnRules(recipe: Recipe, model: LayersModel): Recipe {
  if (detectionOf(model) === undefined) return recipe;
  const own = outputNames(model).map((name): RecipeRule => ({ match: { name }, then: { answers: "reals" } }));
  const known = new Set(recipe.rules.map((rule) => JSON.stringify(rule)));
  return { ...recipe, rules: [...recipe.rules, ...own.filter((rule) => !known.has(JSON.stringify(rule)))] };
}

/** A graph in which products give answers as they are. */
export interface RealAnswers {
  readonly graph: LayerGraph;
  /** Names of these products. */
  readonly reals: ReadonlySet<string>;
  /** What was done, and what was declined. */
  readonly log: readonly Rewrite[];
}

const RULE = "answer_in_reals";

/** Lets those of the layers `asked` that can answer in reals; convolutions of size 1 become dense layers. */
export function answerInReals(
  given: LayerGraph,
  { asked, kept }: { readonly asked: ReadonlySet<string>; readonly kept: ReadonlyMap<string, string> },
): RealAnswers {
  let graph = given;
  const reals = new Set<string>();
  const log: Rewrite[] = [];
  for (const name of asked) {
    const node = nodeOf(graph, name);
    // A rule for all layers means the answers among them.
    if (kept.has(name) || !isOutput(graph, name)) continue;
    const because = whyNot(graph, node);
    if (because !== undefined) {
      log.push({ rule: RULE, layer: name, ok: false, because });
      continue;
    }
    reals.add(name);
    if (node.layer.className !== "Conv2D") continue;
    graph = replaceNode(graph, name, [asDense(node)]);
    log.push({
      rule: RULE,
      layer: name,
      ok: true,
      what: "a convolution of size 1 becomes a dense layer, which needs no grid behind it",
    });
  }
  return { graph, reals, log };
}

/** Says why what `node` gives needs a grid, as the rest of a sentence. */
function whyNot(graph: LayerGraph, node: LayerNode): string | undefined {
  const { className, config } = node.layer;
  if (className !== "Dense" && className !== "Conv2D") {
    return `it is a ${className}, no product that gives real numbers`;
  }
  if (activationOf(node.layer) !== undefined) return "an activation is part of it";
  if (consumersOf(graph, node.name).length > 0) return "another layer reads it";
  if (className === "Dense") return undefined;
  if (callsOf(graph, node).length > 1) return "it is called several times";
  const ones = [config.kernelSize, config.strides, config.dilationRate ?? 1].flat();
  return ones.every((size) => size === 1) && config.dataFormat !== "channelsFirst"
    ? undefined
    : "it is a convolution that is more than a product of each pixel";
}

/** The dense layer that computes what a convolution of size 1 does. */
function asDense({ name, inbound, layer: { config, weights } }: LayerNode): LayerNode {
  const { filters, useBias, trainable = true } = config;
  return ownCall({
    name,
    className: "Dense",
    config: { units: filters, useBias, trainable, activation: "linear" },
    inbound,
    weights: weights.map((weight) => ({ ...weight, shape: weight.shape.slice(-2) })),
  });
}
