/** Element-wise operators: unary, binary with broadcasting, variadic, comparisons, casts. */
import { type DType, dtypeOfCode } from "../../numbers/dtype.ts";
import {
  ANY,
  broadcast,
  broadcastsTo,
  FLOAT,
  maybe,
  need,
  numberAttr,
  NUMERIC,
  type Rows,
  sameDtype,
  scalarOf,
  SIGNED,
  stringAttr,
  UNSIGNED,
} from "./_infer.ts";
import type { AttrKind, OpSchema } from "./schema.ts";

interface RowOptions {
  readonly since: number;
  readonly dtypes?: readonly DType[];
  readonly attrs?: Readonly<Record<string, AttrKind>>;
  /** Output dtype, where it is not the inputs'. */
  readonly to?: DType;
}

/** A row of one input and an output of the same shape. */
export function unary({ since, dtypes = FLOAT, attrs, to }: RowOptions): OpSchema {
  return {
    since,
    inputs: [1, 1],
    attrs,
    infer(inputs) {
      const x = need(inputs, 0, dtypes);
      return [{ dtype: to ?? x.dtype, shape: x.shape }];
    },
  };
}

function binary({ since, dtypes = NUMERIC, attrs, to }: RowOptions): OpSchema {
  return {
    since,
    inputs: [2, 2],
    attrs,
    infer(inputs) {
      const a = need(inputs, 0, dtypes);
      const b = need(inputs, 1, dtypes);
      const dtype = sameDtype([a, b]);
      return [{ dtype: to ?? dtype, shape: broadcast(a.shape, b.shape) }];
    },
  };
}

function variadic({ since, dtypes = FLOAT }: RowOptions): OpSchema {
  return {
    since,
    inputs: [1, Infinity],
    infer(inputs) {
      const present = inputs.map((_, i) => need(inputs, i, dtypes));
      return [{ dtype: sameDtype(present), shape: broadcast(...present.map((input) => input.shape)) }];
    },
  };
}

const SIGNED_NUMERIC: readonly DType[] = [...FLOAT, ...SIGNED];
const alpha = { alpha: "float" } as const;

const math: Rows = {
  Neg: unary({ since: 6, dtypes: SIGNED_NUMERIC }),
  Abs: unary({ since: 6, dtypes: NUMERIC }),
  Sign: unary({ since: 9, dtypes: NUMERIC }),
  Erf: unary({ since: 9, dtypes: NUMERIC }),
  ...Object.fromEntries(
    (["Exp", "Log", "Sqrt", "Reciprocal", "Floor", "Ceil"] as const).map((op) => [op, unary({ since: 6 })]),
  ),
  Round: unary({ since: 11 }),
  ...Object.fromEntries(
    (["Sin", "Cos", "Tan", "Asin", "Acos", "Atan"] as const).map((op) => [op, unary({ since: 7 })]),
  ),
  ...Object.fromEntries(
    (["Sinh", "Cosh", "Asinh", "Acosh", "Atanh"] as const).map((op) => [op, unary({ since: 9 })]),
  ),
  IsNaN: unary({ since: 9, to: "bool" }),
  IsInf: unary({
    since: 10,
    dtypes: ["float32", "float64"],
    to: "bool",
    attrs: { detect_negative: "int", detect_positive: "int" },
  }),
  Not: unary({ since: 1, dtypes: ["bool"] }),
  Identity: unary({ since: 1, dtypes: ANY }),
};

