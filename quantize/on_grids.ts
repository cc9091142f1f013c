/** Prepares a float model with the grids that another tool has found for it. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { FileGrid, ImportedGrids } from "../models/import/imported.ts";
import { codedWeights, ruleOf } from "../src/layers/mod.ts";
import { channelLayout } from "../src/numbers/channels.ts";
import { roundHalfEven } from "../src/numbers/round.ts";
import { type QuantizedLayer, quantizedLayer } from "../src/quant/mod.ts";
import { fromModel } from "../src/rewrite/mod.ts";
import { type PreparedModel, prepareQat } from "./prepare.ts";
import type { Recipe, RecipeRule } from "./recipe.ts";
import { TARGETS } from "./targets/mod.ts";

/** A prepared model with grids of a file. */
export interface OnGrids extends PreparedModel {
  /** Quantizers and weights that have the file's grids. */
  readonly taken: number;
  /** Quantizers that no grid of the file is for: calibration or training finds theirs. */
  readonly open: readonly string[];
}

/**
 * Prepares `model` as the file that it was made of is quantized: values that have a grid there have it here, layers whose
 * weights have none stay in float. For the first target that holds it all; nothing is swapped.
 *
 * @throws {RangeError} If no target holds it.
 */
export function prepareOnGrids(model: LayersModel, grids: ImportedGrids): OnGrids {
  const prepared = prepareForAny(model, recipeOf(model, grids));
  const open: string[] = [];
  let taken = 0;
  for (const { name, of, fixed } of prepared.quantizers) {
    if (fixed !== undefined) continue;
    const grid = grids.values.get(of);
    const layer = quantizedLayer(prepared.model.getLayer(name));
    if (grid === undefined || layer === undefined || grid.scale.length > 1) open.push(name);
    else {
      setRange(layer.state, grid);
      taken++;
    }
  }
  for (const [name, grid] of grids.weights) {
    const layer = prepared.model.layers.find((layer) => layer.name === name);
    const quantized = layer && quantizedLayer(layer);
    if (quantized?.role === "weights" && canHold(quantized, grid) && setGrid(quantized.state, grid)) taken++;
  }
  return { ...prepared, taken, open };
}

/** What the file wants of each layer. */
function recipeOf(model: LayersModel, { values, weights }: ImportedGrids): Recipe {
  const [dtype = "uint8"] = [...values.values()].map(({ dtype }) => dtype);
  const rules = fromModel(model).nodes.flatMap(({ name, layer }): RecipeRule[] => {
    if (codedWeights(ruleOf(layer)).length === 0) return [];
    const grid = weights.get(layer.name);
    if (grid === undefined) return [{ match: { name }, then: { float: true } }];
    const granularity = grid.scale.length > 1 ? "per-channel" : "per-tensor";
    const kind = isSymmetric(grid) ? {} : { dtype: grid.dtype, symmetric: false };
    return [{ match: { name }, then: { weights: { granularity, ...kind } } }];
  });
  return { name: "as the file", rules: [...rules, { match: {}, then: { activations: { dtype, symmetric: false } } }] };
}

function prepareForAny(model: LayersModel, recipe: Recipe): PreparedModel {
  let first: unknown;
  for (const { name: target } of TARGETS) {
    try {
      return prepareQat(model, { target, recipe, swap: [] });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      first ??= error;
    }
  }
  throw first;
}

type State = NonNullable<ReturnType<typeof quantizedLayer>>["state"];

/** Sets the grid of a FakeQuantize layer, and the range that it stands for. */
function setRange(state: State, { scale: [scale], zeroPoint: [zeroPoint], qmin, qmax }: FileGrid): void {
  const numbers = {
    min: (qmin - zeroPoint) * scale,
    max: (qmax - zeroPoint) * scale,
    count: 1,
    scale,
    zero_point: zeroPoint,
  };
  for (const [name, value] of Object.entries(numbers)) write(state[name], [value]);
}

/** Sets the grid of a layer's weights, if it is of the kind that the layer's is. */
function setGrid(state: State, grid: FileGrid): boolean {
  const variables = (part: string) =>
    Object.entries(state).filter(([name]) => name.endsWith(part)).map(([, variable]) => variable);
  const [scales, zeros] = [variables("_scale"), variables("_zero_point")];
  const isFit = scales.length === 1 && scales[0].read().size === grid.scale.length &&
    (zeros.length === 1 || isSymmetric(grid));
  if (!isFit) return false;
  write(scales[0], grid.scale);
  if (zeros.length === 1) write(zeros[0], grid.zeroPoint);
  return true;
}

/**
 * Whether an affine grid of a file has codes for the weights of a layer: where preparing turned the sign of channels for a
 * batch normalization that the file left on its own, it may have none.
 */
function canHold(layer: QuantizedLayer, grid: FileGrid): boolean {
  if (isSymmetric(grid)) return true;
  return layer.readGrids().every(({ grid: { granularity }, weight }) => {
    if (weight === undefined) return true;
    const { params, channelOf } = channelLayout(weight.shape, { ...grid, granularity });
    return weight.read().every((value, i) => {
      const { scale, zeroPoint } = params[channelOf(i)];
      const code = roundHalfEven(value / scale) + zeroPoint;
      return code >= grid.qmin && code <= grid.qmax;
    });
  });
}

/** Whether the middle code stands for 0 on all slices. */
function isSymmetric({ dtype, zeroPoint }: FileGrid): boolean {
  const middle = dtype.startsWith("u") ? 128 : 0;
  return zeroPoint.every((zero) => zero === middle);
}

function write(variable: State[string], values: readonly number[]): void {
  const tensor = tf.tensor([...values], variable.read().shape);
  variable.write(tensor);
  tensor.dispose();
}
