/** Integer constants with the grid that they stand on: what becomes of a fake-quantized weight. */
import { foldedScale, vanishes } from "../../numbers/bias_grid.ts";
import { allocate, type TypedArray } from "../../numbers/dtype.ts";
import { type Node, sizeOf, type Tensor } from "../../onnx/graph.ts";
import type { GraphWriter } from "../../onnx/writer.ts";

/** Which channel elements belong to: that of element i is ⌊i / inner⌋ modulo count, whatever shape they are read in. */
export interface Channels {
  readonly inner: number;
  readonly count: number;
}

/** Codes with their scales: `real = (code - zeroPoint) * scale[channel]`. */
export interface QuantizedConstant {
  readonly codes: Tensor;
  /** One scale, or one a channel. */
  readonly scale: Float32Array;
  readonly zeroPoint: TypedArray;
  /** Absent when there is one scale. */
  readonly channels?: Channels;
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
  return { ...base, channels: channelsAlong(codes.shape, (node.attrs.axis as number | undefined) ?? 1) };
}

/** Appends the DequantizeLinear of `constant` and returns its output. */
export function emitQuantized(
  out: GraphWriter,
  constant: QuantizedConstant,
  options: { readonly base: string; readonly output?: string; readonly like?: Node },
): string {
  const { codes, scale, zeroPoint, channels, node } = constant;
  const { base, output, like = node } = options;
  const axes = channels === undefined ? [undefined] : axesOf(codes.shape, channels);
  if (axes.length !== 1) throw noAxis(node, codes.shape);
  const [axis] = axes;
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
function transpose<T extends TypedArray>(data: T, shape: readonly number[], perm: readonly number[]): T {
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

/**
 * Reorders a constant's elements as Transpose does, its channels with them.
 *
 * @throws {RangeError} If the axes that make the channels together do not stay together.
 */
export function transposed(constant: QuantizedConstant, perm: readonly number[]): QuantizedConstant {
  const { codes, channels, node } = constant;
  const shape = perm.map((axis) => codes.shape[axis]);
  const moved = { ...constant, codes: { ...codes, shape, data: transpose(codes.data, codes.shape, perm) } };
  if (channels === undefined) return moved;
  const axes = axesOf(codes.shape, channels);
  const first = perm.indexOf(axes[0]);
  const stay = axes.length > 0 && axes.every((axis, i) => perm[first + i] === axis);
  if (!stay) throw noAxis(node, codes.shape);
  return { ...moved, channels: { inner: sizeOf(shape.slice(first + axes.length)), count: channels.count } };
}

/** Channels that lie along `axis`, counted from the end where it is negative. */
function channelsAlong(shape: readonly number[], axis: number): Channels {
  const positive = axis < 0 ? axis + shape.length : axis;
  return { inner: sizeOf(shape.slice(positive + 1)), count: shape[positive] };
}

/** Returns the axes, one behind the other, whose places together are the channel of every element; none if there are none. */
function axesOf(shape: readonly number[], { inner, count }: Channels): readonly number[] {
  const end = shape.findIndex((_, axis) => sizeOf(shape.slice(axis + 1)) === inner) + 1;
  for (let first = end - 1; first >= 0; first--) {
    if (sizeOf(shape.slice(first, end)) === count) return Array.from({ length: end - first }, (_, i) => first + i);
  }
  return [];
}

function noAxis({ name }: Node, shape: readonly number[]): RangeError {
  return new RangeError(`Cannot quantize the weights of "${name}": its channels lie along no one axis of [${shape}]`);
}

/** Returns the zero point that all channels have, or undefined if they differ. */
export function commonZeroPoint({ zeroPoint }: QuantizedConstant): number | undefined {
  const [first, ...rest] = Array.from<number | bigint, number>(zeroPoint, Number);
  return rest.every((z) => z === first) ? first : undefined;
}

/**
 * Returns codes with every channel's sign and scale multiplied by a factor. A factor of 0 leaves a dead channel, on the
 * least scale that there is.
 *
 * The channels have one zero point, which fold_batch_norm.ts makes sure of.
 */
export function scaleChannels(
  constant: QuantizedConstant,
  factors: Float64Array,
  axis: number,
): QuantizedConstant {
  const { codes, channels = channelsAlong(codes.shape, axis) } = constant;
  const scaleOf = (c: number) => constant.scale[constant.scale.length === 1 ? 0 : c];
  const zero = Number(constant.zeroPoint[0]);
  const data = allocate(codes.dtype, codes.data.length);
  const signs = Array.from(factors, (factor, c) => vanishes(scaleOf(c), factor) ? 0 : Math.sign(factor));
  forEachChannel(channels, data.length, (c, from, to) => {
    for (let i = from; i < to; i++) data[i] = zero + signs[c] * (Number(codes.data[i]) - zero);
  });
  const scale = Float32Array.from(factors, (factor, c) => foldedScale(scaleOf(c), factor));
  const zeroPoint = allocate(codes.dtype, scale.length);
  for (let c = 0; c < scale.length; c++) zeroPoint[c] = zero;
  return { ...constant, codes: { ...codes, data }, scale, zeroPoint, channels };
}

/** Calls `fn` for every stretch of elements, of `length` in all, that belong to one channel. */
export function forEachChannel(
  { inner, count }: Channels,
  length: number,
  fn: (channel: number, from: number, to: number) => void,
): void {
  for (let from = 0, k = 0; from < length; from += inner, k++) fn(k % count, from, from + inner);
}
