/** Models and runs for the tests of this folder. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { Graph } from "../src/onnx/graph.ts";
import { Session, type SessionOptions } from "../src/runtime/session.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { type PreparedModel, type PrepareOptions, prepareQat } from "../quantize/prepare.ts";
import { randomTensor } from "../tests/_support/small_models.ts";

/** Seeded inputs in [-1, 1) for `model`, `batch` samples each. */
export function samplesFor(model: tfl.LayersModel, batch: number, seed = 11): tf.Tensor[] {
  return model.inputs.map((input, i) => randomTensor(input.shape.map((dim) => dim ?? batch), seed + i));
}

/** Prepares `model` and finds its ranges. Two batches, since the range of one ends on its own values: exact ties. */
export async function prepareCalibrated(model: tfl.LayersModel, options: PrepareOptions = {}): Promise<PreparedModel> {
  const prepared = prepareQat(model, options);
  const batches = [3, 4].map((seed) => samplesFor(prepared.model, 4, seed));
  await calibrate(prepared.model, batches, { beforeTraining: true });
  tf.dispose(batches);
  return prepared;
}

/** Runs an exported model, with exact int8 kernels, and returns its outputs in the graph's order. */
export function runExported(
  { bytes, graph }: { readonly bytes: Uint8Array; readonly graph: Graph },
  inputs: readonly tf.Tensor[],
  options: SessionOptions = {},
): readonly Float32Array[] {
  const session = new Session(bytes, { precise: true, ...options });
  try {
    const feeds = Object.fromEntries(graph.inputs.map((name, i) => {
      const { shape } = inputs[i];
      return [name, { dtype: "float32" as const, shape, data: inputs[i].dataSync<"float32">() }];
    }));
    const outputs = session.run(feeds);
    // Exported models give float32.
    return graph.outputs.map((name) => outputs[name].data as Float32Array);
  } finally {
    session.dispose();
  }
}

/** Largest difference of `actual` from `expected`, relative to the largest magnitude of `expected`. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
    size = Math.max(size, Math.abs(expected[i]));
  }
  return worst / size;
}
