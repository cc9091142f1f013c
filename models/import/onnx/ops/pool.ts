/** Pools, and means over a picture. */
import { type Call, refuse, type Row } from "../_call.ts";
import { scale } from "../_constants.ts";
import { operation } from "../_operation.ts";
import { asPicture, spaceOf } from "../_pictures.ts";
import { channelsLast, plainOrder, type Value } from "../_value.ts";
import { alongAxes, isSame, isValid, type Windows, windowsOf } from "../_windows.ts";
import { isDilated, zeroPadding } from "./conv.ts";
import { reduced, reducedOver } from "./reduce.ts";

/** The rows. */
export const POOLS: Readonly<Record<string, Row>> = {
  MaxPool: (call) => {
    if (call.node.outputs.slice(1).some((name) => call.isRead(name))) refuse("its indices are read");
    return pool(call, "MaxPooling");
  },
  AveragePool: (call) => pool(call, "AveragePooling"),
  LpPool: lpPool,
  GlobalAveragePool: (call) => overAll(call, "GlobalAveragePooling"),
  GlobalMaxPool: (call) => overAll(call, "GlobalMaxPooling"),
  ReduceMean: (call) => reduce(call, "GlobalAveragePooling"),
  ReduceMax: (call) => reduce(call, "GlobalMaxPooling"),
};

type Kind = "MaxPooling" | "AveragePooling";

/**
 * A pool over a picture, or over a row where TF.js's own paddings do it.
 *
 * @param takesZeros Whether zeros around are elements like others, those behind the padding that was asked for too.
 */
function pool(call: Call, kind: Kind, { x = call.value(0), takesZeros = false } = {}): Value {
  const space = spaceOf(x);
  if (space.length === 0) refuse(`it pools [${x.shape}], pictures or rows are needed`);
  const size = call.numbers("kernel_shape") ?? refuse("it has no kernel_shape");
  const shape = call.outputShape();
  const input = space.map((axis) => x.shape[axis]);
  const all = windowsOf(call, { size, input, output: space.map((axis) => shape[axis]) });
  const isNonNegative = x.isNonNegative === true;
  const isPlain = isValid(all) || (isSame(all, input) && !takesZeros && !countsPadding(call, kind));
  if (space.length === 1 && isPlain && !isDilated(all)) {
    const config = { poolSize: [...size], strides: [...all.strides], padding: isValid(all) ? "valid" : "same" };
    const inbound = [call.builder.stored(x, channelsLast(3))];
    return call.gives(call.builder.layer({ className: `${kind}1D`, config, inbound }), channelsLast(3), {
      isNonNegative,
    });
  }
  const moving = space.filter((_, i) => size[i] > 1 || all.strides[i] > 1 || all.begin[i] > 0 || all.end[i] !== 0);
  if (moving.length > 2) refuse(`its windows of ${size} are over ${moving.length} axes, at most 2 are needed`);
  const axes = space.length === 1 ? space : space.filter((axis) => moving.includes(axis));
  const sides = axes.length > 0 ? axes : space.slice(0, 1);
  const picture = asPicture(call, x, sides);
  const windows = alongAxes(all, sides.map((axis) => axis - 2));
  const name = pooled(call, kind, { name: picture.name, input: picture.sides, windows, isNonNegative, takesZeros });
  return { ...picture.give(name, shape), isNonNegative };
}

function countsPadding(call: Call, kind: Kind): boolean {
  return kind === "AveragePooling" && call.number("count_include_pad", 0) === 1;
}

interface Pooling {
  readonly name: string;
  /** Height and width. */
  readonly input: readonly number[];
  readonly windows: Windows;
  readonly isNonNegative: boolean;
  readonly takesZeros: boolean;
}

function pooled(call: Call, kind: Kind, pooling: Pooling): string {
  const { builder } = call;
  const { name, input, windows, isNonNegative, takesZeros } = pooling;
  const own = (inbound: string, padding: string, { strides }: Pick<Windows, "strides"> = windows, suffix = "") =>
    poolLayer(call, kind, { inbound, padding, size: windows.size, strides, suffix });
  if (isDilated(windows)) {
    if (kind === "AveragePooling") refuse(`it has the dilations ${windows.dilations}`);
    return dilatedMax(call, pooling);
  }
  if (isValid(windows)) return own(name, "valid");
  if (isSame(windows, input) && !takesZeros && !countsPadding(call, kind)) return own(name, "same");
  if (kind === "AveragePooling") {
    const means = own(zeroPadding(builder, name, windows), "valid", windows, "_sums");
    return takesZeros ? means : weighted(call, means, { windows, input, countsPadding: countsPadding(call, kind) });
  }
  if (isNonNegative) return own(zeroPadding(builder, name, windows), "valid");
  return aroundEach(call, pooling, own) ?? own(edgePadding(call, name, windows), "valid");
}

interface PoolLayer {
  readonly inbound: string;
  readonly padding: string;
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly suffix?: string;
}

