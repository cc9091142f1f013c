/** Runs a loaded model once: TensorFlow.js notices much of what is wrong with a layer only when it computes. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { inPlainWordsSync } from "../../src/text/plain_errors.ts";
import { watchCalls } from "./_build.ts";
import { explainFailure } from "./_explain.ts";
import { cannotLoad } from "./_model_json.ts";

/**
 * Runs `model` on one sample of zeros, if all its sizes are known.
 *
 * @param path The file that it is from, for messages.
 * @throws {ModelFileError} If a layer cannot compute, or an answer has another shape than the model says.
 */
export function probeModel(model: tfl.LayersModel, path: string): void {
  const shapes = model.inputs.map(({ shape }): readonly (number | null)[] => [1, ...shape.slice(1)]).filter(isKnown);
  if (shapes.length < model.inputs.length) return;
  inPlainWordsSync(() => explaining(path, () => tf.tidy(() => run(model, shapes))));
}

/**
 * Does `work` on layers of a model that is loaded.
 *
 * @param path The file that it is from, for messages.
 * @throws {ModelFileError} If TensorFlow.js refuses: it names the layer.
 */
export function explaining<T>(path: string, work: () => T): T {
  const end = watchCalls();
  try {
    return work();
  } catch (cause) {
    throw cannotLoad(path, explainFailure(cause), cause);
  } finally {
    end();
  }
}

function isKnown(shape: readonly (number | null)[]): shape is readonly number[] {
  return shape.every((size) => size !== null);
}

function run(model: tfl.LayersModel, shapes: readonly (readonly number[])[]): void {
  const inputs = shapes.map((shape) => tf.zeros([...shape]));
  const answers = [model.predict(inputs.length === 1 ? inputs[0] : inputs)].flat();
  answers.forEach((answer, i) => {
    const { shape } = model.outputs[i];
    const fits = answer.rank === shape.length && shape.every((size, d) => size === null || size === answer.shape[d]);
    // What is thrown here is worded as what TF.js throws is.
    if (!fits) throw new Error(`its output ${i} is [${shape.map((size) => size ?? "?")}] and gives [${answer.shape}]`);
    answer.dataSync();
  });
}
