/** What a training step does to gradients and weights besides the optimizer's own. */

/** What is done; each by itself, and nothing by default. */
export interface UpdateOptions {
  /**
   * Most that the norm of all gradients together may be; larger ones are scaled down to it.
   * Source: Pascanu et al., "On the difficulty of training recurrent neural networks" (2013), section 3.2.
   */
  readonly clipNorm?: number;
  /**
   * Share of a weight that a step takes away, times the learning rate, beside the optimizer's step ("decoupled").
   * Kernels and embeddings only: no biases, no parameters of normalizations and activations, nothing of quantizers.
   * Source: Loshchilov & Hutter, "Decoupled weight decay regularization" (2019), algorithm 2.
   */
  readonly weightDecay?: number;
  /**
   * Share of the moving average of the weights that a step keeps, in (0, 1); less at first, see `WeightAverage`. The
   * averages are what is judged after epochs, and what the model ends with; training goes on with the weights themselves.
   */
  readonly averageDecay?: number;
}

/**
 * Checks the numbers of `options`.
 *
 * @throws {RangeError} If one is out of range.
 */
export function checkUpdates({ clipNorm, weightDecay, averageDecay }: UpdateOptions, cannot: string): void {
  const isPositive = (value: number | undefined) => value === undefined || (value > 0 && value < Infinity);
  if (!isPositive(clipNorm)) throw wrong(cannot, { what: "clipNorm", is: clipNorm, needed: "a number above 0" });
  if (!isPositive(weightDecay)) {
    throw wrong(cannot, { what: "weightDecay", is: weightDecay, needed: "a number above 0" });
  }
  if (averageDecay === undefined || (averageDecay > 0 && averageDecay < 1)) return;
  throw wrong(cannot, { what: "averageDecay", is: averageDecay, needed: "a number above 0 and below 1" });
}

interface Fault {
  readonly what: string;
  readonly is: number | undefined;
  readonly needed: string;
}

function wrong(cannot: string, { what, is, needed }: Fault): RangeError {
  return new RangeError(`${cannot}: ${what} is ${is}, needed is ${needed}`);
}
