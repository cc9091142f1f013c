/**
 * Transposed convolutions.
 *
 * Along an axis, element i of what is read and element k of the kernel add to place i · stride + k · dilation of a whole,
 * of which the output is a part. TF.js computes wholes of kernels that are not dilated. Others are convolutions of what is
 * read, with zeros between, by the kernel turned round.
 */
import { type Call, refuse, type Row } from "../_call.ts";
import { asPicture, spaceOf } from "../_pictures.ts";
import type { Value } from "../_value.ts";
import { moveLast, zeroPadding } from "./conv.ts";

/** The rows. */
export const TRANSPOSED_CONVOLUTIONS: Readonly<Record<string, Row>> = { ConvTranspose: convTranspose };

/** One axis of a transposed convolution. */
interface Axis {
  /** Length of what is read. */
  readonly input: number;
  readonly output: number;
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  /** Elements of the whole before the output. */
  readonly begin: number;
}

interface Transposing {
  readonly name: string;
  readonly axes: readonly Axis[];
  /** [in, out / groups, area] */
  readonly kernel: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly channels: number;
  readonly filters: number;
}

function convTranspose(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  if (rank !== 3 && rank !== 4) refuse(`it works on [${x.shape}], pictures or rows are needed`);
  const kernel = call.constant(1) ?? refuse("its kernel is computed, a constant is needed");
  const [channels, filters] = kernel.shape;
  const picture = asPicture(call, x, spaceOf(x));
  const axes = axesOf(call, { input: x.shape.slice(2), size: kernel.shape.slice(2) });
  const groups = call.number("group", 1);
  const all = { axes, kernel: call.reals(1, "kernel"), bias: call.has(2) ? call.reals(2, "bias") : undefined };
  const isDilated = axes.some(({ dilation, size }) => dilation > 1 && size > 1);
  // With no zeros between it is a convolution at once, which has an int8 kernel.
  const compute = isDilated || axes.every(({ stride }) => stride === 1) ? byConvolution : byWhole;
  if (groups === 1) {
    return picture.give(compute(call, { ...all, name: picture.name, channels, filters }, ""), call.outputShape());
  }
  const own = channels / groups;
  const parts = Array.from({ length: groups }, (_, index) => {
    const config = { parts: groups, index };
    const name = call.builder.layer({ className: "ChannelSplit", config, inbound: [picture.name] }, "_part");
    const length = all.kernel.length / groups;
    return compute(call, {
      ...all,
      name,
      channels: own,
      filters,
      kernel: all.kernel.subarray(index * length, (index + 1) * length),
      bias: all.bias?.slice(index * filters, (index + 1) * filters),
    }, `_group${index}`);
  });
  const joined = call.builder.layer({ className: "Concatenate", config: { axis: -1 }, inbound: parts });
  return picture.give(joined, call.outputShape());
}

/** Reads the attributes; a row is a picture of one column. */
function axesOf(
  call: Call,
  { input, size }: { readonly input: readonly number[]; readonly size: readonly number[] },
): readonly Axis[] {
  const ones = size.map(() => 1);
  const [strides, dilations] = ["strides", "dilations"].map((key) => call.numbers(key) ?? ones);
  const more = call.numbers("output_padding") ?? size.map(() => 0);
  const pads = call.numbers("pads") ?? size.map(() => 0);
  const mode = call.text("auto_pad", "NOTSET");
  const isAsked = mode.startsWith("SAME") || call.numbers("output_shape") !== undefined;
  const axes = call.outputShape().slice(2).map((output, i): Axis => {
    const [stride, dilation] = [strides[i], dilations[i]];
    const rest = stride * (input[i] - 1) + more[i] + (size[i] - 1) * dilation + 1 - output;
    // Source: ONNX, ConvTranspose-11: the larger half is behind for SAME_UPPER, else before.
    const half = mode === "SAME_UPPER" ? Math.floor(rest / 2) : Math.ceil(rest / 2);
    const begin = isAsked ? half : mode === "VALID" ? 0 : pads[i];
    return { input: input[i], output, size: size[i], stride, dilation, begin };
  });
  return [...axes, { input: 1, output: 1, size: 1, stride: 1, dilation: 1, begin: 0 }].slice(0, 2);
}

