/** Operators that pick numbers, repeat them, or surround them. */
import { sizeOf } from "../../../../src/onnx/graph.ts";
import { type Call, refuse, type Row } from "../_call.ts";
import { constantValue } from "../_constants.ts";
import { operation } from "../_operation.ts";
import { lastOrder, plainOrder, type Value } from "../_value.ts";

/** The rows. */
export const SLICES: Readonly<Record<string, Row>> = {
  Expand: expand,
  Gather: gather,
  GatherElements: gatherElements,
  OneHot: oneHot,
  Pad: pad,
  Slice: slice,
  Split: split,
  Tile: tile,
  Trilu: triangle,
};

/** Which elements of an axis are taken: from the first to the last of them, every so many, maybe in opposite order. */
interface Range {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly isReversed: boolean;
}

function slice(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const starts = call.integers(1, "starts") ?? refuse("it has no starts");
  const axes = (call.integers(3, "axes") ?? starts.map((_, i) => i)).map((axis) => axis < 0 ? axis + rank : axis);
  const steps = call.integers(4, "steps") ?? starts.map(() => 1);
  const output = call.outputShape();
  if (output.some((side) => side < 1)) refuse(`it takes nothing: [${output}]`);
  const ranges = x.shape.map((side, axis): Range => {
    const at = axes.indexOf(axis);
    if (at < 0) return { first: 0, last: side - 1, step: 1, isReversed: false };
    const step = steps[at];
    const start = starts[at] < 0 ? starts[at] + side : starts[at];
    const from = Math.min(side - (step < 0 ? 1 : 0), Math.max(0, start));
    const to = from + (output[axis] - 1) * step;
    return { first: Math.min(from, to), last: Math.max(from, to), step: Math.abs(step), isReversed: step < 0 };
  });
  const [batch] = ranges;
  if (batch.first !== 0 || batch.isReversed || output[0] !== x.shape[0]) refuse("it takes some samples of the batch");
  return taken(call, x, { ranges, shape: output });
}

/** Takes ranges of axes, and turns those that are reversed round. */
function taken(
  call: Call,
  x: Value,
  { ranges, shape }: { readonly ranges: readonly Range[]; readonly shape: readonly number[] },
): Value {
  const isNonNegative = x.isNonNegative === true;
  const stored = x.order.map((axis) => ranges[axis]);
  const turned = stored.flatMap(({ isReversed }, i) => isReversed ? [i + 1] : []);
  const isPart = shape.some((side, axis) => side !== x.shape[axis]);
  const options = {
    begin: stored.map(({ first }) => first),
    end: stored.map(({ last }) => last + 1),
    strides: stored.map(({ step }) => step),
  };
  const part = isPart
    ? operation(call, "slice", { inbound: [x.read()], options, suffix: turned.length > 0 ? "_part" : "" })
    : x.read();
  const name = turned.length === 0 ? part : operation(call, "reverse", { inbound: [part], options: { axes: turned } });
  return { shape, order: x.order, read: () => name, isNonNegative };
}

function split(call: Call): readonly Value[] {
  const x = call.value(0);
  const axis = call.axis(0, x.shape.length);
  if (axis === 0) refuse("it parts the batch");
  const sizes = call.node.outputs.map((_, i) => call.outputShape(i)[axis]);
  const isEqual = sizes.every((side) => side === sizes[0]);
  const isNonNegative = x.isNonNegative === true;
  if (sizes.length === 1) return [x];
  const order = isEqual ? lastOrder(x, axis) : x.order;
  const inbound = [call.builder.stored(x, order)];
  let from = 0;
  return sizes.map((side, index) => {
    const begin = x.order.map((own) => own === axis ? from : 0);
    const end = x.order.map((own) => own === axis ? from + side : x.shape[own]);
    from += side;
    const name = isEqual
      ? call.builder.layer({ className: "ChannelSplit", config: { parts: sizes.length, index }, inbound })
      : operation(call, "slice", { inbound, options: { begin, end, strides: begin.map(() => 1) } });
    return { shape: call.outputShape(index), order, read: () => name, isNonNegative };
  });
}

