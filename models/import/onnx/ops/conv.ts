/** Convolutions and products with constant weights. */
import type { LayerConfig } from "../../../../src/rewrite/mod.ts";
import { contextOf, productOf } from "./attention.ts";
import { type Call, refuse, type Row } from "../_call.ts";
import type { RealWeight } from "../_builder.ts";
import { constantValue, permuted } from "../_constants.ts";
import { channelsLast, lastOrder, plainOrder, storedShape, type Value } from "../_value.ts";
import { alongAxes, isSame, isValid, type Windows, windowsOf } from "../_windows.ts";
import { operation } from "../_operation.ts";
import { asPicture, spaceOf } from "../_pictures.ts";

/** The rows. */
export const CONVOLUTIONS: Readonly<Record<string, Row>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matMul,
};

function conv(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  if (rank !== 3 && rank !== 4) refuse(`it convolves [${x.shape}], pictures or rows are needed`);
  const kernel = call.constant(1) ?? refuse("its kernel is computed, a constant is needed");
  const [filters, inside, ...size] = kernel.shape;
  const [, channels, ...input] = x.shape;
  const shape = call.outputShape();
  const windows = windowsOf(call, { size, input, output: shape.slice(2) });
  const groups = channels / inside;
  const isPlain = isValid(windows) || isSame(windows, input);
  const isMixed = isDilated(windows) && windows.strides.some((stride) => stride > 1);
  const filtering = { filters, inside, groups };
  if (rank === 3 && isPlain && groups === 1 && !isMixed) {
    const name = call.builder.stored(x, channelsLast(3));
    return call.gives(convolved(call, "Conv1D", { ...filtering, name, input, windows }), channelsLast(3));
  }
  const picture = asPicture(call, x, spaceOf(x));
  const axes = size.map((_, axis) => axis);
  const of = { ...filtering, name: picture.name, input: picture.sides, windows: alongAxes(windows, axes) };
  const isDepthwise = groups > 1 && inside === 1 && !isDilated(windows);
  const className = isDepthwise ? "DepthwiseConv2D" : groups === 1 && !isMixed ? "Conv2D" : "GroupConv2D";
  return picture.give(convolved(call, className, of), shape);
}

/** Whether the elements of windows lie apart. */
export function isDilated({ dilations, size }: Windows): boolean {
  return dilations.some((rate, i) => rate > 1 && size[i] > 1);
}

interface Convolving {
  readonly name: string;
  readonly input: readonly number[];
  readonly windows: Windows;
  readonly filters: number;
  /** Channels that each filter reads. */
  readonly inside: number;
  readonly groups: number;
}

type ConvolutionClass = "Conv1D" | "Conv2D" | "DepthwiseConv2D" | "GroupConv2D";

function convolved(
  call: Call,
  className: ConvolutionClass,
  { name, input, windows, filters, inside, groups }: Convolving,
): string {
  const { size, strides, dilations } = windows;
  const { inbound, padding } = padded(call, { name, input, windows });
  const bias = call.has(2) ? [{ name: "bias", shape: [filters], data: call.reals(2, "bias") }] : [];
  const values = call.reals(1, "kernel");
  const area = size.reduce((product, side) => product * side, 1);
  const isDepthwise = className === "DepthwiseConv2D";
  const multiplier = filters / groups;
  const kernel: RealWeight = isDepthwise
    // [channels · multiplier, 1, h, w] → [h, w, channels, multiplier]
    ? {
      name: "depthwise_kernel",
      shape: [...size, groups, multiplier],
      data: moveLast(values, { out: filters, inside: 1, area }),
    }
    : { name: "kernel", shape: [...size, inside, filters], data: moveLast(values, { out: filters, inside, area }) };
  const own: LayerConfig = isDepthwise
    ? { depthMultiplier: multiplier }
    : { filters, dilationRate: [...dilations], ...(className === "GroupConv2D" ? { groups } : {}) };
  const config = {
    kernelSize: [...size],
    strides: [...strides],
    padding,
    useBias: bias.length > 0,
    activation: "linear",
    dataFormat: "channelsLast",
    ...own,
  };
  return call.builder.layer({ className, config, inbound: [inbound], weights: [kernel, ...bias] });
}

