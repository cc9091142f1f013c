/** Refuses to go on with numbers that mean nothing any more. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { learningRateOf } from "./optimizers.ts";

/** What the message is about. */
interface Place {
  readonly model: tfl.LayersModel;
  readonly optimizer: tf.Optimizer;
  /** When it was seen, as in "epoch 1, step 3". */
  readonly where: string;
}

/**
 * Refuses a loss that is NaN or infinite.
 *
 * @throws {Error} If it is.
 */
export function refuseLoss(loss: number, place: Place): void {
  if (!Number.isFinite(loss)) throw diverged(`the loss is ${loss}`, place);
}

/**
 * Refuses weights that are NaN or infinite. The loss need not show them: a quantizer whose range is fixed gives ONNX
 * Runtime's lowest code for NaN.
 *
 * @throws {Error} If a weight is, naming the first.
 */
export async function refuseWeights(place: Place): Promise<void> {
  const weights = place.model.weights.filter(({ dtype }) => dtype === "float32");
  if (weights.length === 0) return;
  // A number that is not finite, less itself, is NaN; all weights in one read.
  const sums = tf.tidy(() =>
    tf.stack(weights.map((weight) => {
      const value = weight.read();
      return tf.sum(tf.sub(value, value));
    }))
  );
  const first = (await sums.data()).findIndex((sum) => Number.isNaN(sum));
  sums.dispose();
  if (first >= 0) throw diverged(`weight "${weights[first].originalName}" is not finite`, place);
}

function diverged(what: string, { model, optimizer, where }: Place): Error {
  const rate = learningRateOf(optimizer);
  return new Error(
    `Cannot go on training "${model.name}": ${what} at ${where}, ` +
      `a lower learning rate${rate === undefined ? "" : ` than ${rate}`} is needed`,
  );
}
