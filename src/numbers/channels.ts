/** Which scale and zero point belongs to which element. */
import type { Granularity, PerSlice, QParams } from "./scheme.ts";

/** Scales and zero points, and which of them an element of a row-major tensor uses. */
export interface ChannelLayout {
  readonly params: readonly QParams[];
  /** Returns the place in `params` of element `index`. */
  channelOf(index: number): number;
}

/**
 * Spreads the scales and zero points of `grid` over a tensor of `shape`.
 *
 * @throws {RangeError} If a scale is not greater than 0, the axis is outside the shape, or there are neither one nor as
 * many scales as channels.
 */
export function channelLayout(
  shape: readonly number[],
  grid: QParams<PerSlice> & { readonly granularity: Granularity },
): ChannelLayout {
  if (grid.granularity.kind === "per-tensor") return { params: paramsOf(grid, 1), channelOf: () => 0 };
  const { axis } = grid.granularity;
  const at = axis < 0 ? axis + shape.length : axis;
  if (!(at in shape)) {
    throw new RangeError(`Cannot quantize along axis ${axis}: the shape is [${shape}]`);
  }
  const channels = shape[at];
  const inner = shape.slice(at + 1).reduce((product, dim) => product * dim, 1);
  return { params: paramsOf(grid, channels), channelOf: (index) => Math.floor(index / inner) % channels };
}

function paramsOf({ scale, zeroPoint }: QParams<PerSlice>, channels: number): QParams[] {
  return Array.from({ length: channels }, (_, channel) => {
    const params = {
      scale: Math.fround(pick(scale, { channel, channels })),
      zeroPoint: pick(zeroPoint, { channel, channels }),
    };
    if (!(params.scale > 0)) {
      throw new RangeError(`Cannot quantize: the scale of channel ${channel} is ${params.scale}, it must be above 0`);
    }
    return params;
  });
}

function pick(
  values: PerSlice,
  { channel, channels }: { channel: number; channels: number },
): number {
  if (typeof values === "number") return values;
  if (values.length !== 1 && values.length !== channels) {
    throw new RangeError(`Cannot quantize ${channels} channels: ${values.length} scales or zero points are given`);
  }
  return values[values.length === 1 ? 0 : channel];
}

/**
 * Returns the values of each slice of a row-major tensor along an axis, counted from the end if negative.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { slicesAlong } from "./channels.ts";
 *
 * const [first, second] = slicesAlong(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [3, 2], axis: -1 });
 * assert.deepEqual([...first, ...second], [1, 3, 5, 2, 4, 6]);
 * ```
 */
export function slicesAlong(
  values: Float32Array,
  { shape, axis }: { readonly shape: readonly number[]; readonly axis: number },
): readonly Float32Array[] {
  const at = axis < 0 ? axis + shape.length : axis;
  const inner = shape.slice(at + 1).reduce((product, dim) => product * dim, 1);
  const slices = Array.from({ length: shape[at] }, () => new Float32Array(values.length / shape[at]));
  for (let from = 0, to = 0; from < values.length; to += inner) {
    for (const slice of slices) {
      for (let i = 0; i < inner; i++) slice[to + i] = values[from++];
    }
  }
  return slices;
}
