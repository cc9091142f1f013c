/** Methods of tensors that TF.js's layers call and only the all-in-one package `@tensorflow/tfjs` adds to tensors. */
import * as tf from "@tensorflow/tfjs-core";

/** What the Orthogonal initializer calls: the default for the recurrent weights of LSTM, GRU and SimpleRNN. */
const METHODS: Readonly<Record<string, (tensor: tf.Tensor, ...args: never[]) => tf.Tensor>> = {
  flatten: (tensor) => tf.reshape(tensor, [tensor.size]),
  reshape: tf.reshape,
  sign: tf.sign,
  stridedSlice: tf.stridedSlice,
  transpose: tf.transpose,
};

/** Adds the methods that tensors do not have yet: without them, no recurrent layer can be made. */
export function addChainedMethods(): void {
  for (const [name, method] of Object.entries(METHODS)) {
    if (name in tf.Tensor.prototype) continue;
    const value = function (this: tf.Tensor, ...args: never[]): tf.Tensor {
      return method(this, ...args);
    };
    Object.defineProperty(tf.Tensor.prototype, name, { value, writable: true, configurable: true });
  }
}
