/** Finds the ranges of activations without training. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { inputNames, inputShapesOf, pickByName } from "../models/ports.ts";
import { layersIn, quantizedLayer, setQatPhase } from "../src/quant/mod.ts";

/** A batch of samples: a tensor, one for every input of the model in its order, or elements by name as `batches` gives. */
export type CalibrationBatch = tf.Tensor | tf.Tensor[] | NamedBatch;

/** Samples by the inputs' names; of a model with one input, the name is free. */
export interface NamedBatch {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly size: number;
}

/**
 * Runs inference on `batches` while every FakeQuantize of `model` observes what it sees.
 *
 * Tensors stay the caller's. Quantization is on: a layer's range is that of values computed from quantized ones.
 *
 * @returns The number of batches seen.
 * @throws {RangeError} If there are none, or a batch is empty.
 */
export async function calibrate(
  model: LayersModel,
  batches: Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>,
): Promise<number> {
  let count = 0;
  setQatPhase(model, { calibrating: true });
  try {
    for await (const batch of batches) {
      refuseEmpty(model, batch);
      tf.tidy(() => void model.predictOnBatch(toTensors(model, batch)));
      count++;
    }
  } finally {
    setQatPhase(model, { calibrating: false });
  }
  if (count === 0) {
    throw new RangeError(`Cannot calibrate model "${model.name}": there is no batch, at least 1 is needed`);
  }
  return count;
}

/** Names the layers of `model` whose grids mean nothing yet. */
export function uncalibratedIn(model: LayersModel): readonly string[] {
  return layersIn(model).filter((layer) => quantizedLayer(layer)?.isCalibrated() === false).map(({ name }) => name);
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
