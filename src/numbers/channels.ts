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
