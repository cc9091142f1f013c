/** Convolutions and products with constant weights. */
import { type Call, refuse, type Row } from "../_call.ts";
import type { RealWeight } from "../_builder.ts";
import { channelsLast, plainOrder, storedShape, type Value } from "../_value.ts";
import { isSame, isValid, type Windows, windowsOf } from "../_windows.ts";
import { operation } from "../_operation.ts";

/** The rows. */
export const CONVOLUTIONS: Readonly<Record<string, Row>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
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
  const [, , ...output] = call.outputShape();
  const windows = windowsOf(call, { size, input, output });
  const groups = channels / inside;
  const isDepthwise = groups > 1 && inside === 1 && rank === 4;
  if (groups !== 1 && !isDepthwise) return inGroups(call, { x, windows, groups });
  const isDilated = windows.dilations.some((rate) => rate > 1);
  if (isDepthwise && isDilated) refuse(`it is a depthwise convolution with the dilations ${windows.dilations}`);
  const strided = windows.strides.some((stride) => stride > 1);
  if (isDilated && strided) refuse(`it has the strides ${windows.strides} and the dilations ${windows.dilations}`);
  const order = channelsLast(rank);
  const values = call.reals(1, "kernel");
  const area = size.reduce((product, side) => product * side, 1);
  const multiplier = filters / channels;
  const weight: RealWeight = isDepthwise
    ? {
      name: "depthwise_kernel",
      shape: [...size, channels, multiplier],
      // [channels · multiplier, 1, h, w] → [h, w, channels, multiplier]
      data: moveLast(values, { out: filters, inside: 1, area }),
    }
    : { name: "kernel", shape: [...size, inside, filters], data: moveLast(values, { out: filters, inside, area }) };
  const bias = call.has(2) ? [{ name: "bias", shape: [filters], data: call.reals(2, "bias") }] : [];
  const { inbound, padding } = padded(call, x, windows);
  const shared = {
    kernelSize: [...size],
    strides: [...windows.strides],
    padding,
    useBias: bias.length > 0,
    activation: "linear",
    dataFormat: "channelsLast",
  };
  const name = call.builder.layer({
    className: isDepthwise ? "DepthwiseConv2D" : rank === 4 ? "Conv2D" : "Conv1D",
    config: isDepthwise
      ? { ...shared, depthMultiplier: multiplier }
      : { ...shared, filters, dilationRate: [...windows.dilations] },
    inbound: [inbound],
    weights: [weight, ...bias],
  });
  return call.gives(name, order);
}

interface Grouped {
  readonly x: Value;
  readonly windows: Windows;
  readonly groups: number;
}

/** A convolution for each group of channels, beside each other. */
function inGroups(call: Call, { x, windows, groups }: Grouped): Value {
  const { builder } = call;
  const rank = x.shape.length;
  const [filters, inside, ...size] = call.constant(1)?.shape ?? [];
  const kernel = call.reals(1, "kernel");
  const bias = call.has(2) ? call.reals(2, "bias") : undefined;
  const own = filters / groups;
  const area = size.reduce((product, side) => product * side, 1);
  const { inbound, padding } = padded(call, x, windows);
  const parts = Array.from({ length: groups }, (_, index) => {
    const part = builder.layer(
      { className: "ChannelSplit", config: { parts: groups, index }, inbound: [inbound] },
      "_part",
    );
    const values = kernel.subarray(index * own * inside * area, (index + 1) * own * inside * area);
    const data = moveLast(values, { out: own, inside, area });
    return builder.layer({
      className: rank === 4 ? "Conv2D" : "Conv1D",
      config: {
        kernelSize: [...size],
        strides: [...windows.strides],
        padding,
        useBias: bias !== undefined,
        activation: "linear",
        dataFormat: "channelsLast",
        filters: own,
        dilationRate: [...windows.dilations],
      },
      inbound: [part],
      weights: [
        { name: "kernel", shape: [...size, inside, own], data },
        ...(bias === undefined
          ? []
          : [{ name: "bias", shape: [own], data: bias.slice(index * own, (index + 1) * own) }]),
      ],
    }, `_group${index}`);
  });
  return call.gives(
    builder.layer({ className: "Concatenate", config: { axis: -1 }, inbound: parts }),
    channelsLast(rank),
  );
}

/** [out, inside, area] → [area, inside, out]. */
function moveLast(
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
  x: Value,
  windows: Windows,
): { readonly inbound: string; readonly padding: "same" | "valid" } {
  const order = channelsLast(x.shape.length);
  const stored = builder.stored(x, order);
  const input = x.shape.slice(2);
  if (isValid(windows)) return { inbound: stored, padding: "valid" };
  if (isSame(windows, input)) return { inbound: stored, padding: "same" };
  return { inbound: zeroPadding(builder, stored, windows), padding: "valid" };
}

