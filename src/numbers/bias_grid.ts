/**
 * The grid of biases: int32 with zero point 0 and, per channel c, the scale of the integer products that they are added to,
 *
 *   g[c] = s_x * max(s_w[c], max(|b[c]| / MAX_BIAS_CODE, MIN_BIAS_SCALE) / s_x)
 *
 * with s_x the input's scale and s_w the weights'. The maxima keep codes within int32, and scales above 0, where a channel's
 * weights are next to nothing; onnxruntime's own quantizer does the like (docs/quantization.md, section 6). Weights that are
 * all 0 have the least scale there is, so that their channel's grid is as fine as its bias wants.
 *
 * Rounding: float32, each operation rounded, so that `src/quant/layers/_accumulator_grid.ts` computes the same in a graph.
 */
import { unclampedCode } from "./quantize.ts";
import { LEAST_SCALE } from "./qparams.ts";

/** Largest code of a bias: leaves one bit of int32 for the products. */
export const MAX_BIAS_CODE = 2 ** 30;

/** Smallest scale of a bias: one bit above the least of all, so that rounding a product does not leave float32's normal range. */
export const MIN_BIAS_SCALE = 2 * LEAST_SCALE;

/**
 * Returns the least scale of weights with which `bias` has a code.
 *
 * @param bias A float32 value.
 * @param inputScale The input's scale, above 0, a float32 value.
 */
export function leastWeightScale(bias: number, inputScale: number): number {
  return Math.fround(Math.max(Math.fround(Math.abs(bias) / MAX_BIAS_CODE), MIN_BIAS_SCALE) / inputScale);
}

/** Returns the scale of a bias: that of the products of an input and weights with these scales. */
export function biasScale(inputScale: number, weightScale: number): number {
  return Math.fround(inputScale * weightScale);
}

/** Returns the code of `bias` on the grid of `scale`. */
export function biasCode(bias: number, scale: number): number {
  return unclampedCode(bias, { scale, zeroPoint: 0 });
}

/**
 * Returns the scale of weights that batch normalization multiplies with `factor`: the sign goes to their codes.
 *
 * At least `LEAST_SCALE`: below it such weights are next to nothing (`vanishes`), and are written as codes 0.
 */
export function foldedScale(scale: number, factor: number): number {
  return Math.max(Math.fround(scale * Math.abs(factor)), LEAST_SCALE);
}

/** Whether nothing is left of weights of this scale when batch normalization multiplies them with `factor`. */
export function vanishes(scale: number, factor: number): boolean {
  return Math.fround(scale * Math.abs(factor)) < LEAST_SCALE;
}
