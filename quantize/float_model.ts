/** From a prepared model back to one that TF.js reads by itself. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { isOwnClass } from "../src/custom.ts";
import { isQuantizedClass } from "../src/quant/mod.ts";
import { fromModel, toModel } from "../src/rewrite/mod.ts";
import { floatGraph } from "./_float_graph.ts";

/** A float model, and what of it is not TF.js's. */
export interface FloatModel {
  /** Owns its weights, and is not compiled. */
  readonly model: LayersModel;
  /** Layers of classes that `registerLayers` registers, which TF.js must know to load the model. Most models have none. */
  readonly ownLayers: readonly OwnLayer[];
}

/** A layer of a class of this project. */
export interface OwnLayer {
  readonly layer: string;
  readonly className: string;
}

/**
 * Returns the float model that a prepared one stands for: the same layers under their names, without quantizers, with the
 * weights and moving statistics as training left them, before they are rounded to codes and with batch normalization
 * not folded. It answers as the prepared model does with quantization switched off.
 *
 * @throws {TypeError} If the model cannot be read (see `fromModel`).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { floatModelOf } from "./float_model.ts";
 * import { prepareQat } from "./prepare.ts";
 *
 * const dense = tfl.layers.dense({ units: 2, inputShape: [3], name: "dense" });
 * const { model } = floatModelOf(prepareQat(tfl.sequential({ layers: [dense] })).model);
 * assert.deepEqual(model.layers.map((layer) => layer.getClassName()), ["InputLayer", "Dense"]);
 * ```
 */
export function floatModelOf(prepared: LayersModel): FloatModel {
  const graph = floatGraph(fromModel(prepared), prepared);
  const model = toModel(graph);
  const ownLayers = graph.nodes.flatMap(({ name, layer }): readonly OwnLayer[] => {
    const className = ownClassIn(layer);
    return className === undefined ? [] : [{ layer: name, className }];
  });
  return { model, ownLayers };
}

/** The class of this project that a layer is of, or a layer or cell within it. */
function ownClassIn(described: unknown): string | undefined {
  const { className, config } = Object(described);
  if (typeof className !== "string") return undefined;
  if (isOwnClass(className) || isQuantizedClass(className)) return className;
  return Object.values(Object(config)).map(ownClassIn).find((found) => found !== undefined);
}