/** Everything that TF.js's "valid" gives, of which the output is a part. */
function byWhole(call: Call, { name, axes, kernel, bias, channels, filters }: Transposing, suffix: string): string {
  // Zeros around what is read make room for an output that the kernel does not reach.
  const before = axes.map(({ begin, stride }) => Math.max(0, Math.ceil(-begin / stride)));
  const whole = (axis: Axis, input: number) => Math.max(input * axis.stride, (input - 1) * axis.stride + axis.size);
  const behind = axes.map((axis) =>
    Math.max(0, Math.ceil((axis.begin + axis.output - whole(axis, axis.input)) / axis.stride))
  );
  const inbound = [zeroPadding(call.builder, name, { begin: before, end: behind })];
  const cropping = axes.map((axis, i) => {
    const begin = axis.begin + before[i] * axis.stride;
    return [begin, whole(axis, axis.input + before[i] + behind[i]) - begin - axis.output];
  });
  const size = axes.map((axis) => axis.size);
  const area = size[0] * size[1];
  const isWhole = cropping.flat().every((count) => count === 0);
  const given = call.builder.layer({
    className: "Conv2DTranspose",
    config: {
      filters,
      kernelSize: size,
      strides: axes.map(({ stride }) => stride),
      padding: "valid",
      useBias: bias !== undefined,
      activation: "linear",
      dataFormat: "channelsLast",
    },
    inbound,
    // [in, out, h, w] → [h, w, out, in]
    weights: weightsOf({
      shape: [...size, filters, channels],
      data: moveLast(kernel, { out: channels, inside: filters, area }),
      bias,
    }),
  }, isWhole ? suffix : `${suffix}_whole`);
  return isWhole
    ? given
    : call.builder.layer({ className: "Cropping2D", config: { cropping }, inbound: [given] }, suffix);
}

/** A convolution of what is read, with zeros between, by the kernel turned round. */
function byConvolution(
  call: Call,
  { name, axes, kernel, bias, channels, filters }: Transposing,
  suffix: string,
): string {
  const { builder } = call;
  const parted = withZerosBetween(call, name, axes);
  const begin = axes.map((axis) => (axis.size - 1) * axis.dilation - axis.begin);
  const end = axes.map((axis) => axis.output + axis.begin - axis.input * axis.stride);
  const padded = zeroPadding(builder, parted, { begin, end });
  const cropping = begin.map((pad, i) => [Math.max(0, -pad), Math.max(0, -end[i])]);
  const isWhole = cropping.flat().every((count) => count === 0);
  const inbound = isWhole
    ? padded
    : builder.layer({ className: "Cropping2D", config: { cropping }, inbound: [padded] }, `${suffix}_cropped`);
  const size = axes.map((axis) => axis.size);
  const area = size[0] * size[1];
  const data = new Float32Array(kernel.length);
  for (let from = 0; from < kernel.length; from++) {
    const [place, row] = [from % area, Math.floor(from / area)];
    // [in, out, h, w] → [h, w, in, out], h and w from the last to the first.
    data[((area - 1 - place) * channels + Math.floor(row / filters)) * filters + row % filters] = kernel[from];
  }
  return builder.layer({
    className: "Conv2D",
    config: {
      filters,
      kernelSize: size,
      strides: [1, 1],
      dilationRate: axes.map(({ dilation }) => dilation),
      padding: "valid",
      useBias: bias !== undefined,
      activation: "linear",
      dataFormat: "channelsLast",
    },
    inbound: [inbound],
    weights: weightsOf({ shape: [...size, channels, filters], data, bias }),
  }, suffix);
}

/** Blocks of a pixel each, of which the first element stays. */
function withZerosBetween({ builder }: Call, name: string, axes: readonly Axis[]): string {
  const strides = axes.map(({ stride }) => stride);
  if (strides.every((stride) => stride === 1)) return name;
  const size = [...strides];
  const config = { size, interpolation: "nearest", dataFormat: "channelsLast" };
  const blocks = builder.layer({ className: "UpSampling2D", config, inbound: [name] }, "_blocks");
  const [rows, columns] = axes.map(({ input, stride }) => input * stride);
  const isFirst = Float32Array.from(
    { length: rows * columns },
    (_, i) => Number(Math.floor(i / columns) % strides[0] === 0 && i % columns % strides[1] === 0),
  );
  const mask = builder.constant([rows, columns, 1], isFirst);
  return builder.layer({ className: "Multiply", inbound: [blocks, mask] }, "_parted");
}

function weightsOf(
  { shape, data, bias }: {
    readonly shape: readonly number[];
    readonly data: Float32Array;
    readonly bias: Float32Array | undefined;
  },
) {
  const own = bias === undefined ? [] : [{ name: "bias", shape: [bias.length], data: bias }];
  return [{ name: "kernel", shape, data }, ...own];
}
