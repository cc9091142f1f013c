/** A model as a list of its layers' calls, for people. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { quantizedLayer } from "../src/quant/mod.ts";
import { type ModelCall, modelCalls, sourceOf } from "../src/rewrite/mod.ts";

/** What a model is made of. */
export interface ModelSummary {
  readonly name: string;
  /** In topological order, nested models flattened; a quantizer stands with what it rounds. */
  readonly layers: readonly LayerSummary[];
  /** Numbers in weights; what quantizers and observers keep is not counted. */
  readonly parameters: number;
  /** Those of them that training changes. */
  readonly trainable: number;
}

/** One call of a layer. */
export interface LayerSummary {
  readonly name: string;
  /** The layer's class; of a layer that was prepared for quantization, that of the layer it stands for. */
  readonly className: string;
  /** Shapes of what it gives, without the batch; null is open. */
  readonly shapes: readonly (readonly (number | null)[])[];
  /** Numbers in its weights; 0 for a further call of a layer, which has no more. */
  readonly parameters: number;
  /** Names of the calls that it reads. */
  readonly reads: readonly string[];
  /** The codes that its weights are rounded to, where they are. */
  readonly weights?: Codes;
  /** The codes that its output is rounded to, where it is. */
  readonly output?: Codes;
}

/** The integers of a grid. */
export interface Codes {
  /** Such as "uint8"; absent where the layer has no scheme that says it. */
  readonly dtype?: string;
  readonly qmin: number;
  readonly qmax: number;
}

/**
 * Lists what `model` is made of.
 *
 * @throws {TypeError} If it has no layers yet.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { summarize } from "./summary.ts";
 *
 * const { layers, parameters } = summarize(tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] }));
 * assert.equal(parameters, 3 * 2 + 2);
 * assert.deepEqual(layers.map(({ className }) => className), ["InputLayer", "Dense"]);
 * ```
 */
export function summarize(model: tfl.LayersModel): ModelSummary {
  const calls = modelCalls(model);
  const quantizers = new Map(calls.filter(isQuantizer).map((call) => [call.name, call]));
  const met = new Set<unknown>();
  const layers = calls.filter((call) => !isQuantizer(call)).map((call) => {
    const isFirst = !met.has(call.layer);
    met.add(call.layer);
    return describe(call, { quantizers, isFirst });
  });
  // A layer that was made frozen does not tell its weights so; the model knows.
  const trained = new Set(model.trainableWeights);
  const own = [...new Set(calls.map(({ layer }) => layer))].flatMap(ownWeights);
  return {
    name: model.name,
    layers,
    parameters: sizeOf(own),
    trainable: sizeOf(own.filter((weight) => trained.has(weight))),
  };
}

interface Known {
  /** By the name of their call. */
  readonly quantizers: ReadonlyMap<string, ModelCall>;
  readonly isFirst: boolean;
}

function describe(call: ModelCall, { quantizers, isFirst }: Known): LayerSummary {
  const { name, layer, shapes } = call;
  const quantized = quantizedLayer(layer);
  const quantizer = [...quantizers.values()].find(({ inbound }) => inbound[0] === name);
  const weights = quantized?.role === "weights" ? codesOf(layer) : undefined;
  const output = quantizer && codesOf(quantizer.layer);
  return {
    name,
    className: quantized?.original?.className ?? layer.getClassName(),
    shapes: shapes.map((shape) => shape.slice(1)),
    parameters: isFirst ? sizeOf(ownWeights(layer)) : 0,
    reads: call.inbound.map((value) => readsOf(value, quantizers)),
    ...(weights === undefined ? {} : { weights }),
    ...(output === undefined ? {} : { output }),
  };
}

/** The call that gives `value`, before it is rounded. */
function readsOf(value: string, quantizers: Known["quantizers"]): string {
  const { node } = sourceOf(value);
  const quantizer = quantizers.get(node);
  return quantizer === undefined ? node : readsOf(quantizer.inbound[0], quantizers);
}

function isQuantizer({ layer }: ModelCall): boolean {
  return quantizedLayer(layer)?.role === "activations";
}

function codesOf(layer: ModelCall["layer"]): Codes | undefined {
  const quantized = quantizedLayer(layer);
  const { scheme = quantized?.isCalibrated() ? quantized.readGrids()[0]?.grid : undefined } = quantized ?? {};
  if (scheme === undefined) return undefined;
  const { qmin, qmax } = scheme;
  return { ...("dtype" in scheme ? { dtype: scheme.dtype } : {}), qmin, qmax };
}

/** The weights that a layer has apart from what quantization keeps; statistics of batches are a float layer's too. */
function ownWeights(layer: ModelCall["layer"]): readonly tfl.LayerVariable[] {
  const quantized = quantizedLayer(layer);
  if (quantized === undefined || quantized.role === "batch-norm") return layer.weights;
  const state = new Set(Object.values(quantized.state));
  return layer.weights.filter((weight) => !state.has(weight));
}

function sizeOf(weights: readonly tfl.LayerVariable[]): number {
  return weights.reduce((sum, { shape }) => sum + shape.reduce<number>((size, side) => size * (side ?? 1), 1), 0);
}
