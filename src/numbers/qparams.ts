/**
 * From a range of real values to a scale and zero point.
 *
 * The range is first widened to contain 0, so that padding and ReLU's zeros are exact. Then, in float32:
 *
 *   affine     s = (hi - lo) / steps            z = clamp(qmin - rne(lo / s), qmin, qmax)
 *   symmetric  s = max(-lo, hi) / (steps / 2)   z = 0, or the middle code of an unsigned type
 *
 * steps is qmax - qmin, or the scheme's span: PyTorch's "reduce range", with codes that saturate later.
 * On [-127, 127] the symmetric divisor is 127, as ONNX Runtime has it; on [-128, 127] it is 127.5, PyTorch's.
 * A range of width 0 gets `EMPTY_SCALE`. Any other scale is as small as the range asks for, where PyTorch
 * stops at 2^-23: values of 1e-6 would all be 0. It ends at `LEAST_SCALE`, near the end of float32's normal numbers.
 */
import { clampCode, type CodeRange, isSigned } from "./codes.ts";
import { LEAST_NORMAL, roundHalfEven } from "./round.ts";
import { type QParams, type QuantScheme, stepsOf } from "./scheme.ts";

/** A closed range of real values, as numbers or tensors. */
export interface Range<T = number> {
  /** Lower end. */
  readonly min: T;
  /** Upper end. */
  readonly max: T;
}

/**
 * Smallest scale that there is: values below half of it are 0.
 *
 * Two bits above float32's smallest normal number, which thereby stands for 0 on every grid (`src/passes/guard_pad.ts`).
 */
export const LEAST_SCALE = 4 * LEAST_NORMAL;

/**
 * Scale of activations that were 0 whenever they were looked at.
 *
 * A bias behind them lies on a grid of it times the weights' scale, for which 1, as ONNX Runtime's quantizer has it, is too
 * coarse. Half way to the end of float32, so that kernels can multiply with its ratios to other scales.
 */
export const EMPTY_SCALE = 2 ** -62;

/**
 * Computes the scale and zero point of `range` under `scheme`.
 *
 * Rounding: float32 throughout, each operation rounded.
 * Source: PyTorch `UniformQuantizationObserverBase._calculate_qparams`; ONNX Runtime `quant_utils.compute_scale_zp`.
 *
 * @throws {RangeError} If the range is not finite or its ends are swapped.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { computeQParams } from "./qparams.ts";
 * import { UINT8_AFFINE } from "./scheme.ts";
 *
 * assert.deepEqual(computeQParams({ min: -1, max: 254 }, UINT8_AFFINE), { scale: 1, zeroPoint: 1 });
 * ```
 */
export function computeQParams(range: Range, scheme: QuantScheme): QParams {
  if (!Number.isFinite(range.min) || !Number.isFinite(range.max) || range.min > range.max) {
    throw new RangeError(
      `Cannot compute a scale: the range is [${range.min}, ${range.max}], two finite numbers in order are needed`,
    );
  }
  const lo = Math.fround(Math.min(range.min, 0));
  const hi = Math.fround(Math.max(range.max, 0));
  if (scheme.symmetric) {
    const scale = scaleOfWidth(Math.max(-lo, hi), stepsOf(scheme) / 2);
    return { scale, zeroPoint: symmetricZeroPoint(scheme) };
  }
  const scale = scaleOfWidth(Math.fround(hi - lo), stepsOf(scheme));
  return { scale, zeroPoint: clampCode(scheme.qmin - roundHalfEven(Math.fround(lo / scale)), scheme) };
}

/**
 * Widens `range` so that the middle code of an affine `scheme` stands for 0: as many codes lie above 0 as below it, but for
 * one.
 *
 * Source: `CalibTensorRangeSymmetric` of ONNX Runtime's quantizer, which makes the range [-m, m]; here its lower end is one
 * step further down, so that the code of 0 is the same on every grid.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { balancedRange, computeQParams } from "./qparams.ts";
 * import { UINT8_AFFINE } from "./scheme.ts";
 *
 * const range = balancedRange({ min: -1, max: 254 }, UINT8_AFFINE);
 * assert.deepEqual(range, { min: -256, max: 254 });
 * assert.deepEqual(computeQParams(range, UINT8_AFFINE), { scale: 2, zeroPoint: 128 });
 * ```
 */
export function balancedRange({ min, max }: Range, scheme: QuantScheme): Range {
  const steps = stepsOf(scheme);
  const below = Math.ceil(steps / 2);
  const most = Math.max(-min, max, 0);
  return { min: -most * below / (steps - below) + 0, max: most };
}

/** Returns the real values that the codes of a grid stand for. */
export function rangeOfGrid({ scale, zeroPoint, qmin, qmax }: QParams & CodeRange): Range {
  return { min: (qmin - zeroPoint) * scale, max: (qmax - zeroPoint) * scale };
}

/** Returns the zero point of every symmetric grid of `scheme`: 0, or the middle code of an unsigned type. */
export function symmetricZeroPoint(scheme: QuantScheme): number {
  return isSigned(scheme.dtype) ? 0 : scheme.qmin + Math.ceil(stepsOf(scheme) / 2);
}

/** Returns how far the codes of a symmetric `scheme` reach above the one of 0. */
export function codesAboveZero(scheme: QuantScheme): number {
  return scheme.qmax - symmetricZeroPoint(scheme);
}

function scaleOfWidth(width: number, steps: number): number {
  return width === 0 ? EMPTY_SCALE : Math.max(Math.fround(width / steps), LEAST_SCALE);
}
