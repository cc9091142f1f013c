/** What quantized layers have found so far, kept to be brought back. */
import * as tf from "@tensorflow/tfjs-core";
import type { QuantizedLayer } from "../src/quant/mod.ts";

/** Values of the layers' state, as it was when this was made. */
export class KeptState {
  readonly #kept: readonly { readonly weight: QuantizedLayer["state"][string]; readonly value: tf.Tensor }[];

  constructor(layers: readonly QuantizedLayer[]) {
    this.#kept = layers.flatMap(({ state }) =>
      // Assigning to a variable leaves other tensors of its values alone.
      Object.values(state).map((weight) => ({ weight, value: tf.clone(weight.read()) }))
    );
  }

  /** Gives the layers this state back. It can be given back again. */
  restore(): void {
    for (const { weight, value } of this.#kept) weight.write(value);
  }

  dispose(): void {
    tf.dispose(this.#kept.map(({ value }) => value));
  }
}
