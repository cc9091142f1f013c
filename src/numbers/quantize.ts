/** Quantization of plain typed arrays: ONNX QuantizeLinear and DequantizeLinear, bit for bit. */
import { type ChannelLayout, channelLayout } from "./channels.ts";
import { allocateCodes, clampCode, type Codes } from "./codes.ts";
import { roundHalfEven } from "./round.ts";
import type { Grid, PerSlice, QParams } from "./scheme.ts";

/** What else a grid with one scale a channel needs to know of the values. */
export interface QuantizeOptions {
  /** Shape of the values; needed per channel. */
  readonly shape?: readonly number[];
}

/**
 * Returns the code of `x`, before clamping: rne(x / scale) + zeroPoint.
 *
 * @param x A float32 value.
 * @param params Scale (a float32 value) and zero point.
 */
export function unclampedCode(x: number, params: QParams): number {
  return roundHalfEven(Math.fround(x / params.scale)) + params.zeroPoint;
}

/**
 * Returns the real value of `code`: (code - zeroPoint) * scale, in float32.
 *
 * @param params Scale (a float32 value) and zero point.
 */
export function realOf(code: number, params: QParams): number {
  return Math.fround((code - params.zeroPoint) * params.scale);
}

/**
 * Quantizes float32 values to codes: clamp(rne(x / scale) + zeroPoint, qmin, qmax).
 *
 * Rounding: ties to even, before the zero point is added. NaN has no code and becomes 0.
 * Source: https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html, opset 13.
 *
 * @param x Real values; rounded to float32 if they are not.
 * @returns Codes in the narrowest array that holds [qmin, qmax].
 * @throws {RangeError} If a scale is not greater than 0, or the grid's channels are not those of the shape.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { quantizeLinear } from "./quantize.ts";
 * import { PER_TENSOR } from "./scheme.ts";
 *
 * const grid = { scale: 0.5, zeroPoint: 3, qmin: 0, qmax: 255, granularity: PER_TENSOR };
 * assert.deepEqual(quantizeLinear([0.25, 0.75, -9], grid), new Uint8Array([3, 5, 0]));
 * ```
 */
export function quantizeLinear(x: ArrayLike<number>, grid: Grid<PerSlice>, options: QuantizeOptions = {}): Codes {
  const layout = layoutOf(x.length, grid, options);
  const params = layout.params;
  const codes = allocateCodes(x.length, grid);
  for (let i = 0; i < x.length; i++) {
    codes[i] = clampCode(unclampedCode(Math.fround(x[i]), params[layout.channelOf(i)]), grid);
  }
  return codes;
}

/**
 * Turns codes into the real values they stand for: (code - zeroPoint) * scale.
 *
 * Source: https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html, opset 13.
 *
 * @throws {RangeError} If a scale is not greater than 0, or the grid's channels are not those of the shape.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { dequantizeLinear } from "./quantize.ts";
 * import { perChannel } from "./scheme.ts";
 *
 * const grid = { scale: [0.5, 2], zeroPoint: 0, qmin: -127, qmax: 127, granularity: perChannel(1) };
 * assert.deepEqual(dequantizeLinear([1, 1, -2, -2], grid, { shape: [2, 2] }), new Float32Array([0.5, 2, -1, -4]));
 * ```
 */
export function dequantizeLinear(
  codes: ArrayLike<number>,
  grid: Grid<PerSlice>,
  options: QuantizeOptions = {},
): Float32Array {
  const layout = layoutOf(codes.length, grid, options);
  const real = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) real[i] = realOf(codes[i], layout.params[layout.channelOf(i)]);
  return real;
}

function layoutOf(size: number, grid: Grid<PerSlice>, { shape }: QuantizeOptions): ChannelLayout {
  if (grid.granularity.kind === "per-channel" && shape === undefined) {
    throw new RangeError(`Cannot quantize along axis ${grid.granularity.axis}: the shape of the values is needed`);
  }
  return channelLayout(shape ?? [size], grid);
}