/** [out, inside, area] → [area, inside, out]. */
export function moveLast(
  values: Float32Array,
  { out, inside, area }: { readonly out: number; readonly inside: number; readonly area: number },
): Float32Array {
  const moved = new Float32Array(values.length);
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < inside; c++) {
      for (let p = 0; p < area; p++) moved[(p * inside + c) * out + o] = values[(o * inside + c) * area + p];
    }
  }
  return moved;
}

/** Pads with zeros where TF.js's own paddings do not do it. */
function padded(
  { builder }: Call,
  { name, input, windows }: Pick<Convolving, "name" | "input" | "windows">,
): { readonly inbound: string; readonly padding: "same" | "valid" } {
  if (isValid(windows)) return { inbound: name, padding: "valid" };
  if (isSame(windows, input)) return { inbound: name, padding: "same" };
  return { inbound: zeroPadding(builder, name, windows), padding: "valid" };
}

/** Adds zeros around a picture. */
export function zeroPadding(
  builder: Call["builder"],
  picture: string,
  { begin, end }: Pick<Windows, "begin" | "end">,
): string {
  const padding = begin.map((pad, i) => [Math.max(0, pad), Math.max(0, end[i])]);
  if (padding.flat().every((pad) => pad === 0)) return picture;
  const config = { padding, dataFormat: "channelsLast" };
  return builder.layer({ className: "ZeroPadding2D", config, inbound: [picture] }, "_padded");
}

function gemm(call: Call): Value {
  const x = call.value(0);
  if (call.number("transA", 0) !== 0) refuse("it transposes what it reads (transA)");
  const matrix = call.constant(1) ?? refuse("its second factor is computed, a constant is needed");
  const isTransposed = call.number("transB", 0) !== 0;
  const [rows, columns] = isTransposed ? matrix.shape.toReversed() : matrix.shape;
  const alpha = call.number("alpha", 1);
  const beta = call.number("beta", 1);
  const given = call.reals(1, "second factor");
  const kernel = Float32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return alpha * given[isTransposed ? column * rows + row : i];
  });
  const added = call.has(2) ? call.reals(2, "third input") : undefined;
  if (added !== undefined && added.length !== 1 && added.length !== columns) {
    refuse(`it adds [${call.constant(2)?.shape}], a number for each of the ${columns} columns is needed`);
  }
  const bias = added && Float32Array.from({ length: columns }, (_, i) => beta * added[added.length === 1 ? 0 : i]);
  return dense(call, x, { rows, columns, kernel, bias });
}

function matMul(call: Call): Value {
  if (call.isValue(0) && call.isValue(1)) return product(call);
  const place = call.isValue(0) ? 1 : 0;
  const tensor = call.constant(place) ?? refuse("one of its factors is unknown");
  const x = call.value(1 - place);
  const matrix = tensor.shape.slice(tensor.shape.findIndex((side, i) => side !== 1 || i >= tensor.shape.length - 2));
  const factor = call.reals(place, "factor");
  if (tensor.shape.length > x.shape.length) refuse(`it multiplies [${x.shape}] and a constant [${tensor.shape}]`);
  if (tensor.shape.length === 1) return byVector(call, x, factor);
  if (matrix.length > 2) return byMatrices(call, x, place);
  const [rows, columns] = matrix;
  if (place === 1) return dense(call, x, { rows, columns, kernel: factor, bias: undefined });
  // W · x is the transpose of xᵀ · Wᵀ: its rows are the columns of x.
  const axis = x.shape.length - 2;
  if (axis === 0) refuse(`it multiplies a constant by [${x.shape}], a matrix of each sample is needed`);
  const order = lastOrder(x, axis);
  const name = call.builder.layer({
    className: "Dense",
    config: { units: rows, useBias: false, activation: "linear" },
    inbound: [call.builder.stored(x, order)],
    weights: [{ name: "kernel", shape: [columns, rows], data: permuted(factor, [rows, columns], [1, 0]) }],
  });
  return call.gives(name, order);
}

