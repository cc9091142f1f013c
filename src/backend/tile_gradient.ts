/**
 * The gradient of `tf.tile` as one sum.
 *
 * TF.js's own adds the repetitions one by one, up to four dimensions of them. Its LayerNormalization repeats mean,
 * variance, scale and shift over all that it normalizes: each such layer of a transformer becomes a slice and an addition
 * for every row and every feature, thousands of operators that take ONNX Runtime longer to load than to train with.
 */
import * as tf from "@tensorflow/tfjs-core";

const KERNEL = "Tile";

/**
 * Sums the gradient of a repeated tensor over its repetitions on the backend of this name; others keep TF.js's way.
 *
 * To be called once: it takes the place of TF.js's gradient function.
 */
export function registerTileGradient(backendName: string): void {
  const own = tf.getGradient(KERNEL);
  if (own === undefined) return;
  tf.unregisterGradient(KERNEL);
  tf.registerGradient({
    ...own,
    gradFunc: (dy, saved, attrs) => {
      if (tf.getBackend() !== backendName) return own.gradFunc(dy, saved, attrs);
      const [{ shape }] = saved;
      // Tile has one output.
      return { x: () => sumRepeats(dy as tf.Tensor, { shape, reps: attrs.reps as number[] }) };
    },
  });
}

/**
 * Returns the sum of a tensor's repetitions.
 *
 * @param dy A tensor of `shape`, dimension i repeated `reps[i]` times.
 */
function sumRepeats(dy: tf.Tensor, { shape, reps }: { shape: number[]; reps: readonly number[] }): tf.Tensor {
  const parts = shape.flatMap((size, i) => [{ size: reps[i], isRepeat: true }, { size, isRepeat: false }]);
  const kept = parts.filter(({ size }) => size !== 1);
  const axes = kept.flatMap(({ isRepeat }, axis) => isRepeat ? [axis] : []);
  const apart = tf.reshape(dy, kept.map(({ size }) => size));
  return tf.reshape(axes.length === 0 ? apart : tf.sum(apart, axes), shape);
}
