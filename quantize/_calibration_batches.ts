/** Batches of calibration as a model takes them: checked against its inputs, in parts that memory has room for. */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { inputNames, inputShapesOf, type InputValues, pickByName } from "../models/ports.ts";

/** A batch of samples: a tensor, one for every input of the model in its order, or elements by name as `batches` gives. */
export type CalibrationBatch = tf.Tensor | tf.Tensor[] | NamedBatch;

/** Samples by the inputs' names; of a model with one input, the name is free. */
export interface NamedBatch {
  readonly inputs: Readonly<Record<string, InputValues>>;
  readonly size: number;
}

/** An input's values of some samples. */
interface Values {
  readonly shape: readonly number[];
  readonly values: InputValues;
}

/** Some samples of a batch, and where in it they begin. */
export interface Part {
  readonly first: number;
  readonly size: number;
  /** Makes one tensor for every input, the caller's to dispose of. */
  tensors(): tf.Tensor[];
}

/**
 * Divides a batch, or what of it is among the first `most` samples, into parts of about one size.
 *
 * @param number Of the batch, from 1 on.
 * @throws {RangeError} If it is empty, or its values are not as many as the model's inputs take.
 */
export function partsOf(
  model: LayersModel,
  batch: CalibrationBatch,
  { number, most, partSize }: { readonly number: number; readonly most: number; readonly partSize: number },
): readonly Part[] {
  const cannot = `Cannot calibrate model "${model.name}"`;
  const size = Math.min(sizeOf(batch), most);
  if (size === 0) throw new RangeError(`${cannot}: a batch is empty`);
  const inputs = "inputs" in batch ? valuesOf(model, batch, number) : tensorsOf(model, [batch].flat(), number);
  const count = Math.max(Math.ceil(size / partSize), 1);
  return Array.from({ length: count }, (_, part) => {
    const [first, end] = [part, part + 1].map((at) => Math.round(at * size / count));
    return { first, size: end - first, tensors: () => inputs.map((input) => cut(input, first, end)) };
  });
}

/** Samples of a batch. */
export function sizeOf(batch: CalibrationBatch): number {
  const [first] = Array.isArray(batch) ? batch : [batch];
  if (first === undefined) return 0;
  return first instanceof tf.Tensor ? first.shape[0] ?? 0 : first.size;
}

function valuesOf(model: LayersModel, { inputs, size }: NamedBatch, number: number): readonly Values[] {
  const names = inputNames(model);
  const shapes = inputShapesOf(model);
  const given = pickByName(names, inputs, { what: "input", doing: `calibrate "${model.name}"` });
  return given.map((values, i) => {
    const needed = shapes[i].reduce((product, dim) => product * dim, size);
    if (values.length === needed) return { shape: shapes[i], values };
    throw new RangeError(
      `Cannot calibrate model "${model.name}": batch ${number} has ${values.length} numbers for input "${names[i]}", ` +
        `${size} samples of [${shapes[i]}] are ${needed}`,
    );
  });
}

function tensorsOf(model: LayersModel, given: readonly tf.Tensor[], number: number): readonly tf.Tensor[] {
  const cannot = `Cannot calibrate model "${model.name}"`;
  if (given.length !== model.inputs.length) {
    throw new RangeError(
      `${cannot}: batch ${number} has ${given.length} tensors, one for each of ${model.inputs.length} inputs is needed`,
    );
  }
  return given.map((tensor, i) => {
    const { shape } = model.inputs[i];
    const fits = tensor.rank === shape.length && shape.every((dim, axis) => dim === null || dim === tensor.shape[axis]);
    const isAsLong = tensor.shape[0] === given[0].shape[0];
    if (fits && isAsLong) return tensor;
    const needed = isAsLong
      ? `[${shape.map((dim) => dim ?? "?")}] is needed`
      : `${given[0].shape[0]} samples are needed`;
    throw new RangeError(
      `${cannot}: batch ${number} has the shape [${tensor.shape}] for input "${inputNames(model)[i]}", ${needed}`,
    );
  });
}

function cut(input: Values | tf.Tensor, first: number, end: number): tf.Tensor {
  if (input instanceof tf.Tensor && first === 0 && end === input.shape[0]) return tf.clone(input);
  const shape = input instanceof tf.Tensor ? input.shape.slice(1) : input.shape;
  // Not by tf.slice: where it begins is a part of a recorded graph, and each part would be compiled.
  const values = input instanceof tf.Tensor ? input.dataSync() : input.values;
  const width = shape.reduce((product, dim) => product * dim, 1);
  return tf.tensor(values.slice(first * width, end * width), [end - first, ...shape], dtypeOf(input));
}

function dtypeOf(input: Values | tf.Tensor): tf.DataType {
  if (input instanceof tf.Tensor) return input.dtype;
  return input.values instanceof Int32Array ? "int32" : "float32";
}
