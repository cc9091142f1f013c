/**
 * The exponential moving average of a model's weights.
 *
 * After each step, average ← average + (1 - d)·(weight - average), where d = min(decay, (1 + steps) / (10 + steps)): at
 * first few steps count, so that the weights that training began with are soon forgotten.
 * Source: tf.train.ExponentialMovingAverage, `num_updates`.
 *
 * Averaged are trained weights and the moving statistics of batch normalization, which belong to them. Ranges that
 * quantizers observed are not: they are what they are at the last step.
 */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";

/** A weight, and the average of what it was. */
interface Pair {
  readonly weight: tf.Variable;
  readonly average: tf.Variable;
}

const STATISTICS = /(^|\/)moving_(mean|variance)(_\d+)?$/;

/** The averages of one training, in variables: a recorded step moves them. */
export class WeightAverage {
  readonly #decay: number;
  readonly #pairs: readonly Pair[];
  /** Steps so far, in the graph too. */
  readonly #steps: tf.Variable;

  /** Begins with the weights of `model` as they are. */
  constructor(model: tfl.LayersModel, decay: number) {
    this.#decay = decay;
    this.#steps = tf.variable(tf.scalar(0), false);
    this.#pairs = averaged(model).map((weight) => ({ weight, average: copyOf(weight) }));
  }

  /** Moves the averages towards the weights as a step left them. */
  update(): void {
    tf.tidy(() => {
      const steps = tf.add(this.#steps, 1);
      this.#steps.assign(steps);
      const decay = tf.minimum(this.#decay, tf.div(tf.add(steps, 1), tf.add(steps, 10)));
      const share = tf.sub(1, decay);
      for (const { weight, average } of this.#pairs) {
        average.assign(tf.add(average, tf.mul(tf.sub(weight, average), share)));
      }
    });
  }

  /** Gives the model the averages for its weights. Returns what gives it its own back. */
  lend(): () => void {
    // A clone shares the elements, and a variable that is assigned to leaves them to the clone: nothing is copied.
    const own = this.#pairs.map(({ weight }) => tf.keep(tf.clone(weight)));
    this.give();
    return () => {
      this.#pairs.forEach(({ weight }, i) => weight.assign(own[i]));
      tf.dispose(own);
    };
  }

  /** Gives the model the averages for its weights, for good. */
  give(): void {
    for (const { weight, average } of this.#pairs) weight.assign(average);
  }

  /** All that it has gathered; always as many, in the same order. */
  get state(): readonly tf.Variable[] {
    return [this.#steps, ...this.#pairs.map(({ average }) => average)];
  }

  /** Takes the state of an earlier process; the tensors stay the caller's. */
  restore(tensors: readonly tf.Tensor[]): void {
    this.state.forEach((variable, i) => variable.assign(tensors[i]));
  }

  /** Frees the averages. */
  dispose(): void {
    tf.dispose([...this.state]);
  }
}

/** Two variables of one array would be one input of a recorded step. */
function copyOf(weight: tf.Variable): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor(weight.dataSync().slice(), weight.shape), false));
}

/** Lists the variables that are averaged, shared ones once. */
function averaged(model: tfl.LayersModel): readonly tf.Variable[] {
  const trained = new Set(model.trainableWeights);
  const variables = new Set<tf.Variable>();
  for (const weight of model.weights) {
    const variable = weight.read();
    const isAveraged = trained.has(weight) || STATISTICS.test(weight.originalName);
    if (isAveraged && variable instanceof tf.Variable) variables.add(variable);
  }
  return [...variables];
}
