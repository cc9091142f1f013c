/** Quantization schemes: which integers are used and how a range becomes a grid; the presets of this project. */

/** How real values become codes: the integers, and whether the grid is centred on zero. */
export interface QuantScheme {
  /** Bits that a code is stored in. */
  readonly bits: number;
  /** Whether the stored type is signed. */
  readonly signed: boolean;
  /** Smallest code used. */
  readonly qmin: number;
  /** Largest code used. */
  readonly qmax: number;
  /** Whether the zero point is fixed to the middle, so that the range is [-m, m]. */
  readonly symmetric: boolean;
  /** Axis with one scale a slice; absent or null for one scale a tensor. */
  readonly axis?: number | null;
}

/** Codes that a grid or scheme uses, both ends included. */
export interface CodeRange {
  /** Smallest code. */
  readonly qmin: number;
  /** Largest code. */
  readonly qmax: number;
}

/** A scale and zero point: real = (code - zeroPoint) * scale. */
export interface QParams {
  /** Greater than 0; a float32 value. */
  readonly scale: number;
  /** An integer within [qmin, qmax], so that 0 is representable. */
  readonly zeroPoint: number;
}

/**
 * The grid that real values are rounded to, as numbers.
 *
 * One scale and zero point, or with `axis` one for each slice along it.
 */
export interface QuantGrid extends CodeRange {
  /** Scales above 0; used as float32. */
  readonly scale: number | ArrayLike<number>;
  /** Zero points; one number serves all scales. */
  readonly zeroPoint: number | ArrayLike<number>;
  /** Axis with one scale a slice, from the end if negative; absent or null for one scale. */
  readonly axis?: number | null;
}

/**
 * Activations: uint8, affine, one scale a tensor.
 *
 * Source: on x86, ONNX Runtime has fast kernels for uint8 activations with int8 weights only (QUANTIZATION.md B.3).
 */
export const UINT8_AFFINE: QuantScheme = { bits: 8, signed: false, qmin: 0, qmax: 255, symmetric: false };

/** Weights: int8 in [-127, 127], symmetric, one scale a tensor. */
export const INT8_SYMMETRIC: QuantScheme = { bits: 8, signed: true, qmin: -127, qmax: 127, symmetric: true };

/** Weights: int8 in [-127, 127], symmetric, one scale an output channel; the axis is the weight's to say. */
export const INT8_SYMMETRIC_PER_CHANNEL: QuantScheme = { ...INT8_SYMMETRIC, axis: -1 };

/**
 * Grid of values in [0, 1]: outputs of softmax and sigmoid.
 *
 * Source: ONNX Runtime's QLinearSoftmax is exact with scale 1/256 and zero point 0 (QUANTIZATION.md B.5).
 */
export const UNIT_INTERVAL: QParams = { scale: 1 / 256, zeroPoint: 0 };

/**
 * Grid of values in [-1, 1]: outputs of tanh, of which 1 itself is rounded to 127/128.
 *
 * Source: tanh(x) = 2·sigmoid(2x) − 1, so its codes are those of sigmoid on `UNIT_INTERVAL`.
 */
export const SIGNED_UNIT_INTERVAL: QParams = { scale: 1 / 128, zeroPoint: 128 };

/** Whether `scheme` has one scale a slice. */
export function isPerChannel(scheme: QuantScheme): boolean {
  return scheme.axis !== undefined && scheme.axis !== null;
}