/** Elements of one axis, by a list of places or a table of them, whose axes come in the place of that one. */
function gather(call: Call): Value {
  if (!call.isValue(0)) return embedding(call);
  const x = call.value(0);
  const axis = call.axis(0, x.shape.length);
  if (axis === 0) refuse("it picks samples");
  const tensor = call.constant(1) ?? refuse("its indices are computed, constants are needed");
  const indices = Array.from(call.reals(1, "indices"), (index) => index < 0 ? index + x.shape[axis] : index);
  const known = tensor.shape.length === 0 && x.parts?.axis === axis ? x.parts.values[indices[0]] : undefined;
  if (known !== undefined) return known;
  const isNonNegative = x.isNonNegative === true;
  const isAll = indices.length === x.shape[axis] && indices.every((index, i) => index === i);
  const options = { axis: x.order.indexOf(axis) + 1, indices };
  const name = isAll ? x.read() : operation(call, "gather", { inbound: [x.read()], options });
  const more = tensor.shape.length - 1;
  const shape = call.outputShape();
  const order = x.order.flatMap((own) => {
    if (own === axis) return Array.from({ length: more + 1 }, (_, i) => axis + i);
    return [own > axis ? own + more : own];
  });
  const read = () => more === 0 ? name : call.builder.reshape(name, order.map((own) => shape[own]));
  return { shape, order, read, isNonNegative };
}

/** Rows of a constant table by computed indices. */
function embedding(call: Call): Value {
  const table = call.constant(0) ?? refuse("its table is unknown");
  const indices = call.value(1);
  if (table.shape.length !== 2 || call.number("axis", 0) !== 0) {
    refuse(`it takes [${indices.shape}] of [${table.shape}], rows of a table are needed`);
  }
  const [inputDim, outputDim] = table.shape;
  const [, ...sides] = indices.shape;
  // TF.js takes for granted that a sample is a list of indices.
  const isList = sides.length === 1;
  const inputLength = sizeOf(sides);
  const list = call.builder.stored(indices);
  const name = call.builder.layer({
    className: "Embedding",
    config: { inputDim, outputDim, inputLength },
    inbound: [isList ? list : call.builder.reshape(list, [inputLength])],
    weights: [{ name: "embeddings", shape: [inputDim, outputDim], data: call.reals(0, "table") }],
  });
  const rows = isList ? name : call.builder.reshape(name, [...sides, outputDim]);
  return call.gives(rows, plainOrder(indices.shape.length + 1));
}

/** Elements of one axis, by places of their own for each element of all others. */
function gatherElements(call: Call): Value {
  const x = call.value(0);
  const axis = call.axis(0, x.shape.length);
  if (axis === 0) refuse("it picks samples");
  const order = lastOrder(x, axis);
  const places = call.isValue(1) ? call.value(1) : constantValue(call, 1, x);
  const isAlike = places.shape.every((side, i) => i === axis || side === x.shape[i]);
  if (!isAlike) refuse(`it takes [${places.shape}] of [${x.shape}], which differ besides axis ${axis}`);
  const inbound = [call.builder.stored(x, order), call.builder.stored(places, order)];
  return call.gives(operation(call, "gatherElements", { inbound }), order, {
    isNonNegative: x.isNonNegative === true,
  });
}

function oneHot(call: Call): Value {
  const x = call.value(0);
  const [depth] = call.integers(1, "depth") ?? refuse("it has no depth");
  const [off, on] = call.reals(2, "values");
  const rank = x.shape.length + 1;
  const axis = call.axis(-1, rank);
  if (axis === 0) refuse("it puts the batch behind another axis");
  const order = [...x.order.map((own) => own >= axis ? own + 1 : own), axis];
  const name = operation(call, "oneHot", { inbound: [x.read()], options: { depth, on, off } });
  return call.gives(name, order, { isNonNegative: on >= 0 && off >= 0 });
}

function expand(call: Call): Value {
  const x = call.value(0);
  const shape = call.outputShape();
  if (shape.length !== x.shape.length) refuse(`it makes [${shape}] of [${x.shape}], values of one rank are needed`);
  return repeated(call, x, shape.map((side, axis) => side / x.shape[axis]));
}

function tile(call: Call): Value {
  return repeated(call, call.value(0), call.integers(1, "repeats") ?? refuse("it has no repeats"));
}

function repeated(call: Call, x: Value, repeats: readonly number[]): Value {
  if (repeats[0] !== 1) refuse("it repeats samples");
  if (repeats.every((count) => count === 1)) return x;
  const options = { repeats: x.order.map((axis) => repeats[axis]) };
  const name = operation(call, "tile", { inbound: [x.read()], options });
  return call.gives(name, x.order, { isNonNegative: x.isNonNegative === true });
}

/** The modes of TF.js that pad as ONNX's do, and one that elements are picked for. */
const MODES = ["constant", "reflect", "edge", "wrap"];