const activations: Rows = {
  Relu: unary({ since: 6, dtypes: SIGNED_NUMERIC }),
  LeakyRelu: unary({ since: 6, attrs: alpha }),
  Elu: unary({ since: 6, attrs: alpha }),
  Celu: unary({ since: 12, attrs: alpha, dtypes: ["float32"] }),
  ThresholdedRelu: unary({ since: 10, attrs: alpha }),
  Selu: unary({ since: 6, attrs: { alpha: "float", gamma: "float" } }),
  HardSigmoid: unary({ since: 6, attrs: { alpha: "float", beta: "float" } }),
  HardSwish: unary({ since: 14 }),
  Sigmoid: unary({ since: 6 }),
  Tanh: unary({ since: 6 }),
  Softplus: unary({ since: 1 }),
  Softsign: unary({ since: 1 }),
  PRelu: {
    since: 9,
    inputs: [2, 2],
    infer(inputs) {
      const x = need(inputs, 0, NUMERIC);
      const slope = need(inputs, 1, NUMERIC);
      broadcastsTo(slope.shape, x.shape);
      return [{ dtype: sameDtype([x, slope]), shape: x.shape }];
    },
  },
  Clip: {
    since: 11,
    inputs: [1, 3],
    infer(inputs) {
      const x = need(inputs, 0, NUMERIC);
      const bounds = [maybe(inputs, 1), maybe(inputs, 2)];
      for (const bound of bounds) scalarOf(bound, "a bound");
      return [{ dtype: sameDtype([x, ...bounds]), shape: x.shape }];
    },
  },
};

const arithmetic: Rows = {
  Add: binary({ since: 7 }),
  Sub: binary({ since: 7 }),
  Mul: binary({ since: 7 }),
  Div: binary({ since: 7 }),
  Mod: binary({ since: 10, attrs: { fmod: "int" } }),
  Pow: {
    since: 12,
    inputs: [2, 2],
    infer(inputs) {
      const base = need(inputs, 0, [...FLOAT, "int32", "int64"]);
      return [{ dtype: base.dtype, shape: broadcast(base.shape, need(inputs, 1, NUMERIC).shape) }];
    },
  },
  BitShift: {
    since: 11,
    inputs: [2, 2],
    attrs: { direction: "string" },
    infer(inputs, attrs) {
      if (attrs.direction === undefined) throw new TypeError(`attribute "direction" is missing`);
      stringAttr(attrs, "direction", ["LEFT", "RIGHT"]);
      const a = need(inputs, 0, UNSIGNED);
      const b = need(inputs, 1, UNSIGNED);
      return [{ dtype: sameDtype([a, b]), shape: broadcast(a.shape, b.shape) }];
    },
  },
  Max: variadic({ since: 12, dtypes: NUMERIC }),
  Min: variadic({ since: 12, dtypes: NUMERIC }),
  Sum: variadic({ since: 8 }),
  Mean: variadic({ since: 8 }),
};

const BOOL: readonly DType[] = ["bool"];

const logic: Rows = {
  And: binary({ since: 7, dtypes: BOOL }),
  Or: binary({ since: 7, dtypes: BOOL }),
  Xor: binary({ since: 7, dtypes: BOOL }),
  Equal: binary({ since: 11, dtypes: ANY, to: "bool" }),
  Less: binary({ since: 9, to: "bool" }),
  Greater: binary({ since: 9, to: "bool" }),
  LessOrEqual: binary({ since: 12, to: "bool" }),
  GreaterOrEqual: binary({ since: 12, to: "bool" }),
  Where: {
    since: 9,
    inputs: [3, 3],
    infer(inputs) {
      const [condition, a, b] = [need(inputs, 0, BOOL), need(inputs, 1), need(inputs, 2)];
      return [{ dtype: sameDtype([a, b]), shape: broadcast(condition.shape, a.shape, b.shape) }];
    },
  },
};

const casts: Rows = {
  Cast: {
    since: 9,
    inputs: [1, 1],
    attrs: { to: "int" },
    infer(inputs, attrs) {
      const code = numberAttr(attrs, "to");
      const dtype = dtypeOfCode(code);
      if (dtype === undefined) throw new TypeError(`attribute "to" is ${code}, which is no element type known here`);
      return [{ dtype, shape: need(inputs, 0).shape }];
    },
  },
  CastLike: {
    since: 15,
    inputs: [2, 2],
    infer: (inputs) => [{ dtype: need(inputs, 1).dtype, shape: need(inputs, 0).shape }],
  },
};

/** Element-wise operators of the default domain. */
export const elementwise: Rows = { ...math, ...activations, ...arithmetic, ...logic, ...casts };
