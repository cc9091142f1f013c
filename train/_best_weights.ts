/** Keeps the weights of the best epoch so far. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { isBetter, type MetricInfo } from "../tasks/task.ts";

/** The best weights of a model by score; of equal scores the first stays. */
export class BestWeights {
  readonly #model: tfl.LayersModel;
  readonly #better: MetricInfo["better"];
  #score: number | undefined;
  #epoch: number | undefined;
  #values: readonly tf.Tensor[] = [];

  constructor(model: tfl.LayersModel, better: MetricInfo["better"]) {
    this.#model = model;
    this.#better = better;
  }

  /** Epoch of the best weights; undefined if none was offered with a score. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  /** Keeps the model's weights if `score` is better than all before. A score that is no number never is. */
  offer(score: number, epoch: number): void {
    if (Number.isNaN(score) || (this.#score !== undefined && !isBetter(score, this.#score, this.#better))) return;
    this.dispose();
    this.#score = score;
    this.#epoch = epoch;
    // A clone shares the elements, and a variable that is assigned to leaves them to the clone: nothing is copied.
    this.#values = this.#model.weights.map((weight) => tf.keep(tf.clone(weight.read())));
  }

  /** Gives the model its best weights back, if any were kept. */
  restore(): void {
    this.#values.forEach((value, i) => this.#model.weights[i].write(value));
  }

  /** Frees what is kept. */
  dispose(): void {
    tf.dispose([...this.#values]);
    this.#values = [];
  }
}