/** Adds zeros around a stored picture; in a row of numbers as in a picture of one column. */
export function zeroPadding(
  builder: Call["builder"],
  stored: string,
  { begin, end }: Pick<Windows, "begin" | "end">,
): string {
  const sides = begin.map((pad, i) => [pad, Math.max(0, end[i])]);
  if (sides.length === 1) refuse(`its padding of ${sides[0].join(" and ")} is none of TF.js's`);
  const config = { padding: sides, dataFormat: "channelsLast" };
  return builder.layer({ className: "ZeroPadding2D", config, inbound: [stored] }, "_padded");
}

function convTranspose(call: Call): Value {
  const x = call.value(0);
  if (x.shape.length !== 4) refuse(`it works on [${x.shape}], pictures are needed`);
  if (call.number("group", 1) !== 1) refuse(`it has ${call.number("group", 1)} groups, 1 is needed`);
  const kernel = call.constant(1) ?? refuse("its kernel is computed, a constant is needed");
  const [channels, filters, ...size] = kernel.shape;
  const strides = call.numbers("strides") ?? [1, 1];
  if ((call.numbers("dilations") ?? [1]).some((rate) => rate !== 1)) refuse("it is dilated");
  const input = x.shape.slice(2);
  const output = call.outputShape().slice(2);
  // Everything that TF.js's "valid" gives, of which the output is a part.
  const whole = input.map((side, i) => Math.max(side * strides[i], (side - 1) * strides[i] + size[i]));
  const pads = call.numbers("pads") ?? [0, 0, 0, 0];
  const mode = call.text("auto_pad", "NOTSET");
  const reach = input.map((side, i) => (side - 1) * strides[i] + size[i]);
  const begin = mode === "NOTSET"
    ? pads.slice(0, 2)
    : reach.map((side, i) =>
      mode === "VALID"
        ? 0
        : mode === "SAME_UPPER"
        ? Math.floor((side - output[i]) / 2)
        : Math.ceil((side - output[i]) / 2)
    );
  const cut = output.map((side, i) => whole[i] - begin[i] - side);
  if (begin.some((pad) => pad < 0) || cut.some((pad) => pad < 0)) {
    refuse("its output is larger than its kernel reaches");
  }
  const area = size[0] * size[1];
  const values = call.reals(1, "kernel");
  // [in, out, h, w] → [h, w, out, in]
  const data = moveLast(values, { out: channels, inside: filters, area });
  const bias = call.has(2) ? [{ name: "bias", shape: [filters], data: call.reals(2, "bias") }] : [];
  const name = call.builder.layer({
    className: "Conv2DTranspose",
    config: {
      filters,
      kernelSize: [...size],
      strides: [...strides],
      padding: "valid",
      useBias: bias.length > 0,
      activation: "linear",
      dataFormat: "channelsLast",
    },
    inbound: [call.builder.stored(x, channelsLast(4))],
    weights: [{ name: "kernel", shape: [...size, filters, channels], data }, ...bias],
  });
  const isWhole = [...begin, ...cut].every((pad) => pad === 0);
  const cropping = begin.map((pad, i) => [pad, cut[i]]);
  const cropped = isWhole
    ? name
    : call.builder.layer({ className: "Cropping2D", config: { cropping }, inbound: [name] }, "_cropped");
  return call.gives(cropped, channelsLast(4));
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
  const matrix = call.constant(1);
  if (matrix === undefined || !call.isValue(0)) return product(call);
  if (matrix.shape.length !== 2) refuse(`its second factor is [${matrix.shape}], a matrix is needed`);
  const [rows, columns] = matrix.shape;
  return dense(call, call.value(0), { rows, columns, kernel: call.reals(1, "second factor"), bias: undefined });
}

/** A product of two values, sample by sample. */
function product(call: Call): Value {
  if (!call.isValue(0) || !call.isValue(1)) refuse("its first factor is a constant");
  const factors = [call.value(0), call.value(1)];
  if (factors.some(({ shape }) => shape.length < 3 || shape.length !== factors[0].shape.length)) {
    refuse(
      `it multiplies ${factors.map(({ shape }) => `[${shape}]`).join(" by ")}, matrices of each sample are needed`,
    );
  }
  const [a, b] = factors;
  const last = b.order.slice(-2).join();
  const rank = b.shape.length;
  // A factor that is stored with its sides swapped is multiplied so.
  const transposeB = last === `${rank - 1},${rank - 2}` &&
    b.order.slice(0, -2).join() === plainOrder(rank).slice(0, -2).join();
  const inbound = [call.builder.stored(a), transposeB ? b.read() : call.builder.stored(b)];
  return call.gives(operation(call, "matMul", { inbound, options: { transposeB } }), plainOrder(rank));
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
