/** Keeps the weights of the best epoch so far. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { isBetter, type MetricInfo } from "../tasks/task.ts";

/** The best weights of a model by score; of equal scores the last, which were trained for longer. */
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

  /** Keeps the model's weights unless `score` is worse than one before, or no number. */
  offer(score: number, epoch: number): void {
    if (Number.isNaN(score) || (this.#score !== undefined && isBetter(this.#score, score, this.#better))) return;
    this.dispose();
    this.#score = score;
    this.#epoch = epoch;
    // A clone shares the elements, and a variable that is assigned to leaves them to the clone: nothing is copied.
    this.#values = this.#model.weights.map((weight) => tf.keep(tf.clone(weight.read())));
  }

  /** Gives the model its best weights back, if any were kept. */
  restore(): void {
    // A weight's constraint is applied once more, which makes tensors.
    tf.tidy(() => this.#values.forEach((value, i) => this.#model.weights[i].write(value)));
  }

  /** What is kept, and of which score and epoch; undefined if none was offered with a score. */
  get kept(): { readonly score: number; readonly epoch: number; readonly values: readonly tf.Tensor[] } | undefined {
    if (this.#score === undefined || this.#epoch === undefined) return undefined;
    return { score: this.#score, epoch: this.#epoch, values: this.#values };
  }

  /** Keeps these weights of an earlier process; the tensors become its own. */
  adopt({ score, epoch, values }: NonNullable<BestWeights["kept"]>): void {
    this.dispose();
    this.#score = score;
    this.#epoch = epoch;
    this.#values = values.map((value) => tf.keep(value));
  }

  /** Frees what is kept. */
  dispose(): void {
    tf.dispose([...this.#values]);
    this.#values = [];
  }
}
