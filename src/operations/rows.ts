/** The operations of TF.js that its own layers lack, as rows. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { broadcastShape, sideOf } from "./_shapes.ts";
import { alike, blended, padded, REDUCERS, type Rows, tiled } from "./_compute.ts";
import { everySoMany, flat, type Pairs, topValues } from "./_gradients.ts";
import {
  ANY_NUMBER,
  flag,
  numberRows,
  oneOf,
  type OptionRule,
  type Options,
  type OptionValue,
  pairs,
  WHOLE,
  wholeFrom,
  wholeNumbers,
} from "./_options.ts";

/** What an operation does. */
export interface OperationRow {
  /** How many values it reads. Default: one. */
  readonly inputs?: number;
  /** What its options must be, by their names; all of them are needed. */
  readonly options?: Readonly<Record<string, OptionRule>>;
  /** Computes it: values with the batch first. */
  readonly call: (inputs: readonly tf.Tensor[], options: Options) => tf.Tensor;
  /**
   * The shape of what it gives. Default: that of what it reads, broadcast.
   *
   * @throws {TypeError} If the inputs do not fit.
   */
  readonly shape?: (inputs: readonly tfl.Shape[], options: Options) => tfl.Shape;
}

const unary = (call: (x: tf.Tensor) => tf.Tensor): OperationRow => ({ call: ([x]) => call(x) });
const binary = (call: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): OperationRow => ({
  inputs: 2,
  call: ([a, b]) => call(a, b),
});
/** 1 where it holds, else 0. */
const mask = (inputs: number, holds: (inputs: readonly tf.Tensor[]) => tf.Tensor): OperationRow => ({
  inputs,
  call: flat((given) => tf.cast(holds(given), "float32")),
});

/** Name of an operation. */
export type OperationName =
  | "abs"
  | "acos"
  | "acosh"
  | "asin"
  | "asinh"
  | "atan"
  | "atanh"
  | "ceil"
  | "cos"
  | "cosh"
  | "erf"
  | "exp"
  | "floor"
  | "isInf"
  | "isNaN"
  | "log"
  | "neg"
  | "reciprocal"
  | "round"
  | "sign"
  | "sin"
  | "sinh"
  | "sqrt"
  | "square"
  | "tan"
  | "trunc"
  | "logSoftmax"
  | "elu"
  | "clip"
  | "hardSigmoid"
  | "subtract"
  | "divide"
  | "modulo"
  | "power"
  | "equal"
  | "greater"
  | "greaterEqual"
  | "less"
  | "lessEqual"
  | "not"
  | "where"
  | "matMul"
  | "reduce"
  | "argument"
  | "cumulate"
  | "topK"
  | "slice"
  | "reverse"
  | "gather"
  | "gatherElements"
  | "oneHot"
  | "tile"
  | "pad"
  | "blend"
  | "maxDilated"
  | "responseNorm"
  | "resize";

