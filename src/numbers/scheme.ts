/** Quantization schemes and grids: which integers are used, how a range becomes a grid; the presets of this project. */
import { type CodeRange, codeRangeOf, type CodeType, containsCodes, isSigned } from "./codes.ts";

export type { CodeRange, CodeType } from "./codes.ts";

/** How many scales a tensor has: one, or one for each slice along an axis, counted from the end if negative. */
export type Granularity =
  | { readonly kind: "per-tensor" }
  | { readonly kind: "per-channel"; readonly axis: number };

/** One scale a tensor. */
export const PER_TENSOR: Granularity = { kind: "per-tensor" };

/** Returns the granularity of one scale for each slice along `axis`, counted from the end if negative. */
export function perChannel(axis: number): Granularity {
  return { kind: "per-channel", axis };
}

/** How real values become codes: the integers in use, and whether the grid is centred on zero. */
export interface QuantScheme extends CodeRange {
  /** The type that codes are stored in. */
  readonly dtype: CodeType;
  /** Whether the zero point is fixed to the middle, so that the range is [-m, m]. */
  readonly symmetric: boolean;
  /** How many scales there are. */
  readonly granularity: Granularity;
  /**
   * Steps from `qmin` on that a range is spread over; values beyond it still get codes, up to `qmax`.
   * Default: qmax - qmin, all of them.
   */
  readonly span?: number;
}

/** A scale and zero point, as numbers, arrays or tensors: real = (code - zeroPoint) * scale. */
export interface QParams<T = number> {
  /** Greater than 0; used as float32. */
  readonly scale: T;
  /** Whole numbers within [qmin, qmax], so that 0 is representable. */
  readonly zeroPoint: T;
}

/** The grid that real values are rounded to. Per channel, one number stands for all slices. */
export interface Grid<T = number> extends QParams<T>, CodeRange {
  /** How many scales there are. */
  readonly granularity: Granularity;
}

/** A number for a tensor or for all its slices, or one a slice. */
export type PerSlice = number | ArrayLike<number>;

/**
 * Activations: uint8, affine, one scale a tensor.
 *
 * Source: on x86, ONNX Runtime has fast kernels for uint8 activations with int8 weights only (docs/quantization.md, section 8).
 */
export const UINT8_AFFINE: QuantScheme = {
  dtype: "uint8",
  ...codeRangeOf("uint8"),
  symmetric: false,
  granularity: PER_TENSOR,
};

/** Weights: int8 in [-127, 127], symmetric, one scale a tensor. */
export const INT8_SYMMETRIC: QuantScheme = {
  dtype: "int8",
  qmin: -127,
  qmax: 127,
  symmetric: true,
  granularity: PER_TENSOR,
};

/** Weights of other tools' files: int8, affine, one scale a tensor. */
export const INT8_AFFINE: QuantScheme = { ...UINT8_AFFINE, dtype: "int8", ...codeRangeOf("int8") };

/** Weights: int8 in [-127, 127], symmetric, one scale an output channel; which axis that is, the weight says. */
export const INT8_SYMMETRIC_PER_CHANNEL: QuantScheme = { ...INT8_SYMMETRIC, granularity: perChannel(-1) };

/** Returns the number of steps that `scheme` spreads a range over. */
export function stepsOf({ qmin, qmax, span = qmax - qmin }: QuantScheme): number {
  return span;
}

/** An interval that an operator's outputs lie in, known beforehand: [0, 1] of softmax and sigmoid, [-1, 1] of tanh. */
export type Interval = "unit" | "signed-unit";

/**
 * Returns the grid of values within `interval`: one step more than the scheme has, so that 1 itself is rounded to the last
 * code; eight bits have 2^8 steps. A symmetric grid has half of its codes for [0, 1].
 *
 * Sources: ONNX Runtime's QLinearSoftmax is exact with scale 1/256 and the smallest code for 0 (docs/quantization.md, section 2);
 * tanh(x) = 2·sigmoid(2x) − 1, so that its codes on the one grid are those of sigmoid on the other.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { gridOfInterval, UINT8_AFFINE } from "./scheme.ts";
 *
 * assert.deepEqual(gridOfInterval("unit", UINT8_AFFINE), { scale: 1 / 256, zeroPoint: 0 });
 * assert.deepEqual(gridOfInterval("signed-unit", UINT8_AFFINE), { scale: 1 / 128, zeroPoint: 128 });
 * ```
 */
export function gridOfInterval(interval: Interval, scheme: QuantScheme): QParams {
  const { dtype, qmin, symmetric } = scheme;
  const steps = stepsOf(scheme) + 1;
  if (interval === "unit" && !symmetric) return { scale: Math.fround(1 / steps), zeroPoint: qmin };
  const zeroPoint = symmetric && isSigned(dtype) ? 0 : qmin + Math.floor(steps / 2);
  return { scale: Math.fround(2 / steps), zeroPoint };
}

/** Says what is wrong with `scheme`, as the end of a sentence: "what is, what is needed"; undefined if nothing is. */
export function faultOfScheme(scheme: QuantScheme): string | undefined {
  const { dtype, qmin, qmax, granularity, symmetric } = scheme;
  const held = codeRangeOf(dtype);
  if (!Number.isInteger(qmin) || !Number.isInteger(qmax) || qmin >= qmax) {
    return `its codes are ${qmin} to ${qmax}, two whole numbers in order are needed`;
  }
  if (!containsCodes(held, scheme)) {
    return `its codes are ${qmin} to ${qmax}, codes within ${held.qmin} to ${held.qmax} are needed for ${dtype}`;
  }
  if (symmetric && qmin < 0 && qmax <= 0) return `its codes are ${qmin} to ${qmax}, 0 must lie between them`;
  const steps = stepsOf(scheme);
  if (!Number.isInteger(steps) || steps < 1 || steps > qmax - qmin) {
    return `its span is ${steps}, a whole number from 1 to ${qmax - qmin} is needed`;
  }
  if (granularity.kind === "per-channel" && !Number.isInteger(granularity.axis)) {
    return `its axis is ${granularity.axis}, a whole number is needed`;
  }
  return undefined;
}

/**
 * Says what is wrong with a scale and zero point for `codes`, as the end of a sentence; undefined if nothing is.
 *
 * A scale must be above 0, and so small that every code stands for a finite float32.
 */
export function faultOfQParams({ scale, zeroPoint }: QParams, { qmin, qmax }: CodeRange): string | undefined {
  if (!Number.isInteger(zeroPoint) || zeroPoint < qmin || zeroPoint > qmax) {
    return `its zero point is ${zeroPoint}, a whole number from ${qmin} to ${qmax} is needed`;
  }
  const largest = Math.fround(scale) * Math.max(qmax - zeroPoint, zeroPoint - qmin);
  if (Math.fround(scale) > 0 && Number.isFinite(Math.fround(largest))) return undefined;
  return `its scale is ${scale}, a number above 0 that keeps codes within float32 is needed`;
}
