/** What the report says of each layer: its range, its grid, what rounding does to its weights. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { LayerReport } from "../report/schema.ts";
import { weightError } from "../export/weight_error.ts";
import { type LayerDescription, ruleOf } from "../src/layers/mod.ts";
import {
  dequantizeLinear,
  FakeQuantize,
  FreezableBatchNormalization,
  QuantizedWeights,
  quantizeLinear,
} from "../src/quant/mod.ts";
import { layersOf } from "../src/rewrite/mod.ts";
import type { PreparedModel } from "../quantize/prepare.ts";

/**
 * Describes the layers of a prepared model that compute something, in the model's order.
 *
 * Layers that run as one operator are described at the first of them; the others are "folded" into it.
 */
export function describeLayers({ model, units, quantizers, islands }: PreparedModel): LayerReport[] {
  const floats = new Set(islands.map(({ layer }) => layer));
  const quantizerOf = new Map(quantizers.map(({ of, name }) => [of, name]));
  const endOf = new Map(units.map(({ layer, end }) => [layer, end]));
  const folded = new Set(units.flatMap((unit) => layersOf(unit).filter((name) => name !== unit.layer)));
  return model.layers.filter((layer) => !(layer instanceof FakeQuantize) && layer.getClassName() !== "InputLayer").map(
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
        ...(layer instanceof QuantizedWeights ? { weightError: errorOf(layer) } : {}),
      };
    },
  );
}

/** The layer as it was before it was prepared. */
function describe(layer: tfl.layers.Layer): LayerDescription {
  const inner = layer instanceof QuantizedWeights ? layer.layer : layer;
  const className = inner instanceof FreezableBatchNormalization ? "BatchNormalization" : inner.getClassName();
  return { className, config: inner.getConfig() };
}

function gridOf(layer: unknown): Pick<LayerReport, "range" | "scale" | "zeroPoint"> {
  if (!(layer instanceof FakeQuantize) || !layer.isCalibrated()) return {};
  const { scale, zeroPoint, qmin, qmax } = layer.readGrid();
  return { range: { min: (qmin - zeroPoint) * scale, max: (qmax - zeroPoint) * scale }, scale, zeroPoint };
}

/** Rounds the kernel as the exporter does and measures what is lost. */
function errorOf(layer: QuantizedWeights): { readonly sqnrDb: number | null } {
  const { layer: inner } = layer;
  const rule = ruleOf(describe(layer));
  if (rule.kind !== "weighted") return { sqnrDb: null };
  const [{ name, depthwise = false }] = rule.weights;
  const weight = inner.weights.find(({ originalName }) => originalName.endsWith(`/${name}`))?.read();
  if (weight === undefined) return { sqnrDb: null };
  const [kh, kw, inChannels, multiplier] = weight.shape;
  const shape = depthwise ? [kh, kw, inChannels * multiplier] : weight.shape;
  const grid = layer.readGrid(name);
  const real = weight.dataSync<"float32">();
  const rounded = dequantizeLinear(quantizeLinear(real, grid, { shape }), grid, { shape });
  return weightError(real, rounded);
}

/** Number of numbers in a model's weights. */
export function parameterCount(
  model: { readonly weights: readonly { readonly shape: readonly (number | null)[] }[] },
): number {
  return model.weights.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]), 0);
}
