/** Pools, and means over a picture. */
import { type Call, refuse, type Row } from "../_call.ts";
import { channelsLast, plainOrder, type Value } from "../_value.ts";
import { isSame, isValid, type Windows, windowsOf } from "../_windows.ts";
import { zeroPadding } from "./conv.ts";
import { reduced } from "./operations.ts";

/** The rows. */
export const POOLS: Readonly<Record<string, Row>> = {
  MaxPool: (call) => pool(call, "MaxPooling"),
  AveragePool: (call) => pool(call, "AveragePooling"),
  GlobalAveragePool: (call) => overAll(call, "GlobalAveragePooling"),
  GlobalMaxPool: (call) => overAll(call, "GlobalMaxPooling"),
  ReduceMean: reduceMean,
  ReduceMax: (call) => reduce(call, "GlobalMaxPooling"),
};

type Kind = "MaxPooling" | "AveragePooling";

function pool(call: Call, kind: Kind): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  if (rank !== 3 && rank !== 4) refuse(`it pools [${x.shape}], pictures or rows are needed`);
  if (call.node.outputs.length > 1) refuse("it gives indices too");
  const size = call.numbers("kernel_shape") ?? refuse("it has no kernel_shape");
  const input = x.shape.slice(2);
  const windows = windowsOf(call, { size, input, output: call.outputShape().slice(2) });
  if (windows.dilations.some((rate) => rate !== 1)) refuse(`it has the dilations ${windows.dilations}`);
  const stored = call.builder.stored(x, channelsLast(rank));
  const own = (inbound: string, padding: string, strides = windows.strides, suffix = "") =>
    call.builder.layer({
      className: `${kind}${rank - 2}D`,
      config: {
        poolSize: [...size],
        strides: [...strides],
        padding,
        ...(rank === 4 ? { dataFormat: "channelsLast" } : {}),
      },
      inbound: [inbound],
    }, suffix);
  const give = (name: string) => call.gives(name, channelsLast(rank), { isNonNegative: x.isNonNegative === true });
  if (isValid(windows)) return give(own(stored, "valid"));
  const countsPadding = kind === "AveragePooling" && call.number("count_include_pad", 0) === 1;
  if (isSame(windows, input) && !countsPadding) return give(own(stored, "same"));
  if (rank === 3) refuse(`its padding of ${windows.begin} and ${windows.endAsked} is none of TF.js's`);
  if (kind === "AveragePooling") {
    const name = own(zeroPadding(call.builder, stored, windows), "valid", windows.strides, "_sums");
    return give(weighted(call, name, { windows, input, countsPadding }));
  }
  if (x.isNonNegative) return give(own(zeroPadding(call.builder, stored, windows), "valid"));
  return give(aroundEach(call, stored, windows, own));
}

/**
 * Windows around each element, of which every so many are kept: of what may be negative no zero may be the largest.
 *
 * TF.js's windows of stride 1 begin half a size before each element.
 */
function aroundEach(
  call: Call,
  stored: string,
  { size, begin, strides, count }: Windows,
  own: (inbound: string, padding: string, strides: readonly number[], suffix: string) => string,
): string {
  const lead = size.map((k) => Math.floor((k - 1) / 2));
  if (begin.some((pad, i) => pad > lead[i])) {
    refuse(`it pads ${begin} before what may be negative, at most ${lead} is needed`);
  }
  const around = own(stored, "same", [1, 1], "_around");
  const cut = begin.map((pad, i) => [lead[i] - pad, 0]);
  const first = cut.every(([pad]) => pad === 0)
    ? around
    : call.builder.layer({ className: "Cropping2D", config: { cropping: cut }, inbound: [around] }, "_cropped");
  if (strides.every((stride) => stride === 1)) return first;
  const picked = call.builder.layer({
    className: "MaxPooling2D",
    config: { poolSize: [1, 1], strides: [...strides], padding: "valid", dataFormat: "channelsLast" },
    inbound: [first],
  });
  const [, , rows, columns] = call.outputShape();
  if (count[0] !== rows || count[1] !== columns) refuse("its windows end beyond its input");
  return picked;
}

/** Multiplies means that took zeros for elements by how many there are, window by window. */
function weighted(
  call: Call,
  name: string,
  { windows, input, countsPadding }: {
    readonly windows: Windows;
    readonly input: readonly number[];
    readonly countsPadding: boolean;
  },
): string {
  const { size, strides, begin, endAsked, count } = windows;
  const counted = count.map((windowsOfAxis, axis) =>
    Array.from({ length: windowsOfAxis }, (_, i) => {
      const from = i * strides[axis] - begin[axis];
      const [low, high] = countsPadding ? [-begin[axis], input[axis] + endAsked[axis]] : [0, input[axis]];
      return Math.min(from + size[axis], high) - Math.max(from, low);
    })
  );
  const all = size[0] * size[1];
  const data = Float32Array.from(
    { length: count[0] * count[1] },
    (_, i) => all / (counted[0][Math.floor(i / count[1])] * counted[1][i % count[1]]),
  );
  if (data.every((factor) => factor === 1)) return name;
  const factors = call.builder.constant([count[0], count[1], 1], data);
  return call.builder.layer({ className: "Multiply", inbound: [name, factors] });
}

/** A value [n, c, 1, 1] of a layer that gives [n, c]. */
function overAll(call: Call, kind: string): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  if (rank !== 3 && rank !== 4) refuse(`it pools [${x.shape}], pictures or rows are needed`);
  const name = call.builder.layer({
    className: `${kind}${rank - 2}D`,
    config: rank === 4 ? { dataFormat: "channelsLast" } : {},
    inbound: [call.builder.stored(x, channelsLast(rank))],
  });
  return asPixel(call, name, x);
}

function asPixel(call: Call, row: string, x: Value): Value {
  const rank = x.shape.length;
  const [, channels] = x.shape;
  const sides = new Array<number>(rank - 2).fill(1);
  return {
    shape: [x.shape[0], channels, ...sides],
    order: channelsLast(rank),
    read: () => call.builder.reshape(row, [...sides, channels]),
    row,
    isNonNegative: x.isNonNegative === true,
  };
}

function reduceMean(call: Call): Value {
  return reduce(call, "GlobalAveragePooling");
}

function reduce(call: Call, kind: string): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const axes = (call.integers(1, "axes") ?? []).map((axis) => axis < 0 ? axis + rank : axis);
  const left = plainOrder(rank).filter((axis) => !axes.includes(axis));
  // All axes but the batch and one, which is stored last or is cheaply brought there: a picture's or a row's channels.
  const isPool = (rank === 3 || rank === 4) && left.length === 1 && axes.length === rank - 2 && !axes.includes(0) &&
    (rank === 3 || left[0] === 1 || x.order.at(-1) === left[0]);
  if (!isPool) return reduced(call, kind === "GlobalMaxPooling" ? "max" : "mean");
  const order = [...plainOrder(rank).filter((axis) => axes.includes(axis)), ...left];
  const name = call.builder.layer({
    className: `${kind}${rank - 2}D`,
    config: rank === 4 ? { dataFormat: "channelsLast" } : {},
    inbound: [call.builder.stored(x, order)],
  });
  if (call.number("keepdims", 1) !== 1) return call.gives(name, [1]);
  const shape = call.outputShape();
  const read = () => call.builder.reshape(name, order.map((axis) => shape[axis]));
  return { shape, order, read, row: name, isNonNegative: x.isNonNegative === true };
}
