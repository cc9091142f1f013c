/** Where the output channels of a weight are. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";

/** Which weight is quantized, and where its output channels are. */
export interface QuantizedWeight {
  /** The weight's name within its layer: "kernel", "depthwise_kernel", … */
  readonly name: string;
  /** Axis of the output channels, in TF.js's layout. Not used by a scheme with one scale a tensor. */
  readonly axis: number;
  /** For kernels [kh, kw, in, multiplier]: output channels are the last two axes together. Default: false. */
  readonly depthwise?: boolean;
}

/** Views a depthwise kernel [kh, kw, in, multiplier] as [kh, kw, in * multiplier]; any other weight as it is. */
export function channelView(weight: tf.Tensor, { depthwise }: Pick<QuantizedWeight, "depthwise">): tf.Tensor {
  if (!depthwise) return weight;
  const [kh, kw, channels, multiplier] = weight.shape;
  return tf.reshape(weight, [kh, kw, channels * multiplier]);
}

/** Returns the axis of the output channels in that view. */
export function axisOf({ axis, depthwise }: Pick<QuantizedWeight, "axis" | "depthwise">): number {
  return depthwise ? 2 : axis;
}

/** Returns the number of output channels of a weight of `shape`. */
export function channelsOf(shape: tfl.Shape, { axis, depthwise }: QuantizedWeight): number | null {
  if (!depthwise) return shape.at(axis) ?? null;
  return (shape[2] ?? 0) * (shape[3] ?? 0);
}

/** Lists the axes of a value of `rank` but `axis`. */
export function otherAxes(rank: number, axis: number): number[] {
  const kept = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank }, (_, i) => i).filter((i) => i !== kept);
}
