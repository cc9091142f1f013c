/** The state of a layer that puts activations on a grid, as numbers: of one range, or of one for each channel. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { Range } from "../../numbers/qparams.ts";
import type { PerSlice, QParams, QuantScheme } from "../../numbers/scheme.ts";
import type { Channels } from "../observers/observer.ts";
import { checkQParams } from "./_read_config.ts";
import { QuantizedLayerError } from "./quantized_layer.ts";

/** The weights of the state, by name: `min`, `max`, `count`, `scale`, `zero_point`, and what an observer asks for. */
export type State = Readonly<Record<string, tfl.LayerVariable>>;

/** Of the layer whose state it is. */
interface Owner {
  readonly name: string;
  readonly scheme: QuantScheme;
  readonly nonNegative: boolean;
}

/** Bits that observers on the host tell values of a channel apart by: a thousand channels take as much as some tensors. */
export const CHANNEL_BITS = 6;

/**
 * Returns the channels that have a grid each; undefined where there is one grid.
 *
 * @throws {QuantizedLayerError} If their number is open.
 */
export function channelsIn(shape: tfl.Shape, { name, scheme: { granularity } }: Owner): Channels | undefined {
  if (granularity.kind === "per-tensor") return undefined;
  const count = shape.at(granularity.axis);
  if (typeof count === "number") return { axis: granularity.axis, count };
  const given = `[${shape.map((dim) => dim ?? "?")}]`;
  throw new QuantizedLayerError(
    name,
    `axis ${granularity.axis} of its input ${given} has no known size, which a scale for each channel needs`,
  );
}

/**
 * Returns scale and zero point: numbers, or one a channel.
 *
 * @throws {QuantizedLayerError} If they are impossible, as in a damaged file.
 */
export function paramsIn(state: State, { name, scheme }: Owner): QParams<PerSlice> {
  const [scale, zeroPoint] = [valuesOf(state.scale), valuesOf(state.zero_point)];
  scale.forEach((each, i) => checkQParams({ scale: each, zeroPoint: zeroPoint[i] }, scheme, name));
  return scheme.granularity.kind === "per-tensor" ? { scale: scale[0], zeroPoint: zeroPoint[0] } : { scale, zeroPoint };
}

/** Returns the range, of each channel. */
export function rangesIn(state: State): readonly Range[] {
  const most = valuesOf(state.max);
  return valuesOf(state.min).map((min, i) => ({ min, max: most[i] }));
}

/** @throws {QuantizedLayerError} If what was observed cannot have been. */
export function checkRanges(state: State, { name, nonNegative }: Owner): void {
  const [count] = valuesOf(state.count);
  if (!(count > 0 && Number.isFinite(count))) {
    throw new QuantizedLayerError(name, `its count of batches is ${count}, a number of 0 or more is needed`);
  }
  for (const { min, max } of rangesIn(state)) {
    if (Number.isFinite(min) && Number.isFinite(max) && (nonNegative || min <= max)) continue;
    throw new QuantizedLayerError(name, `its range is ${min} to ${max}, two numbers in order are needed`);
  }
}

function valuesOf(variable: tfl.LayerVariable): number[] {
  return Array.from(variable.read().dataSync());
}
