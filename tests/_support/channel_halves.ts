/** A layer of our own with two outputs, as a user would write one. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

/** Gives the first half of the channels and the second. Shapes: [..., c] → two of [..., c / 2]. */
export class ChannelHalves extends tfl.layers.Layer {
  /** @nocollapse */
  static readonly className = "ChannelHalves";

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    return tf.tidy(() => tf.split(x, 2, -1));
  }

  override computeOutputShape(inputShape: tfl.Shape | tfl.Shape[]): tfl.Shape[] {
    // One input, so one shape.
    const shape = inputShape as tfl.Shape;
    const half = [...shape.slice(0, -1), (shape.at(-1) ?? 0) / 2];
    return [half, half];
  }
}

tf.serialization.registerClass(ChannelHalves);

/** Both outputs of `layer`, applied to `x`. */
export function applyBoth(layer: tfl.layers.Layer, x: tfl.SymbolicTensor): [tfl.SymbolicTensor, tfl.SymbolicTensor] {
  const [a, b] = layer.apply(x) as tfl.SymbolicTensor[]; // symbolic inputs give symbolic outputs
  return [a, b];
}
