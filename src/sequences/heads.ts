/** Attention of several heads, as TF.js operations. Sequences are [n, time, width]. */
import * as tf from "@tensorflow/tfjs-core";

/** Splits the last dimension into heads, which come before time. Shapes: [n, t, heads·d] → [n, heads, t, d]. */
function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [n, time, width] = x.shape;
  return tf.transpose(tf.reshape(x, [n, time, heads, width / heads]), [0, 2, 1, 3]);
}

/** How scores are made. */
export interface Scoring {
  readonly heads: number;
  /** What products are multiplied by. Default: 1 / √d. */
  readonly scale?: number | undefined;
}

/**
 * How well each query fits each key: q · kᵀ / √d, by head.
 *
 * Shapes: queries [n, t, heads·d], keys [n, s, heads·d] → [n, heads, t, s].
 * Source: Vaswani et al., "Attention Is All You Need" (2017), equation 1.
 */
export function attentionScores(queries: tf.Tensor, keys: tf.Tensor, { heads, scale }: Scoring): tf.Tensor {
  const [n, time, width] = keys.shape;
  const scaled = splitHeads(tf.mul(queries, scale ?? Math.sqrt(heads / width)), heads);
  // Keys go to their transposed place at once.
  return tf.matMul(scaled, tf.transpose(tf.reshape(keys, [n, time, heads, width / heads]), [0, 2, 3, 1]));
}

/** What is added to the score of a key that is padding: e to it is 0 beside any other, and all alike are no NaN. */
export const FAR_BELOW = -1e9;

/**
 * Shares of the keys, by query and head: the softmax of their scores.
 *
 * Shapes: scores [n, heads, t, s]; mask [n, s], or one that is repeated to the scores' shape, 1 of what counts and 0 of
 * padding → [n, heads, t, s].
 * Range: [0, 1]; those of padding are 0, unless all keys are.
 */
export function attentionWeights(scores: tf.Tensor, mask?: tf.Tensor, farBelow: number = FAR_BELOW): tf.Tensor {
  if (mask === undefined) return tf.softmax(scores);
  const [n, keys] = mask.shape;
  const below = tf.mul(tf.sub(1, tf.cast(mask, "float32")), farBelow);
  return tf.softmax(tf.add(scores, mask.rank === scores.rank ? below : tf.reshape(below, [n, 1, 1, keys])));
}

/**
 * Means of the values by their weights, heads side by side again.
 *
 * Shapes: weights [n, heads, t, s], values [n, s, heads·d] → [n, t, heads·d].
 */
export function attentionContext(weights: tf.Tensor, values: tf.Tensor, heads: number): tf.Tensor {
  const [n, , time] = weights.shape;
  const means = tf.matMul(weights, splitHeads(values, heads));
  return tf.reshape(tf.transpose(means, [0, 2, 1, 3]), [n, time, values.shape[2] ?? 0]);
}
