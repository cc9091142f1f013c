/** Runs a model and hands out what it gives, batch by batch. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { inputNames, inputShapesOf, pickByName } from "../models/ports.ts";
import type { NamedBatch } from "../quantize/calibrate.ts";

/** What a model gave for a batch, output by output, row-major. */
export type Values = readonly Float32Array[];

/** Runs a model on a batch. */
export type Run = (batch: NamedBatch) => Promise<Values>;

/** Returns what runs `model` and hands out `values` of it, of which several may be one. */
export function runOf(model: tfl.LayersModel, values: readonly tfl.SymbolicTensor[]): Run {
  const distinct = [...new Map(values.map((value) => [value.id, value])).values()];
  const places = values.map(({ id }) => distinct.findIndex((value) => value.id === id));
  const tapped = tfl.model({ inputs: model.inputs, outputs: distinct, name: model.name });
  return async (batch) => {
    const given = await outputsOf(tapped, batch);
    return places.map((place) => given[place]);
  };
}

async function outputsOf(model: tfl.LayersModel, batch: NamedBatch): Promise<Values> {
  const outputs = tf.tidy(() => {
    const shapes = inputShapesOf(model);
    const given = pickByName(inputNames(model), batch.inputs, { what: "input", doing: `debug "${model.name}"` });
    const x = given.map((values, i) => tf.tensor(values, [batch.size, ...shapes[i]]));
    const y = model.apply(x.length === 1 ? x[0] : x, { training: false });
    return [y].flat() as tf.Tensor[];
  });
  try {
    const values: Float32Array[] = [];
    // One after another: the first reading runs all that was recorded.
    for (const output of outputs) values.push(Float32Array.from(await output.data()));
    return values;
  } finally {
    tf.dispose(outputs);
  }
}
