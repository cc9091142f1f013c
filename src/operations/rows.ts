/** The operations of TF.js that its own layers lack, as rows. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { broadcastShape, sideOf } from "./_shapes.ts";
import { ANY_NUMBER, flag, oneOf, type OptionRule, type Options, pairs, WHOLE, wholeNumbers } from "./_options.ts";

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
const asNumbers = (mask: tf.Tensor): tf.Tensor => tf.cast(mask, "float32");

/** Name of an operation. */
export type OperationName =
  | "abs"
  | "ceil"
  | "cos"
  | "erf"
  | "exp"
  | "floor"
  | "log"
  | "neg"
  | "reciprocal"
  | "round"
  | "sign"
  | "sin"
  | "sqrt"
  | "square"
  | "logSoftmax"
  | "elu"
  | "clip"
  | "hardSigmoid"
  | "subtract"
  | "divide"
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
  | "slice"
  | "gather"
  | "tile"
  | "pad"
  | "resize";

/** The operations by name. Axes are those of what is stored, the batch being axis 0, which none works on. */
export const OPERATIONS: Readonly<Record<OperationName, OperationRow>> = {
  abs: unary(tf.abs),
  ceil: unary(tf.ceil),
  cos: unary(tf.cos),
  erf: unary(tf.erf),
  exp: unary(tf.exp),
  floor: unary(tf.floor),
  log: unary(tf.log),
  neg: unary(tf.neg),
  reciprocal: unary(tf.reciprocal),
  round: unary(tf.round),
  sign: unary(tf.sign),
  sin: unary(tf.sin),
  sqrt: unary(tf.sqrt),
  square: unary(tf.square),
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
  equal: binary((a, b) => asNumbers(tf.equal(a, b))),
  greater: binary((a, b) => asNumbers(tf.greater(a, b))),
  greaterEqual: binary((a, b) => asNumbers(tf.greaterEqual(a, b))),
  less: binary((a, b) => asNumbers(tf.less(a, b))),
  lessEqual: binary((a, b) => asNumbers(tf.lessEqual(a, b))),
  not: unary((x) => tf.sub(1, x)),
  /** Takes the second where the first is not 0, else the third. */
  where: {
    inputs: 3,
    call: ([mask, a, b]) => {
      const shape = broadcastShape([mask.shape, a.shape, b.shape]) as number[];
      return tf.where(tf.broadcastTo(tf.notEqual(mask, 0), shape), tf.broadcastTo(a, shape), tf.broadcastTo(b, shape));
    },
  },
  matMul: {
    inputs: 2,
    options: { transposeB: flag },
    call: ([a, b], { transposeB }) => tf.matMul(a, b, false, transposeB === true),
    shape: ([a, b], { transposeB }) => {
      const [k, n] = transposeB === true ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)];
      if (a.at(-1) !== k) throw new TypeError(`it multiplies rows of ${a.at(-1)} by columns of ${k}`);
      return [...broadcastShape([a.slice(0, -2), b.slice(0, -2)]), a.at(-2) ?? null, n ?? null];
    },
  },
  reduce: {
    options: { by: oneOf("mean", "sum", "max", "min", "prod", "l2"), axes: wholeNumbers(1), keepDims: flag },
    call: ([x], { by, axes, keepDims }) => REDUCERS[String(by)](x, [...axes as number[]], keepDims === true),
    shape: ([shape], { axes, keepDims }) => {
      const list = axes as readonly number[];
      list.forEach((axis) => sideOf(shape, axis));
      return shape.flatMap((side, axis) => !list.includes(axis) ? [side] : keepDims === true ? [1] : []);
    },
  },
  /** Every so many elements along each axis behind the batch, from one to before another. */
  slice: {
    options: { begin: wholeNumbers(0), end: wholeNumbers(0), strides: wholeNumbers(1) },
    call: ([x], { begin, end, strides }) => {
      const [from, to, steps] = [begin, end, strides].map((list) => list as number[]);
      const size = to.map((side, i) => side - from[i]);
      const part = tf.slice(x, [0, ...from], [x.shape[0], ...size]);
      return steps.every((step) => step === 1)
        ? part
        : tf.stridedSlice(part, [0, ...from.map(() => 0)], [...part.shape], [1, ...steps]);
    },
    shape: ([[batch, ...sides]], { begin, end, strides }) => {
      const [from, to, steps] = [begin, end, strides].map((list) => list as number[]);
      if (from.length !== sides.length || to.some((side, i) => side > (sides[i] ?? 0) || side <= from[i])) {
        throw new TypeError(`it takes [${from}] to [${to}] of [${sides.map((side) => side ?? "?")}]`);
      }
      return [batch, ...to.map((side, i) => Math.ceil((side - from[i]) / steps[i]))];
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
  tile: {
    options: { repeats: wholeNumbers(1) },
    call: ([x], { repeats }) => tf.tile(x, [1, ...repeats as number[]]),
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

type Pairs = readonly (readonly [number, number])[];

const REDUCERS: Readonly<Record<string, (x: tf.Tensor, axes: number[], keepDims: boolean) => tf.Tensor>> = {
  mean: tf.mean,
  sum: tf.sum,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
  l2: (x, axes, keepDims) => tf.sqrt(tf.sum(tf.square(x), axes, keepDims)),
};

function padded(
  x: tf.Tensor,
  { mode, paddings, value }: { readonly mode: string; readonly paddings: Pairs; readonly value: number },
): tf.Tensor {
  const all = [[0, 0], ...paddings.map(([before, behind]) => [before, behind])] as [number, number][];
  if (mode === "constant") return tf.pad(x, all, value);
  if (mode === "reflect") return tf.mirrorPad(x, all, "reflect");
  return paddings.reduce<tf.Tensor>((y, [before, behind], i) => {
    if (before === 0 && behind === 0) return y;
    const side = y.shape[i + 1];
    const places = Array.from(
      { length: side + before + behind },
      (_, at) => Math.min(side - 1, Math.max(0, at - before)),
    );
    return tf.gather(y, tf.tensor1d(places, "int32"), i + 1);
  }, x);
}
