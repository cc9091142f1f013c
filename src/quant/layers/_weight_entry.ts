/** A weight that is quantized: its grid, how that follows it, and how it is rounded. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { slicesAlong } from "../../numbers/channels.ts";
import { type CodeRange, type Granularity, PER_TENSOR, perChannel, type QuantScheme } from "../../numbers/scheme.ts";
import { symmetricZeroPoint } from "../../numbers/qparams.ts";
import { fakeQuantize } from "../fake_quantize.ts";
import { leastSquaresShare } from "../observers/weights.ts";
import { affineTensorQParams, symmetricTensorScale } from "../qparams_tensor.ts";
import { axisOf, channelView, otherAxes, type QuantizedWeight } from "./weight_channels.ts";

/** A weight that is quantized: the variable, those of its grid, and how its channels lie. */
export interface Entry extends QuantizedWeight {
  readonly variable: tfl.LayerVariable;
  readonly scale: tfl.LayerVariable;
  /** Of affine grids, as many as scales; symmetric ones have the scheme's. */
  readonly zeroPoint?: tfl.LayerVariable;
  /** Share of the range that the grid reaches; absent where that is all of it. */
  readonly share?: tfl.LayerVariable;
}

/** Sets the grid from the weights as they are now, without reading values. */
export function followWeight({ variable, scale, zeroPoint, share, ...spec }: Entry, scheme: QuantScheme): void {
  tf.tidy(() => {
    const weights = channelView(variable.read(), spec);
    const axes = scale.shape.length === 0 ? undefined : otherAxes(weights.rank, axisOf(spec));
    const kept = (end: tf.Tensor) => share === undefined ? end : tf.mul(end, share.read());
    if (zeroPoint === undefined) {
      scale.write(symmetricTensorScale(kept(tf.max(tf.abs(weights), axes)), scheme));
      return;
    }
    // Both ends contain 0 before they move together, as where the share is searched.
    const [min, max] = [tf.minimum(tf.min(weights, axes), 0), tf.maximum(tf.max(weights, axes), 0)];
    const grid = affineTensorQParams({ min: kept(min), max: kept(max) }, scheme);
    scale.write(grid.scale);
    zeroPoint.write(grid.zeroPoint);
  });
}

/** Searches the share of the range that loses least, of every channel, where there is one. Reads values. */
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

/** Returns the weight on its grid; `isExact` says that the grid was found from all of it as it is. */
export function roundedWeight(
  entry: Entry,
  { scheme, isExact }: { readonly scheme: QuantScheme; readonly isExact: boolean },
): tf.Tensor {
  const [real, scale] = [entry.variable.read(), entry.scale.read()];
  const zeroPoint = entry.zeroPoint?.read() ?? tf.fill(scale.shape, symmetricZeroPoint(scheme), "float32");
  const codes = isExact ? codesOfExact(scheme) : { qmin: scheme.qmin, qmax: scheme.qmax };
  const rounded = fakeQuantize(channelView(real, entry), {
    ...codes,
    scale,
    zeroPoint,
    granularity: granularityOf(entry),
  });
  return entry.depthwise ? tf.reshape(rounded, real.shape) : rounded;
}

/** Returns how many scales there are; an axis is that of `channelView`. */
export function granularityOf({ scale, ...spec }: Entry): Granularity {
  return scale.shape.length === 0 ? PER_TENSOR : perChannel(axisOf(spec));
}

/**
 * The codes to clamp to right after scales were set from the weights: none, if the largest magnitude has the last code on
 * either side. Clamping changes nothing then, and takes three passes over the weights in the forward and backward pass. On
 * an affine grid the ends lie between codes, as the zero point is rounded.
 */
function codesOfExact(scheme: QuantScheme): CodeRange {
  const { qmin, qmax, symmetric } = scheme;
  const zeroPoint = symmetricZeroPoint(scheme);
  return symmetric && zeroPoint - qmin === qmax - zeroPoint ? { qmin: -Infinity, qmax: Infinity } : { qmin, qmax };
}
