/** Statistics for batch normalization that has none, such that nothing changes but what training makes of it. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { shadow } from "../../src/shadow.ts";
import { inputNames, type InputValues, pickByName } from "../ports.ts";

/** Samples, by the names of the inputs. */
interface Samples {
  readonly inputs: Readonly<Record<string, InputValues>>;
  readonly size: number;
}

/** Samples that go through the model at once: what all of its layers are given is held at a time. */
const AT_ONCE = 8;

/**
 * Gives the batch normalization layers called `names` the means and variances of what they are given, in place, and the
 * factors and offsets with which they compute what they computed before:
 *
 *   γ' = γ √((σ'² + ε) / (σ² + ε))     β' = β + γ (μ' − μ) / √(σ² + ε)
 *
 * Training by the statistics of batches then begins near where the model is. A layer without factors or offsets is left.
 *
 * @param batches As many as are to be looked at.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { settleNorms } from "./settle_norms.ts";
 *
 * const norm = tfl.layers.batchNormalization({ name: "bn", epsilon: 0, inputShape: [1] });
 * const model = tfl.sequential({ layers: [norm] });
 * settleNorms(model, ["bn"], [{ inputs: { x: Float32Array.of(1, 5) }, size: 2 }]);
 * const [gamma, beta, mean, variance] = norm.getWeights().map((weight) => weight.dataSync()[0]);
 * assert.deepEqual([gamma, beta, mean, variance], [2, 3, 3, 4]);
 * ```
 */
export function settleNorms(model: tfl.LayersModel, names: readonly string[], batches: Iterable<Samples>): void {
  const norms = names.map((name) => new NormTally(model.getLayer(name))).filter(({ canSettle }) => canSettle);
  using shadows = new DisposableStack();
  for (const norm of norms) shadows.defer(norm.watch());
  for (const batch of batches) {
    for (let first = 0; first < batch.size; first += AT_ONCE) {
      tf.tidy(() => {
        const fed = tensorsOf(model, batch, [first, Math.min(batch.size, first + AT_ONCE)]);
        model.predict(fed.length === 1 ? fed[0] : fed);
        norms.forEach((norm) => norm.read());
      });
    }
  }
  norms.forEach((norm) => norm.settle());
}

function tensorsOf(model: tfl.LayersModel, { inputs, size }: Samples, [first, end]: readonly [number, number]) {
  const values = pickByName(inputNames(model), inputs, { what: "input", doing: `run "${model.name}"` });
  return values.map((all, i) => {
    const width = all.length / size;
    const shape = model.inputs[i].shape.slice(1) as number[]; // its sides are known: values were made for them
    return tf.tensor(all.subarray(first * width, end * width), [end - first, ...shape]);
  });
}

/** What a normalization is given: sums of its numbers and of their squares, a channel each. */
class NormTally {
  readonly #layer: tfl.layers.Layer;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;
  /** Of the samples that run: means, means of squares, and how many numbers a channel those are of. */
  #seen: { readonly values: tf.Tensor; readonly count: number }[] = [];

  constructor(layer: tfl.layers.Layer) {
    this.#layer = layer;
    const channels = layer.weights.at(-1)?.shape[0] ?? 0;
    this.#sums = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  /** Whether there are factors and offsets to make up for other statistics. */
  get canSettle(): boolean {
    return this.#layer.weights.length === 4;
  }

  /** Looks at what the layer is given. */
  watch(): () => void {
    return shadow(this.#layer, "call", (next, inputs, kwargs) => {
      const [x] = [inputs].flat();
      const axes = Array.from({ length: x.rank - 1 }, (_, axis) => axis);
      // Kept: it is read when the model has run, outside of the scope that it runs in.
      const values = tf.keep(tf.stack([tf.mean(x, axes), tf.mean(tf.square(x), axes)]));
      this.#seen.push({ values, count: x.size / this.#sums.length });
      return next(inputs, kwargs);
    });
  }

  /** Takes in what was seen since the last time. */
  read(): void {
    const channels = this.#sums.length;
    for (const { values, count } of this.#seen) {
      values.dataSync<"float32">().forEach((value, i) => {
        (i < channels ? this.#sums : this.#squares)[i % channels] += count * value;
      });
      this.#count += count;
      values.dispose();
    }
    this.#seen = [];
  }

  /** Sets the weights. */
  settle(): void {
    if (this.#count === 0) return;
    const epsilon = Number(this.#layer.getConfig().epsilon);
    const [gamma, beta, mean, variance] = this.#layer.getWeights().map((weight) =>
      Float64Array.from(weight.dataSync())
    );
    const means = this.#sums.map((sum) => sum / this.#count);
    const variances = this.#squares.map((sum, c) => Math.max(0, sum / this.#count - means[c] ** 2));
    const factor = gamma.map((g, c) => g / Math.sqrt(variance[c] + epsilon));
    const settled = [
      factor.map((k, c) => k * Math.sqrt(variances[c] + epsilon)),
      beta.map((b, c) => b + factor[c] * (means[c] - mean[c])),
      means,
      variances,
    ];
    const tensors = settled.map((values) => tf.tensor1d(Float32Array.from(values)));
    this.#layer.setWeights(tensors);
    tf.dispose(tensors);
  }
}