/** The largest float32. */
const FLOAT32 = 3.4028234663852886e38;

function pad(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const mode = call.text("mode", "constant");
  if (!MODES.includes(mode)) refuse(`it pads by "${mode}", one of ${MODES.join(", ")} is needed`);
  // An infinite one before a maximum counts as the largest that there is.
  const value = Math.max(-FLOAT32, Math.min(FLOAT32, call.has(2) ? call.reals(2, "value")[0] : 0));
  const given = call.integers(1, "pads") ?? refuse("it has no pads");
  const axes = (call.integers(3, "axes") ?? x.shape.map((_, axis) => axis)).map((axis) =>
    axis < 0 ? axis + rank : axis
  );
  const sides = x.shape.map((_, axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? [0, 0] : [given[at], given[at + axes.length]];
  });
  if (sides[0].some((count) => count !== 0)) refuse("it pads the batch");
  const inside = cropped(call, x, sides);
  const added = sides.map((pair) => pair.map((count) => Math.max(0, count)));
  if (added.flat().every((count) => count === 0)) return inside;
  if (mode === "wrap") return wrapped(call, inside, added);
  const name = padded(call, inside, { mode, value, paddings: x.order.map((axis) => added[axis]) });
  return call.gives(name, x.order, { isNonNegative: x.isNonNegative === true && value >= 0 });
}

/** Takes away what paddings below 0 take. */
function cropped(call: Call, x: Value, sides: readonly (readonly number[])[]): Value {
  if (sides.flat().every((count) => count >= 0)) return x;
  const ranges = x.shape.map((side, axis): Range => {
    const [before, behind] = sides[axis].map((count) => Math.max(0, -count));
    return { first: before, last: side - 1 - behind, step: 1, isReversed: false };
  });
  const shape = ranges.map(({ first, last }) => last - first + 1);
  if (shape.some((side) => side < 1)) refuse(`it takes away all of [${x.shape}]`);
  return taken(call, x, { ranges, shape });
}

interface Padding {
  readonly mode: string;
  readonly value: number;
  /** Of the stored axes. */
  readonly paddings: readonly (readonly number[])[];
}

function padded(call: Call, x: Value, { mode, value, paddings }: Padding): string {
  const isOfPicture = paddings.length === 3 && paddings[2].every((count) => count === 0);
  if (mode !== "constant" || value !== 0 || !isOfPicture) {
    return operation(call, "pad", { inbound: [x.read()], options: { mode, paddings, value } });
  }
  const config = { padding: paddings.slice(0, 2).map((pair) => [...pair]), dataFormat: "channelsLast" };
  return call.builder.layer({ className: "ZeroPadding2D", config, inbound: [x.read()] });
}

/** Before the first element comes the last. */
function wrapped(call: Call, x: Value, sides: readonly (readonly number[])[]): Value {
  return sides.reduce<Value>((value, [before, behind], axis) => {
    if (before === 0 && behind === 0) return value;
    const side = value.shape[axis];
    const count = before + side + behind;
    const indices = Array.from({ length: count }, (_, i) => (((i - before) % side) + side) % side);
    const options = { axis: value.order.indexOf(axis) + 1, indices };
    const name = operation(call, "gather", { inbound: [value.read()], options });
    return { ...value, shape: value.shape.with(axis, count), read: () => name };
  }, { shape: x.shape, order: x.order, read: x.read, isNonNegative: x.isNonNegative === true });
}

/** Keeps what is above or below a diagonal of each matrix: a product with zeros and ones. */
function triangle(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  if (rank < 3) refuse(`it is of [${x.shape}], a matrix of each sample is needed`);
  const [diagonal] = call.integers(1, "diagonal") ?? [0];
  const isUpper = call.number("upper", 1) === 1;
  const [rows, columns] = x.shape.slice(-2);
  const order = [...x.order.filter((axis) => axis < rank - 2), rank - 2, rank - 1];
  const shape = order.map((axis) => axis < rank - 2 ? 1 : x.shape[axis]);
  const mask = Float32Array.from({ length: rows * columns }, (_, i) => {
    const above = i % columns - Math.floor(i / columns) - diagonal;
    return Number(isUpper ? above >= 0 : above <= 0);
  });
  const inbound = [call.builder.stored(x, order), call.builder.constant(shape, mask)];
  return call.gives(call.builder.layer({ className: "Multiply", inbound }), order, {
    isNonNegative: x.isNonNegative === true,
  });
}
