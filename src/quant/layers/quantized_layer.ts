/**
 * What a quantized layer is to the rest of the program: phase, role, grids, state. Asked by a symbol and never by class,
 * so that a layer of another kind (learned scales, dynamic ranges) is one more layer and no more questions.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { Grid, PerSlice, QuantScheme } from "../../numbers/scheme.ts";
import type { ObserverName } from "../observers/mod.ts";
import type { Layer } from "./layer.ts";

/** What is active; whatever is left out stays as it is, or is nothing that the layer has. */
export interface QatPhase {
  /** Whether training steps update the ranges of activations and the scales of weights. */
  readonly observing?: boolean;
  /** Whether activations and weights are rounded to their grids. */
  readonly fakeQuantizing?: boolean;
  /** Whether BatchNormalization uses and updates the statistics of the batch. */
  readonly trainingBatchNorm?: boolean;
  /** Whether inference updates the ranges of activations too: by the layer's own observer, or by the one named. */
  readonly calibrating?: boolean | ObserverName;
}

/** A grid of a layer, and the weight that stands on it if it is not the layer's output. */
export interface NamedGrid {
  /** Name within the layer: "output", or the weight's. */
  readonly name: string;
  /** The grid. */
  readonly grid: Grid<PerSlice>;
  /** The weight before it is rounded, in the shape that the grid's axis counts in. */
  readonly weight?: {
    /** Its shape. */
    readonly shape: readonly number[];
    /** Reads its values. */
    read(): Float32Array;
  };
}

/** How the exported file rounds the bias of a layer, and of batch normalization that is folded into it. */
export interface BiasFolding {
  /** The layer's own bias, [channels]; 0 where it has none. */
  readonly bias: tf.Tensor | number;
  /** Rounds a bias, [channels]; factors, [channels], multiply the weights. It has no gradient. */
  round(bias: tf.Tensor, factors?: tf.Tensor): tf.Tensor;
}

/**
 * A layer that takes part in quantization-aware training. It answers for itself under `QUANTIZED`.
 *
 * Its grids are variables or numbers of its own: what they are computed from is saved with the model's weights.
 */
export interface QuantizedLayer {
  /** What it does: puts values on a grid, computes with weights on one, normalizes batches, or something else. */
  readonly role: "activations" | "weights" | "batch-norm" | "other";
  /** What is active now, of all that the layer has. */
  readonly phase: QatPhase;
  /** Its variables that are not the float layer's: ranges, scales, statistics. Saved with the model's weights. */
  readonly state: Readonly<Record<string, tfl.LayerVariable>>;
  /** How ranges or weights become its grids, where one scheme says that. */
  readonly scheme?: QuantScheme;
  /** The layer inside, whose weights these are, where it wraps one. */
  readonly inner?: Layer;
  /** The float layer that it stands for; undefined where there is none. */
  readonly original?: { readonly className: string; readonly config: tf.serialization.ConfigDict } | undefined;
  /** Whether nothing but tensors and the phase decides what a call computes, so that a recording may repeat it. */
  readonly onlyTensors: boolean;
  /** Name of the observer that finds its range; undefined where nothing is observed. */
  readonly observer?: ObserverName | undefined;
  /** Whether calibration alone sets its grids, and training leaves them. */
  readonly onlyCalibrated?: boolean;
  /** The scale that calls round their output with, [], a variable of the layer's own; undefined while there is none. */
  readonly activeScale?: tf.Tensor | undefined;
  /** Changes what is active; parts that the layer does not have are ignored. */
  setPhase(phase: QatPhase): void;
  /**
   * Looks at what it was given since the last time, while it calibrates by an observer on the host. For when the model has
   * run: it reads values.
   *
   * @throws {NonFiniteError} If a value is NaN or infinite.
   */
  catchUp?(): void;
  /** Widens the range that was found so that the middle code stands for 0; what is known or starts at 0 stays as it is. */
  balanceRange?(): void;
  /** Whether the grids mean something: observed, set or known. */
  isCalibrated(): boolean;
  /**
   * Returns the grids as numbers.
   *
   * @throws {Error} If they mean nothing yet.
   * @throws {RangeError} If one is impossible.
   */
  readGrids(): readonly NamedGrid[];
  /** Brings the grids up to date after weights were set from outside. */
  weightsChanged?(): void;
  /**
   * Returns how the exported file rounds its bias; undefined where it does not.
   *
   * @param site The layer that stands for this call of it; by default itself.
   */
  biasFolding?(site?: Layer): BiasFolding | undefined;
}

/** A quantized layer cannot be as its configuration or its state has it. */
export class QuantizedLayerError extends RangeError {
  /**
   * @param layer The layer's name.
   * @param fault What is wrong, as the end of a sentence: "its scale is 0, a number above 0 is needed".
   */
  constructor(readonly layer: string, readonly fault: string) {
    super(`Cannot quantize "${layer}": ${fault}`);
  }
}

/** A layer was given a value that no grid holds. */
export class NonFiniteError extends QuantizedLayerError {
  /**
   * @param layer The layer's name.
   * @param value NaN or infinite.
   * @param sample Of the batch, from 0 on.
   */
  constructor(layer: string, readonly value: number, readonly sample: number) {
    super(layer, `it is given ${value}, finite numbers are needed`);
  }
}

/** The key under which a layer answers as a `QuantizedLayer`; the same in all copies of this module. */
export const QUANTIZED: unique symbol = Symbol.for("tfjs-qat/quantized-layer");

/**
 * Returns `layer` as a quantized layer, or undefined if it is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { FakeQuantize } from "./fake_quantize_layer.ts";
 * import { quantizedLayer } from "./quantized_layer.ts";
 *
 * assert.equal(quantizedLayer(new FakeQuantize())?.role, "activations");
 * assert.equal(quantizedLayer(tfl.layers.reLU()), undefined);
 * ```
 */
export function quantizedLayer(layer: Layer | { readonly [QUANTIZED]?: QuantizedLayer }): QuantizedLayer | undefined {
  return QUANTIZED in layer ? layer[QUANTIZED] : undefined;
}

/** Whether layers of the registered class `className` are quantized layers. */
export function isQuantizedClass(className: string): boolean {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[className];
  return entry !== undefined && QUANTIZED in entry[0].prototype;
}

/** Returns the one grid, with one scale, that `layer` puts its output on; undefined if there is none or it means nothing. */
export function outputGridOf(layer: Layer): Grid | undefined {
  const quantized = quantizedLayer(layer);
  if (quantized?.role !== "activations" || !quantized.isCalibrated()) return undefined;
  const { scale, zeroPoint, ...grid } = quantized.readGrids()[0].grid;
  return typeof scale === "number" && typeof zeroPoint === "number" ? { ...grid, scale, zeroPoint } : undefined;
}

/** Lists the layers of `model`, those of nested models in place of the models. */
export function layersIn(model: tfl.LayersModel): readonly Layer[] {
  return model.layers.flatMap((layer) => layer instanceof tfl.LayersModel ? layersIn(layer) : [layer]);
}

/** Lists the quantized layers of `model`, nested models included. */
export function quantizedLayersIn(model: tfl.LayersModel): readonly QuantizedLayer[] {
  return layersIn(model).flatMap((layer) => quantizedLayer(layer) ?? []);
}

/**
 * Sets the phase of every quantized layer of `model`, nested models included.
 *
 * Inference never observes, unless calibrating, and always uses BatchNormalization's moving statistics.
 */
export function setQatPhase(model: tfl.LayersModel, phase: QatPhase): void {
  for (const layer of quantizedLayersIn(model)) layer.setPhase(phase);
}
