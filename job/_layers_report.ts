/** What the report says of each layer: its range, its grid, what rounding does to its weights. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { LayerReport } from "../report/schema.ts";
import { type LayerDescription, ruleOf } from "../src/layers/mod.ts";
import { noiseOf, sqnrDb } from "../src/numbers/noise.ts";
import {
  dequantizeLinear,
  type NamedGrid,
  outputGridOf,
  quantizedLayer,
  quantizeLinear,
  rangeOfGrid,
} from "../src/quant/mod.ts";
import { layersOf } from "../src/rewrite/mod.ts";
import type { PreparedModel } from "../quantize/prepare.ts";

/** What is known of a prepared model. */
type Described = Pick<PreparedModel, "model" | "units" | "quantizers" | "islands">;

/**
 * Describes the layers of a prepared model that compute something, in the model's order.
 *
 * Layers that run as one operator are described at the first of them; the others are "folded" into it.
 */
export function describeLayers({ model, units, quantizers, islands }: Described): LayerReport[] {
  const floats = new Set(islands.map(({ layer }) => layer));
  const quantizerOf = new Map(quantizers.map(({ of, name }) => [of, name]));
  const endOf = new Map(units.map(({ layer, end }) => [layer, end]));
  const folded = new Set(units.flatMap((unit) => layersOf(unit).filter((name) => name !== unit.layer)));
  return model.layers.filter((layer) => !isQuantizer(layer) && layer.getClassName() !== "InputLayer").map(
    (layer) => {
      const { name } = layer;
      const description = describe(layer);
      const { className } = description;
      if (folded.has(name)) return { name, kind: "folded", className };
      const quantizer = quantizerOf.get(endOf.get(name) ?? name);
      return {
        name,
        kind: floats.has(name) ? "float" : ruleOf(description).kind,
        className,
        ...(quantizer === undefined ? {} : gridOf(model.getLayer(quantizer))),
        ...weightErrorOf(layer),
      };
    },
  );
}

function isQuantizer(layer: tfl.layers.Layer): boolean {
  return quantizedLayer(layer)?.role === "activations";
}

/** The layer as it was before it was prepared. */
function describe(layer: tfl.layers.Layer): LayerDescription {
  return quantizedLayer(layer)?.original ?? { className: layer.getClassName(), config: layer.getConfig() };
}

function gridOf(layer: tfl.layers.Layer): Pick<LayerReport, "range" | "scale" | "zeroPoint"> {
  const grid = outputGridOf(layer);
  if (grid === undefined) return {};
  return { range: rangeOfGrid(grid), scale: grid.scale, zeroPoint: grid.zeroPoint };
}

/** What rounding does to the first weight that stands on a grid, if one does. */
function weightErrorOf(layer: tfl.layers.Layer): Pick<LayerReport, "weightError"> {
  const quantized = quantizedLayer(layer);
  const [first] = quantized?.isCalibrated() ? quantized.readGrids() : [];
  return first?.weight === undefined ? {} : { weightError: errorOf(first.grid, first.weight) };
}

/** Rounds a weight as the exporter does and measures what is lost. */
function errorOf(grid: NamedGrid["grid"], { shape, read }: NonNullable<NamedGrid["weight"]>) {
  const real = read();
  const rounded = dequantizeLinear(quantizeLinear(real, grid, { shape }), grid, { shape });
  return { sqnrDb: sqnrDb(noiseOf(real, rounded)) };
}

/** Number of numbers in a model's weights. */
export function parameterCount(
  model: { readonly weights: readonly { readonly shape: readonly (number | null)[] }[] },
): number {
  return model.weights.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]), 0);
}
