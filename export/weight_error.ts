/** What rounding does to a layer's weights. */

/** Powers of a signal and of the noise that rounding adds. */
export interface WeightError {
  /** Signal to quantization noise, 10·log10(Σw² / Σ(w − ŵ)²), in dB; null where nothing was lost. */
  readonly sqnrDb: number | null;
}

/** Compares weights with their rounded values. */
export function weightError(real: ArrayLike<number>, rounded: ArrayLike<number>): WeightError {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < real.length; i++) {
    signal += real[i] ** 2;
    noise += (real[i] - rounded[i]) ** 2;
  }
  return { sqnrDb: noise === 0 || signal === 0 ? null : 10 * Math.log10(signal / noise) };
}
