/** Makes up for what `getConfig` of TF.js 4.22 writes wrong, so that a saved model is the model when it is loaded. */
import type * as tf from "@tensorflow/tfjs-core";
import { isObject, type JsonObject } from "./_model_json.ts";

/**
 * Repairs the configurations in a topology that TF.js wrote, nested ones included.
 *
 * @param weights What the model's weights are: they tell what a configuration forgets.
 */
export function repairConfigs(topology: JsonObject, weights: readonly tf.io.WeightsManifestEntry[]): JsonObject {
  const shapes = new Map(weights.map(({ name, shape }) => [name, shape]));
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (!isObject(value)) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, visit(part)]));
    return isObject(copy.config)
      ? { ...copy, config: { ...copy.config, ...repairs(copy, copy.config, shapes) } }
      : copy;
  };
  return visit(topology) as JsonObject;
}

function repairs(
  layer: JsonObject,
  config: JsonObject,
  shapes: ReadonlyMap<string, readonly number[]>,
): JsonObject {
  switch (layer.class_name) {
    // The regularizer stands where the constraint belongs, and would be applied to weights as one.
    case "DepthwiseConv2D":
      return { depthwise_constraint: null };
    // It is forgotten; the kernel [kh, kw, in, multiplier] still tells.
    case "SeparableConv2D": {
      const shape = shapes.get(`${config.name}/depthwise_kernel`);
      return shape === undefined ? {} : { depth_multiplier: shape[3] };
    }
    default:
      return {};
  }
}
