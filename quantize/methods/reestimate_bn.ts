/**
 * Batch norm re-estimation: statistics of what layers read now that values before them are rounded.
 *
 *   μ = mean over batches of the batch's mean      σ² = mean over batches of the batch's variance, unbiased
 *
 * While that is measured every batch normalization normalizes by the batch it sees, as in training, so that those behind it
 * read what they will read once it is corrected. Batches count by their samples.
 *
 * Source: Nagel et al., "Overcoming Oscillations in Quantization-Aware Training" (2022), section 4.3: 50 batches.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, LayerVariable } from "@tensorflow/tfjs-layers";
import { type Layer, layersIn, quantizedLayer } from "../../src/quant/mod.ts";
import { forEachBatch, inParts, perChannel, runBatch, silent, type Tap } from "./_run.ts";
import type { PreparedStep, StepContext, StepLeft, StepOutcome } from "./step.ts";

const MOST_BATCHES = 50;

/** Lets batch normalization have the statistics of the rounded net. */
export const reestimateBn: PreparedStep<"reestimate-bn"> = {
  name: "reestimate-bn",
  when: "prepared",
  description: "find the statistics of batch normalization anew, of rounded values",
  byDefault: false,
  apply: (model, _float, context) => reestimate(model, context),
};

/** Finds the statistics of all batch normalization of `model`, prepared or not, on the calibration samples. */
export async function reestimate(model: LayersModel, context: StepContext): Promise<StepOutcome> {
  const samples = inParts(context, model);
  const norms = layersIn(model).flatMap((layer) => normOf(layer) ?? []);
  if (norms.length === 0) {
    return { effects: [], left: [], facts: ["the model has no batch normalization that is not part of its weights"] };
  }
  const before = await distances(model, norms, samples);
  const estimates = norms.map((norm) => new Estimate(norm));
  await forEachBatch(samples, (batch) => {
    runBatch(model, batch, estimates.map((estimate) => estimate.tap()));
    for (const estimate of estimates) estimate.endBatch(batch.size);
  }, { batches: MOST_BATCHES });
  const left: StepLeft[] = estimates.flatMap((estimate) => estimate.write() ?? []);
  const after = await distances(model, norms, samples);
  const isLeft = (name: string) => left.some(({ layer }) => layer === name);
  const effects = norms.map(({ layer: { name } }, i) => ({
    layer: name,
    what: "distance of the means from the moving ones, in standard deviations",
    before: before[i],
    after: after[i],
  })).filter(({ layer }) => !isLeft(layer));
  return { effects, left };
}

/** A batch normalization over the last axis, and its weights. */
interface Norm {
  readonly layer: Layer;
  readonly mean: LayerVariable;
  readonly variance: LayerVariable;
  readonly gamma: LayerVariable | undefined;
  readonly beta: LayerVariable | undefined;
  readonly epsilon: number;
}

function normOf(layer: Layer): Norm | undefined {
  const isNorm = quantizedLayer(layer)?.role === "batch-norm" || layer.getClassName() === "BatchNormalization";
  if (!isNorm) return undefined;
  const of = (name: string) => layer.weights.find(({ originalName }) => originalName.split("/").at(-1) === name);
  const [mean, variance] = [of("moving_mean"), of("moving_variance")];
  const { axis, epsilon } = layer.getConfig();
  const isLast = axis === undefined || axis === -1 || axis === layer.inboundNodes[0].inputTensors[0].rank - 1;
  if (mean === undefined || variance === undefined || !isLast) return undefined;
  return { layer, mean, variance, gamma: of("gamma"), beta: of("beta"), epsilon: Number(epsilon) };
}

/**
 * Returns √(mean over channels of ((m − μ)/σ)²) of each of `norms`, m the means of what it reads in the first batch, over
 * all of its calls.
 */
async function distances(model: LayersModel, norms: readonly Norm[], context: StepContext): Promise<readonly number[]> {
  const calls = norms.map((): Float32Array[] => []);
  const taps = norms.map(({ layer, mean, variance, epsilon }, i): Tap => ({
    layer,
    look: (_, x) => {
      const deviation = tf.sqrt(tf.add(variance.read(), epsilon));
      return { measured: tf.div(tf.sub(perChannel(x, tf.mean), mean.read()), deviation) };
    },
    take: (apart) => calls[i].push(apart),
  }));
  await forEachBatch(silent(context), (batch) => void runBatch(model, batch, taps), { batches: 1 });
  return calls.map(([first, ...others]) => {
    const means = first.map((apart, c) => others.reduce((sum, call) => sum + call[c], apart) / (others.length + 1));
    return Math.sqrt(means.reduce((sum, apart) => sum + apart ** 2, 0) / means.length);
  });
}

/** Statistics of one batch normalization while they are found. */
class Estimate {
  readonly #norm: Norm;
  readonly #mean: Float64Array;
  readonly #variance: Float64Array;
  /** Means, variances and the number of values a channel of each call in the batch that runs. */
  #calls: Float32Array[] = [];
  #samples = 0;
  /** Whether a batch had a variance. */
  #isKnown = true;

  constructor(norm: Norm) {
    this.#norm = norm;
    const [channels] = norm.mean.shape;
    this.#mean = new Float64Array(channels ?? 0);
    this.#variance = new Float64Array(channels ?? 0);
  }

  tap(): Tap {
    const { layer, gamma, beta, epsilon } = this.#norm;
    return {
      layer,
      look: (_, x) => {
        const mean = perChannel(x, tf.mean);
        const centered = tf.sub(x, mean);
        const variance = perChannel(tf.square(centered), tf.mean);
        const normal = tf.div(centered, tf.sqrt(tf.add(variance, epsilon)));
        const instead = tf.add(tf.mul(normal, gamma?.read() ?? 1), beta?.read() ?? 0);
        return { measured: tf.concat([mean, variance, tf.tensor1d([x.size / mean.size])]), instead };
      },
      take: (measured) => this.#calls.push(measured),
    };
  }

  /** Adds what the calls of a batch of `size` samples have shown. */
  endBatch(size: number): void {
    const channels = this.#mean.length;
    for (const call of this.#calls) {
      const count = call[2 * channels];
      if (count < 2) this.#isKnown = false;
      for (let c = 0; c < channels; c++) {
        this.#mean[c] += size / this.#calls.length * call[c];
        this.#variance[c] += size / this.#calls.length * call[channels + c] * count / Math.max(1, count - 1);
      }
    }
    this.#samples += size;
    this.#calls = [];
  }

  /** Sets the layer's statistics, or says why it does not. */
  write(): StepLeft | undefined {
    const { layer, mean, variance } = this.#norm;
    if (!this.#isKnown) return { layer: layer.name, because: "a batch has one value a channel, which has no variance" };
    tf.tidy(() => {
      mean.write(tf.tensor1d(Float32Array.from(this.#mean, (sum) => sum / this.#samples)));
      variance.write(tf.tensor1d(Float32Array.from(this.#variance, (sum) => sum / this.#samples)));
    });
    return undefined;
  }
}
