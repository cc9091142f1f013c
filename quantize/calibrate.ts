/** Finds the ranges of activations without training. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import {
  layersIn,
  makeObserver,
  type ObserverName,
  type QuantizedLayer,
  quantizedLayer,
  QuantizedLayerError,
  quantizedLayersIn,
  setQatPhase,
} from "../src/quant/mod.ts";
import { inputNames, inputShapesOf, pickByName } from "../models/ports.ts";

/** A batch of samples: a tensor, one for every input of the model in its order, or elements by name as `batches` gives. */
export type CalibrationBatch = tf.Tensor | tf.Tensor[] | NamedBatch;

/** Samples by the inputs' names; of a model with one input, the name is free. */
export interface NamedBatch {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly size: number;
}

/** How ranges are found. */
export interface CalibrateOptions {
  /**
   * The observer of all layers. Default: the one that each layer names, but min-max for a moving average, which hardly
   * leaves its first batch in as few as calibration takes.
   */
  readonly observer?: ObserverName;
  /**
   * Whether training goes on from the ranges: layers whose ranges it moves keep to the observer that they name.
   * Default: false.
   */
  readonly beforeTraining?: boolean;
}

/**
 * Runs inference on `batches` while every quantizer of `model` observes what it sees.
 *
 * Tensors stay the caller's. Quantization is on: a layer's range is that of values computed from quantized ones. Where an
 * observer reads values on the host (histogram), whose range comes at the end, values are those of the float model.
 *
 * @returns The number of batches seen.
 * @throws {RangeError} If there are none, a batch is empty, or a layer is given values that are not finite; ranges are
 *   then what they were.
 */
export async function calibrate(
  model: LayersModel,
  batches: Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>,
  options: CalibrateOptions = {},
): Promise<number> {
  const run = begin(model, options);
  let count = 0;
  try {
    for await (const batch of batches) {
      refuseEmpty(model, batch);
      count++;
      observe(model, batch, count);
    }
    if (count === 0) {
      throw new RangeError(`Cannot calibrate model "${model.name}": there is no batch, at least 1 is needed`);
    }
    run.end();
    return count;
  } catch (error) {
    run.undo();
    throw error;
  } finally {
    run.dispose();
  }
}

/** Names the layers of `model` whose grids mean nothing yet. */
export function uncalibratedIn(model: LayersModel): readonly string[] {
  return layersIn(model).filter((layer) => quantizedLayer(layer)?.isCalibrated() === false).map(({ name }) => name);
}

interface Calibration {
  /** Stops observing; observers on the host set their ranges. */
  end(): void;
  /** Stops observing and brings all state back to what it was. */
  undo(): void;
  dispose(): void;
}

function begin(model: LayersModel, options: CalibrateOptions): Calibration {
  const layers = quantizedLayersIn(model);
  const rounding = layers.filter(({ phase }) => phase.fakeQuantizing);
  const before = layers.flatMap(({ state }) =>
    Object.values(state).map((weight) => ({ weight, value: copyOf(weight) }))
  );
  const observers = new Map(layers.map((layer) => [layer, observerFor(layer, options)]));
  const readsValues = [...observers.values()].some((name) => name !== undefined && makeObserver(name).where === "host");
  if (readsValues) setQatPhase(model, { fakeQuantizing: false });
  for (const [layer, observer] of observers) layer.setPhase({ calibrating: observer ?? true });
  const end = () => {
    setQatPhase(model, { calibrating: false });
    rounding.forEach((layer) => layer.setPhase({ fakeQuantizing: true }));
  };
  const undo = () => {
    end();
    for (const { weight, value } of before) weight.write(value);
  };
  return { end, undo, dispose: () => tf.dispose(before.map(({ value }) => value)) };
}

function copyOf(weight: QuantizedLayer["state"][string]): tf.Tensor {
  // Assigning to a variable leaves other tensors of its values alone.
  return tf.clone(weight.read());
}

function observerFor(layer: QuantizedLayer, options: CalibrateOptions): ObserverName | undefined {
  const { observer: own, onlyCalibrated = false } = layer;
  if (own === undefined || options.observer !== undefined) return own && options.observer;
  const goesOn = options.beforeTraining === true && !onlyCalibrated;
  return own === "moving-average" && !goesOn ? "min-max" : own;
}

function observe(model: LayersModel, batch: CalibrationBatch, number: number): void {
  try {
    tf.tidy(() => void model.predictOnBatch(toTensors(model, batch)));
  } catch (cause) {
    // Some backends refuse to round to a grid that is none.
    refuseNonFinite(model, number, damaged(model) ?? cause);
    throw cause;
  }
  // Not while values are computed: reading them would cut the graph that a recording backend runs as one.
  refuseNonFinite(model, number, damaged(model));
}

/** Returns the error of the first layer whose grid is none. */
function damaged(model: LayersModel): unknown {
  try {
    for (const layer of quantizedLayersIn(model)) if (layer.isCalibrated()) layer.readGrids();
  } catch (error) {
    return error;
  }
}

/** Says in which batch a layer was given what no grid holds, if that is the cause. */
function refuseNonFinite(model: LayersModel, number: number, cause: unknown): void {
  if (!(cause instanceof QuantizedLayerError)) return;
  throw new RangeError(
    `Cannot calibrate model "${model.name}": in batch ${number} the layer "${cause.layer}" is given NaN, Infinity or ` +
      `numbers too large for a grid, finite numbers are needed`,
    { cause },
  );
}

function toTensors(model: LayersModel, batch: CalibrationBatch): tf.Tensor | tf.Tensor[] {
  if (!("inputs" in batch)) return batch;
  const shapes = inputShapesOf(model);
  const given = pickByName(inputNames(model), batch.inputs, { what: "input", doing: `calibrate "${model.name}"` });
  return given.map((values, i) => tf.tensor(values, [batch.size, ...shapes[i]]));
}

function refuseEmpty(model: LayersModel, batch: CalibrationBatch): void {
  const [first] = Array.isArray(batch) ? batch : [batch];
  if (first === undefined || (first instanceof tf.Tensor ? first.shape[0] : first.size) === 0) {
    throw new RangeError(`Cannot calibrate model "${model.name}": a batch is empty`);
  }
}
