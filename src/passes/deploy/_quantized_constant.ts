/** Integer constants with the grid that they stand on: what becomes of a fake-quantized weight. */
import { foldedScale } from "../../numbers/bias_grid.ts";
import { allocate, type TypedArray } from "../../numbers/dtype.ts";
import { type Node, sizeOf, type Tensor } from "../../onnx/graph.ts";
import type { GraphWriter } from "../../onnx/writer.ts";

/** Codes with their scales: `real = (code - zeroPoint) * scale[channel]`. */
export interface QuantizedConstant {
  readonly codes: Tensor;
  /** One scale, or one a channel. */
  readonly scale: Float32Array;
  readonly zeroPoint: TypedArray;
  /** The channel of each element; absent when there is one scale. */
  readonly channel?: Int32Array;
  /** The DequantizeLinear that it comes from. */
  readonly node: Node;
}

/** Reads the constant behind a DequantizeLinear, or returns undefined if its operands are not all constants. */
export function quantizedConstant(
  node: Node | undefined,
  constant: (name: string | undefined) => Tensor | undefined,
): QuantizedConstant | undefined {
  if (node?.op !== "DequantizeLinear") return undefined;
  const [codes, scale, zeroPoint] = node.inputs.map(constant);
  if (codes === undefined || scale === undefined || zeroPoint === undefined) return undefined;
  const base = { codes, scale: scale.data as Float32Array, zeroPoint: zeroPoint.data, node };
  if (scale.data.length === 1) return base;
  return { ...base, channel: channelIds(codes.shape, (node.attrs.axis as number | undefined) ?? 1) };
}

/** Appends the DequantizeLinear of `constant` and returns its output. */
export function emitQuantized(
  out: GraphWriter,
  constant: QuantizedConstant,
  options: { readonly base: string; readonly output?: string; readonly like?: Node },
): string {
  const { codes, scale, zeroPoint, channel, node } = constant;
  const { base, output, like = node } = options;
  const axis = channel === undefined ? undefined : axisOf(codes.shape, channel, node.name);
  const shape = axis === undefined ? [] : [scale.length];
  const inputs = [
    out.constant(`${base}_codes`, codes.dtype, codes.shape, codes.data),
    out.constant(`${base}_scale`, "float32", shape, scale),
    out.constant(`${base}_zero_point`, codes.dtype, shape, zeroPoint),
  ];
  return out.emit("DequantizeLinear", inputs, {
    ...(axis === undefined ? {} : { attrs: { axis } }),
    ...(output === undefined ? {} : { output }),
    like,
  });
}

/** Reorders elements as Transpose does. */
export function transpose<T extends TypedArray>(data: T, shape: readonly number[], perm: readonly number[]): T {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const target = perm.map((axis) => shape[axis]);
  const steps = perm.map((axis) => strides[axis]);
  const result = data.slice() as T;
  const position = target.map(() => 0);
  let source = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[source];
    for (let axis = target.length - 1; axis >= 0; axis--) {
      source += steps[axis];
      if (++position[axis] < target[axis]) break;
      source -= steps[axis] * target[axis];
      position[axis] = 0;
    }
  }
  return result;
}

/** Returns the position along `axis` of every element. */
function channelIds(shape: readonly number[], axis: number): Int32Array {
  const inner = sizeOf(shape.slice(axis + 1));
  return Int32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(i / inner) % shape[axis]);
}

/** Finds the axis whose position is the channel of every element. */
function axisOf(shape: readonly number[], channel: Int32Array, name: string): number {
  const axis = shape.findIndex((_, axis) => channelIds(shape, axis).every((id, i) => id === channel[i]));
  if (axis >= 0) return axis;
  throw new RangeError(`Cannot quantize the weights of "${name}": its channels lie along no one axis of [${shape}]`);
}

/** Returns the zero point that all channels have, or undefined if they differ. */
export function commonZeroPoint({ zeroPoint }: QuantizedConstant): number | undefined {
  const [first, ...rest] = Array.from<number | bigint, number>(zeroPoint, Number);
  return rest.every((z) => z === first) ? first : undefined;
}

/**
 * Returns codes with every channel's sign and scale multiplied by a factor. A factor of 0 leaves a dead channel.
 *
 * The channels have one zero point, which fold_batch_norm.ts makes sure of.
 */
export function scaleChannels(
  constant: QuantizedConstant,
  factors: Float64Array,
  axis: number,
): QuantizedConstant {
  const { codes, channel } = constant;
  const ids = channel ?? channelIds(codes.shape, axis);
  const scaleOf = (c: number) => constant.scale[constant.scale.length === 1 ? 0 : c];
  const scaled = Array.from(factors, (factor, c) => foldedScale(scaleOf(c), factor));
  const zero = Number(constant.zeroPoint[0]);
  const data = allocate(codes.dtype, codes.data.length);
  for (let i = 0; i < data.length; i++) {
    const sign = scaled[ids[i]] === undefined ? 0 : Math.sign(factors[ids[i]]);
    data[i] = zero + sign * (Number(codes.data[i]) - zero);
  }
  const scale = Float32Array.from(scaled, (s, c) => s ?? scaleOf(c));
  const zeroPoint = allocate(codes.dtype, scale.length);
  for (let c = 0; c < scale.length; c++) zeroPoint[c] = zero;
  return { ...constant, codes: { ...codes, data }, scale, zeroPoint, channel: ids };
}