/** A sum of the elements of the last axis, each by its factor. */
function byVector(call: Call, x: Value, factor: Float32Array): Value {
  if (!call.isValue(0)) refuse("its first factor is a list, a matrix is needed");
  const name = call.builder.layer({
    className: "Dense",
    config: { units: 1, useBias: false, activation: "linear" },
    inbound: [call.builder.stored(x)],
    weights: [{ name: "kernel", shape: [factor.length, 1], data: factor }],
  }, "_column");
  const shape = call.outputShape();
  return call.gives(call.builder.reshape(name, shape.slice(1)), plainOrder(shape.length));
}

/** A product with a constant that has a matrix for each of several axes, which are the same for all samples. */
function byMatrices(call: Call, x: Value, place: number): Value {
  const plain = { shape: x.shape.slice(0, -2).concat(0, 0), order: plainOrder(x.shape.length) };
  const constant = constantValue(call, place, plain).read();
  const own = call.builder.stored(x);
  const inbound = place === 1 ? [own, constant] : [constant, own];
  const name = operation(call, "matMul", { inbound, options: { transposeB: false } });
  return call.gives(name, plain.order);
}

/** A product of two values, sample by sample. */
function product(call: Call): Value {
  const factors = [call.value(0), call.value(1)];
  if (factors.some(({ shape }) => shape.length < 3 || shape.length !== factors[0].shape.length)) {
    refuse(
      `it multiplies ${factors.map(({ shape }) => `[${shape}]`).join(" by ")}, matrices of each sample are needed`,
    );
  }
  const [a, b] = factors;
  return contextOf(call, a, b) ?? productOf(call, a, b);
}

interface Product {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly kernel: Float32Array;
  readonly bias: Float32Array | undefined;
}

function dense(call: Call, x: Value, { rows, columns, kernel, bias }: Product): Value {
  const { builder } = call;
  const source = x.rowOf;
  // A picture as a row: rather than to move its numbers, the rows of the kernel are.
  const inbound = source === undefined ? builder.stored(x) : asStored(call, source);
  const ordered = source === undefined ? kernel : reorderRows(kernel, source, columns);
  const name = builder.layer({
    className: "Dense",
    config: { units: columns, useBias: bias !== undefined, activation: "linear" },
    inbound: [inbound],
    weights: [
      { name: "kernel", shape: [rows, columns], data: ordered },
      ...(bias === undefined ? [] : [{ name: "bias", shape: [columns], data: bias }]),
    ],
  });
  return call.gives(name, call.outputShape().slice(1).map((_, i) => i + 1));
}

function asStored({ builder }: Call, source: Value): string {
  return builder.layer(
    { className: "Flatten", config: { dataFormat: "channelsLast" }, inbound: [source.read()] },
    "_flat",
  );
}

/** Puts the rows of a kernel in the order in which a picture's numbers are stored. */
function reorderRows(kernel: Float32Array, source: Value, columns: number): Float32Array {
  const stored = storedShape(source);
  const plain = source.shape.slice(1);
  const steps = plain.map((_, i) => plain.slice(i + 1).reduce((product, side) => product * side, 1));
  const moved = new Float32Array(kernel.length);
  for (let i = 0; i < kernel.length / columns; i++) {
    let left = i;
    let from = 0;
    for (let axis = stored.length - 1; axis >= 0; axis--) {
      from += left % stored[axis] * steps[source.order[axis] - 1];
      left = Math.floor(left / stored[axis]);
    }
    moved.set(kernel.subarray(from * columns, (from + 1) * columns), i * columns);
  }
  return moved;
}