/** The operations by name. Axes are those of what is stored, the batch being axis 0, which none works on. */
export const OPERATIONS: Readonly<Record<OperationName, OperationRow>> = {
  abs: unary(tf.abs),
  acos: unary(tf.acos),
  acosh: unary(tf.acosh),
  asin: unary(tf.asin),
  asinh: unary(tf.asinh),
  atan: unary(tf.atan),
  atanh: unary(tf.atanh),
  ceil: unary(tf.ceil),
  cos: unary(tf.cos),
  cosh: unary(tf.cosh),
  erf: unary(tf.erf),
  exp: unary(tf.exp),
  floor: unary(tf.floor),
  isInf: mask(1, ([x]) => tf.isInf(x)),
  isNaN: mask(1, ([x]) => tf.isNaN(x)),
  log: unary(tf.log),
  neg: unary(tf.neg),
  reciprocal: unary(tf.reciprocal),
  round: unary(tf.round),
  sign: unary(tf.sign),
  sin: unary(tf.sin),
  sinh: unary(tf.sinh),
  sqrt: unary(tf.sqrt),
  square: unary(tf.square),
  tan: unary(tf.tan),
  /** The whole number next to it towards 0. */
  trunc: unary((x) => tf.mul(tf.sign(x), tf.floor(tf.abs(x)))),
  logSoftmax: unary((x) => tf.logSoftmax(x)),
  elu: {
    options: { alpha: ANY_NUMBER },
    // α (e^x − 1) of what is negative.
    call: ([x], { alpha }) => tf.add(tf.relu(x), tf.mul(tf.elu(tf.minimum(x, 0)), Number(alpha))),
  },
  clip: {
    options: { min: ANY_NUMBER, max: ANY_NUMBER },
    call: ([x], { min, max }) => tf.clipByValue(x, Number(min), Number(max)),
  },
  /** min(1, max(0, alpha · x + beta)) */
  hardSigmoid: {
    options: { alpha: ANY_NUMBER, beta: ANY_NUMBER },
    call: ([x], { alpha, beta }) => tf.clipByValue(tf.add(tf.mul(x, Number(alpha)), Number(beta)), 0, 1),
  },
  subtract: binary(tf.sub),
  divide: binary(tf.div),
  power: binary(tf.pow),
  /** What a division to a whole number leaves: of the divisor's sign, or if truncated of the dividend's. */
  modulo: {
    inputs: 2,
    options: { truncated: flag },
    call: ([a, b], { truncated }) => {
      if (truncated !== true) return tf.mod(a, b);
      const size = tf.mod(tf.abs(a), tf.abs(b));
      return tf.mul(tf.sign(a), size);
    },
  },
  equal: mask(2, ([a, b]) => tf.equal(a, b)),
  greater: mask(2, ([a, b]) => tf.greater(a, b)),
  greaterEqual: mask(2, ([a, b]) => tf.greaterEqual(a, b)),
  less: mask(2, ([a, b]) => tf.less(a, b)),
  lessEqual: mask(2, ([a, b]) => tf.lessEqual(a, b)),
  not: unary((x) => tf.sub(1, x)),
  /** Takes the second where the first is not 0, else the third. */
  where: {
    inputs: 3,
    call: ([mask, a, b]) => {
      const shape = broadcastShape([mask.shape, a.shape, b.shape]) as number[];
      const isFirst = flat(([mask]) => tf.notEqual(mask, 0))([mask]);
      return tf.where(tf.broadcastTo(isFirst, shape), tf.broadcastTo(a, shape), tf.broadcastTo(b, shape));
    },
  },
  matMul: {
    inputs: 2,
    options: { transposeB: flag },
    call: ([a, b], { transposeB }) => {
      const [first, second] = alike(a, b);
      return tf.matMul(first, second, false, transposeB === true);
    },
    shape: ([a, b], { transposeB }) => {
      const [k, n] = transposeB === true ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)];
      if (a.at(-1) !== k) throw new TypeError(`it multiplies rows of ${a.at(-1)} by columns of ${k}`);
      return [...broadcastShape([a.slice(0, -2), b.slice(0, -2)]), a.at(-2) ?? null, n ?? null];
    },
  },
  reduce: {
    options: { by: oneOf(...Object.keys(REDUCERS)), axes: wholeNumbers(1), keepDims: flag },
    call: ([x], { by, axes, keepDims }) => REDUCERS[String(by)](x, [...axes as number[]], keepDims === true),
    shape: ([shape], { axes, keepDims }) => without(shape, { axes: axes as readonly number[], keepDims }),
  },
  /** Where along an axis the largest or smallest element is, the first of equal ones. */
  argument: {
    options: { of: oneOf("max", "min"), axis: WHOLE, keepDims: flag },
    call: ([x], { of, axis, keepDims }) =>
      flat(([x]) => {
        const places = of === "max" ? tf.argMax(x, Number(axis)) : tf.argMin(x, Number(axis));
        const numbers = tf.cast(places, "float32");
        return keepDims === true ? tf.expandDims(numbers, Number(axis)) : numbers;
      })([x]),
    shape: ([shape], { axis, keepDims }) => without(shape, { axes: [Number(axis)], keepDims }),
  },
  /** Sums of all elements before each along an axis, itself among them unless `exclusive`. */
  cumulate: {
    options: { axis: WHOLE, exclusive: flag, reverse: flag },
    call: ([x], { axis, exclusive, reverse }) => {
      // TF.js's gradient transposes once too often where the axis is not the last.
      const last = x.rank - 1;
      const order = x.shape.map((_, i) => i === Number(axis) ? last : i === last ? Number(axis) : i);
      const sums = tf.cumsum(tf.transpose(x, order), last, exclusive === true, reverse === true);
      return tf.transpose(sums, order);
    },
    shape: ([shape], { axis }) => {
      sideOf(shape, Number(axis));
      return shape;
    },
  },
  /** The largest or smallest elements of the last axis in order, or where they are. */
  topK: {
    options: { k: WHOLE, of: oneOf("max", "min"), gives: oneOf("values", "places") },
    call: ([x], { k, of, gives }) => {
      const signed = of === "max" ? x : tf.neg(x);
      if (gives === "places") return flat(([x]) => tf.cast(tf.topk(x, Number(k)).indices, "float32"))([signed]);
      const values = topValues(signed, Number(k));
      return of === "max" ? values : tf.neg(values);
    },
    shape: ([shape], { k }) => {
      const side = sideOf(shape, shape.length - 1);
      if (side < Number(k)) throw new TypeError(`it takes ${k} elements of ${side}`);
      return shape.with(-1, Number(k));
    },
  },
  /** Every so many elements along each axis behind the batch, from one to before another. */
  slice: {
    options: { begin: wholeNumbers(0), end: wholeNumbers(0), strides: wholeNumbers(1) },
    call: ([x], { begin, end, strides }) => {
      const [from, to, steps] = [begin, end, strides].map((list) => list as number[]);
      const size = to.map((side, i) => side - from[i]);
      return everySoMany(tf.slice(x, [0, ...from], [x.shape[0], ...size]), [1, ...steps]);
    },
    shape: ([[batch, ...sides]], { begin, end, strides }) => {
      const [from, to, steps] = [begin, end, strides].map((list) => list as number[]);
      if (from.length !== sides.length || to.some((side, i) => side > (sides[i] ?? 0) || side <= from[i])) {
        throw new TypeError(`it takes [${from}] to [${to}] of [${sides.map((side) => side ?? "?")}]`);
      }
      return [batch, ...to.map((side, i) => Math.ceil((side - from[i]) / steps[i]))];
    },
  },
  /** The elements of axes in the opposite order. */
  reverse: {
    options: { axes: wholeNumbers(1) },
    call: ([x], { axes }) => tf.reverse(x, [...axes as number[]]),
    shape: ([shape], { axes }) => {
      (axes as readonly number[]).forEach((axis) => sideOf(shape, axis));
      return shape;
    },
  },
  /** Elements at places along an axis. */
  gather: {
    options: { axis: WHOLE, indices: wholeNumbers(0) },
    call: ([x], { axis, indices }) => tf.gather(x, tf.tensor1d([...indices as number[]], "int32"), Number(axis)),
    shape: ([shape], { axis, indices }) => {
      const side = sideOf(shape, Number(axis));
      const list = indices as readonly number[];
      if (list.some((index) => index >= side)) throw new TypeError(`it takes elements ${list} of ${side}`);
      return shape.with(Number(axis), list.length);
    },
  },
  /** Of the first, along its last axis, the elements at the places that the second says for each. */
  gatherElements: {
    inputs: 2,
    call: ([x, places]) => {
      const side = x.shape[x.rank - 1];
      const hits = flat(([places]) => tf.oneHot(tf.cast(places, "int32"), side, 1, 0, "float32"))([places]);
      return tf.sum(tf.mul(tf.expandDims(x, -2), hits), -1);
    },
    shape: ([x, places]) => {
      if (x.slice(1, -1).join() === places.slice(1, -1).join()) return places;
      throw new TypeError(`it takes elements [${places}] of [${x}], which differ before the last axis`);
    },
  },
  /** A new last axis: `on` at the place that the number says, else `off`. */
  oneHot: {
    options: { depth: WHOLE, on: ANY_NUMBER, off: ANY_NUMBER },
    call: ([x], { depth, on, off }) =>
      flat(([x]) => tf.oneHot(tf.cast(x, "int32"), Number(depth), Number(on), Number(off), "float32"))([x]),
    shape: ([shape], { depth }) => [...shape, Number(depth)],
  },
  tile: {
    options: { repeats: wholeNumbers(1) },
    call: ([x], { repeats }) => tiled(x, [1, ...repeats as number[]]),
    shape: ([[batch, ...sides]], { repeats }) => [
      batch,
      ...sides.map((side, i) => side === null ? null : side * (repeats as readonly number[])[i]),
    ],
  },
  pad: {
    options: { mode: oneOf("constant", "reflect", "edge"), paddings: pairs, value: ANY_NUMBER },
    call: ([x], { mode, paddings, value }) =>
      padded(x, { mode: String(mode), paddings: paddings as Pairs, value: Number(value) }),
    shape: ([[batch, ...sides]], { paddings }) => [
      batch,
      ...sides.map((side, i) => side === null ? null : side + (paddings as Pairs)[i][0] + (paddings as Pairs)[i][1]),
    ],
  },
  /** Along an axis, weighted sums of a few elements each: of the elements `places`, a row for each sum. */
  blend: {
    options: { axis: WHOLE, places: numberRows, factors: numberRows },
    call: ([x], { axis, places, factors }) =>
      blended(x, { axis: Number(axis), places: places as Rows, factors: factors as Rows }),
    shape: ([shape], { axis, places, factors }) => {
      const side = sideOf(shape, Number(axis));
      const rows = places as Rows;
      const isFit = rows.length === (factors as Rows).length &&
        rows.every((row, i) =>
          row.length === rows[0].length && row.length === (factors as Rows)[i].length &&
          row.every((at) => Number.isInteger(at) && at >= 0 && at < side)
        );
      if (!isFit) throw new TypeError(`its places and factors are not a row each for sums of ${side} elements`);
      return shape.with(Number(axis), rows.length);
    },
  },
  /** The largest of each window of a picture, whose elements lie some apart; windows move by one. */
  maxDilated: {
    options: { size: wholeNumbers(1), dilations: wholeNumbers(1) },
    call: ([x], { size, dilations }) =>
      tf.pool(x as tf.Tensor4D, size as [number, number], "max", "valid", dilations as [number, number], 1),
    shape: ([[batch, rows, columns, channels]], { size, dilations }) => {
      const sides = [rows, columns].map((side, i) => {
        const [k, rate] = [size, dilations].map((list) => (list as readonly number[])[i]);
        if (side !== null && side >= (k - 1) * rate + 1) return side - (k - 1) * rate;
        throw new TypeError(`its windows of [${size}] by [${dilations}] do not fit [${rows},${columns}]`);
      });
      return [batch, ...sides, channels];
    },
  },
  /** Each number of a picture by a power of a bias and the squares of the channels around it. */
  responseNorm: {
    options: { radius: wholeFrom(0), bias: ANY_NUMBER, alpha: ANY_NUMBER, beta: ANY_NUMBER },
    call: ([x], { radius, bias, alpha, beta }) => {
      const picture = x as tf.Tensor4D;
      return tf.localResponseNormalization(picture, Number(radius), Number(bias), Number(alpha), Number(beta));
    },
  },
  resize: {
    options: { by: oneOf("nearest", "bilinear"), size: wholeNumbers(1), alignCorners: flag, halfPixelCenters: flag },
    call: ([x], { by, size, alignCorners, halfPixelCenters }) => {
      const picture = x as tf.Tensor4D;
      const sides = size as [number, number];
      const [corners, half] = [alignCorners === true, halfPixelCenters === true];
      return by === "nearest"
        ? tf.image.resizeNearestNeighbor(picture, sides, corners, half)
        : tf.image.resizeBilinear(picture, sides, corners, half);
    },
    shape: ([[batch, , , channels]], { size }) => [batch, ...size as [number, number], channels],
  },
};

/** A shape whose axes `axes` are gone, or of one element. */
function without(
  shape: tfl.Shape,
  { axes, keepDims }: { readonly axes: readonly number[]; readonly keepDims: OptionValue },
): tfl.Shape {
  axes.forEach((axis) => sideOf(shape, axis));
  return shape.flatMap((side, axis) => !axes.includes(axis) ? [side] : keepDims === true ? [1] : []);
}
