/** What the report says of each layer: its range, its grid, what rounding does to its weights. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayerReport } from "../export/report/report.ts";
import { weightError } from "../export/weight_error.ts";
import { ruleOf } from "../src/layers/mod.ts";
import { dequantizeLinear, FakeQuantize, QuantizedWeights, quantizeLinear } from "../src/quant/mod.ts";
import type { PreparedModel } from "../train/prepare.ts";

/** Describes the layers of a prepared model that compute something, in the model's order. */
export function describeLayers({ model, units, quantizers, islands }: PreparedModel): LayerReport[] {
  const floats = new Set(islands.map(({ layer }) => layer));
  const quantizerOf = new Map(quantizers.map(({ of, name }) => [of, name]));
  const endOf = new Map(units.map(({ layer, end }) => [layer, end]));
  return model.layers.filter((layer) => !(layer instanceof FakeQuantize) && layer.getClassName() !== "InputLayer").map(
    (layer) => {
      const inner = layer instanceof QuantizedWeights ? layer.layer : layer;
      const className = inner.getClassName();
      const quantizer = quantizerOf.get(endOf.get(layer.name) ?? layer.name);
      const kind = floats.has(layer.name) ? "float" : ruleOf({ className, config: inner.getConfig() }).kind;
      return {
        name: layer.name,
        kind,
        className,
        ...(quantizer === undefined ? {} : gridOf(model.getLayer(quantizer))),
        ...(layer instanceof QuantizedWeights ? { weightError: errorOf(layer) } : {}),
      };
    },
  );
}

function gridOf(layer: unknown): Pick<LayerReport, "range" | "scale" | "zeroPoint"> {
  if (!(layer instanceof FakeQuantize) || !layer.isCalibrated()) return {};
  const { scale, zeroPoint, qmin, qmax } = layer.readGrid();
  return { range: { min: (qmin - zeroPoint) * scale, max: (qmax - zeroPoint) * scale }, scale, zeroPoint };
}

/** Rounds the kernel as the exporter does and measures what is lost. */
function errorOf(layer: QuantizedWeights): { readonly sqnrDb: number | null } {
  const { layer: inner } = layer;
  const rule = ruleOf({ className: inner.getClassName(), config: inner.getConfig() });
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
