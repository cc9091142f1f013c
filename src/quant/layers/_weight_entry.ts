/** A weight that is quantized: its scales, how they follow it, and how it is rounded. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { slicesAlong } from "../../numbers/channels.ts";
import { type CodeRange, type Granularity, PER_TENSOR, perChannel, type QuantScheme } from "../../numbers/scheme.ts";
import { fakeQuantize } from "../fake_quantize.ts";
import { leastSquaresShare } from "../observers/weights.ts";
import { symmetricTensorScale } from "../qparams_tensor.ts";
import { axisOf, channelView, otherAxes, type QuantizedWeight } from "./weight_channels.ts";

/** The codes that weights get, and the one of 0. */
export interface CodesInUse extends CodeRange {
  readonly zeroPoint: number;
}

/** A weight that is quantized: the variable, its scale's variable, and how its channels lie. */
export interface Entry extends QuantizedWeight {
  readonly variable: tfl.LayerVariable;
  readonly scale: tfl.LayerVariable;
  /** Share of the largest magnitude that the grid reaches; absent where that is all of it. */
  readonly share?: tfl.LayerVariable;
}

/** Sets the scale from the largest magnitudes as they are now, without reading values. */
export function followWeight({ variable, scale, share, ...spec }: Entry, scheme: QuantScheme): void {
  tf.tidy(() => {
    const magnitudes = tf.abs(channelView(variable.read(), spec));
    const axes = scale.shape.length === 0 ? undefined : otherAxes(magnitudes.rank, axisOf(spec));
    const most = tf.max(magnitudes, axes);
    scale.write(symmetricTensorScale(share === undefined ? most : tf.mul(most, share.read()), scheme));
  });
}

/** Searches the share of the largest magnitude that loses least, of every channel, where there is one. Reads values. */
export function findShare({ variable, scale, share, ...spec }: Entry, scheme: QuantScheme): void {
  if (share === undefined) return;
  tf.tidy(() => {
    const weights = channelView(variable.read(), spec);
    const values = weights.dataSync<"float32">();
    const isOne = scale.shape.length === 0;
    const channels = isOne ? [values] : slicesAlong(values, { shape: weights.shape, axis: axisOf(spec) });
    const shares = channels.map((channel) => leastSquaresShare(channel, scheme));
    share.write(tf.tensor(shares, isOne ? [] : [shares.length]));
  });
}

/** Returns the weight on its grid. */
export function roundedWeight(entry: Entry, codes: CodesInUse): tf.Tensor {
  const [real, scale] = [entry.variable.read(), entry.scale.read()];
  const zeroPoint = tf.fill(scale.shape, codes.zeroPoint, "float32");
  const grid = { ...codes, scale, zeroPoint, granularity: granularityOf(entry) };
  const rounded = fakeQuantize(channelView(real, entry), grid);
  return entry.depthwise ? tf.reshape(rounded, real.shape) : rounded;
}

/** Returns how many scales there are; an axis is that of `channelView`. */
export function granularityOf({ scale, ...spec }: Entry): Granularity {
  return scale.shape.length === 0 ? PER_TENSOR : perChannel(axisOf(spec));
}

/**
 * The codes to clamp to right after scales were set from the weights: none, if the largest magnitude has the last code on
 * either side. Clamping changes nothing then, and takes three passes over the weights in the forward and backward pass.
 */
export function codesOfObserved({ qmin, qmax, zeroPoint }: CodesInUse): CodesInUse {
  return zeroPoint - qmin === qmax - zeroPoint
    ? { qmin: -Infinity, qmax: Infinity, zeroPoint }
    : { qmin, qmax, zeroPoint };
}