function poolLayer(
  { builder }: Call,
  kind: Kind,
  { inbound, padding, size, strides, suffix = "" }: PoolLayer,
): string {
  const config = { poolSize: [...size], strides: [...strides], padding, dataFormat: "channelsLast" };
  return builder.layer({ className: `${kind}2D`, config, inbound: [inbound] }, suffix);
}

/**
 * Windows around each element, of which every so many are kept: of what may be negative no zero may be the largest.
 *
 * TF.js's windows of stride 1 begin half a size before each element.
 *
 * @returns undefined if others begin or end elsewhere.
 */
function aroundEach(
  call: Call,
  { name, input, windows: { size, begin, end, strides, count } }: Pooling,
  own: (inbound: string, padding: string, moving: Pick<Windows, "strides">, suffix: string) => string,
): string | undefined {
  const lead = size.map((k) => Math.floor((k - 1) / 2));
  if (begin.some((pad, i) => pad > lead[i]) || end.some((pad, i) => pad > size[i] - 1 - lead[i])) return undefined;
  const cut = begin.map((pad, i) => [lead[i] - pad, 0]);
  if (count.some((windows, i) => windows !== Math.ceil((input[i] - cut[i][0]) / strides[i]))) return undefined;
  const around = own(name, "same", { strides: [1, 1] }, "_around");
  const first = cut.every(([pad]) => pad === 0)
    ? around
    : call.builder.layer({ className: "Cropping2D", config: { cropping: cut }, inbound: [around] }, "_cropped");
  return everySoMany(call, first, strides);
}

/** Keeps every so many pixels. */
export function everySoMany(call: Call, picture: string, strides: readonly number[]): string {
  if (strides.every((stride) => stride === 1)) return picture;
  return poolLayer(call, "MaxPooling", { inbound: picture, padding: "valid", size: [1, 1], strides });
}

/** Repeats the outermost elements, which each window that reaches beyond them has already. */
function edgePadding(call: Call, stored: string, { begin, end }: Windows): string {
  const paddings = [...begin.map((pad, i) => [pad, Math.max(0, end[i])]), [0, 0]];
  return operation(call, "pad", { inbound: [stored], options: { mode: "edge", paddings, value: 0 }, suffix: "_edges" });
}

/** A number below all others. */
const LOWEST = -3.4028234663852886e38;

function dilatedMax(call: Call, { name, windows, isNonNegative }: Pooling): string {
  const { size, strides, dilations, begin, end } = windows;
  const paddings = [...begin.map((pad, i) => [pad, Math.max(0, end[i])]), [0, 0]];
  const options = { mode: "constant", paddings, value: LOWEST };
  const inbound = isValid(windows)
    ? name
    : isNonNegative
    ? zeroPadding(call.builder, name, windows)
    : operation(call, "pad", { inbound: [name], options, suffix: "_padded" });
  const isWhole = strides.every((stride) => stride === 1);
  const largest = operation(call, "maxDilated", {
    inbound: [inbound],
    options: { size: [...size], dilations: [...dilations] },
    suffix: isWhole ? "" : "_largest",
  });
  return everySoMany(call, largest, strides);
}

interface Weighing {
  readonly windows: Windows;
  readonly input: readonly number[];
  readonly countsPadding: boolean;
}

/** Multiplies means that took zeros for elements by how many there are, window by window. */
function weighted(call: Call, name: string, { windows, input, countsPadding }: Weighing): string {
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

/** (Σ |x|^p)^(1/p) of each window: a mean of it and of zeros around, as often as a window has elements. */
function lpPool(call: Call): Value {
  const given = call.value(0);
  const p = call.number("p", 2);
  const size = call.numbers("kernel_shape") ?? refuse("it has no kernel_shape");
  const positive = operation(call, "abs", { inbound: [given.read()], suffix: "_abs" });
  const x = raised(call, { shape: given.shape, order: given.order, read: () => positive }, p);
  const means = pool(call, "AveragePooling", { x, takesZeros: true });
  const sums = scale(call, means, { factor: size.reduce((product, side) => product * side, 1) });
  return { ...raised(call, sums, 1 / p), isNonNegative: true };
}

/** x^p */
function raised(call: Call, x: Value, p: number): Value {
  const by = call.builder.constant(x.order.map(() => 1), Float32Array.of(p));
  const name = operation(call, "power", { inbound: [x.read(), by], suffix: "_power" });
  return { shape: x.shape, order: x.order, read: () => name };
}

/** A value [n, c, 1, 1] of a layer that gives [n, c]. */
function overAll(call: Call, kind: string): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  if (rank < 3) refuse(`it pools [${x.shape}], pictures or rows are needed`);
  if (rank > 4) {
    return reducedOver(call, x, { by: kind === "GlobalMaxPooling" ? "max" : "mean", axes: spaceOf(x), keepDims: true });
  }
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
