/** Element-wise operators: unary, binary with broadcasting, variadic, comparisons, casts. */
import { codeOf, type DType, dtypeOfCode } from "../../numbers/dtype.ts";
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
import type { AttrKind } from "../graph.ts";
import type { OpSchema, Traits } from "./schema.ts";

interface RowOptions {
  readonly since: number;
  readonly dtypes?: readonly DType[];
  readonly attrs?: Readonly<Record<string, AttrKind>>;
  /** Output dtype, where it is not the inputs'. */
  readonly to?: DType;
  /** Beyond being elementwise, and broadcasting with several inputs. */
  readonly traits?: OpSchema["traits"];
}

/** Adds traits to those that a row has. */
function withTraits(more: Traits, traits: OpSchema["traits"] = {}): OpSchema["traits"] {
  return typeof traits === "function" ? (attrs) => ({ ...more, ...traits(attrs) }) : { ...more, ...traits };
}

const BROADCASTING: Traits = { elementwise: true, broadcasting: true };

/** f(0) = 0. */
const ZERO: Traits = { mapsZeroToZero: "all" };
/** Finite for all that is finite. */
const FINITE: Traits = { keepsFinite: true };
const ZERO_FINITE: Traits = { ...ZERO, ...FINITE };

/** A row of one input and an output of the same shape. */
function unary({ since, dtypes = FLOAT, attrs, to, traits }: RowOptions): OpSchema {
  return {
    since,
    inputs: [1, 1],
    attrs,
    traits: withTraits({ elementwise: true }, traits),
    infer(inputs) {
      const x = need(inputs, 0, dtypes);
      return [{ dtype: to ?? x.dtype, shape: x.shape }];
    },
  };
}

function binary({ since, dtypes = NUMERIC, attrs, to, traits }: RowOptions): OpSchema {
  return {
    since,
    inputs: [2, 2],
    attrs,
    traits: withTraits(BROADCASTING, traits),
    infer(inputs) {
      const a = need(inputs, 0, dtypes);
      const b = need(inputs, 1, dtypes);
      const dtype = sameDtype([a, b]);
      return [{ dtype: to ?? dtype, shape: broadcast(a.shape, b.shape) }];
    },
  };
}

function variadic({ since, dtypes = FLOAT, traits }: RowOptions): OpSchema {
  return {
    since,
    inputs: [1, Infinity],
    traits: withTraits(BROADCASTING, traits),
    infer(inputs) {
      const present = inputs.map((_, i) => need(inputs, i, dtypes));
      return [{ dtype: sameDtype(present), shape: broadcast(...present.map((input) => input.shape)) }];
    },
  };
}

const SIGNED_NUMERIC: readonly DType[] = [...FLOAT, ...SIGNED];
const alpha = { alpha: "float" } as const;

/** Rows that differ by their name and traits alone. */
function rows(since: number, traits: Readonly<Record<string, Traits>>): Rows {
  return Object.fromEntries(Object.entries(traits).map(([op, traits]) => [op, unary({ since, traits })]));
}

const math: Rows = {
  Neg: unary({ since: 6, dtypes: SIGNED_NUMERIC, traits: ZERO_FINITE }),
  Abs: unary({ since: 6, dtypes: NUMERIC, traits: ZERO_FINITE }),
  Sign: unary({ since: 9, dtypes: NUMERIC, traits: ZERO_FINITE }),
  Erf: unary({ since: 9, dtypes: NUMERIC, traits: ZERO_FINITE }),
  ...rows(6, { Exp: {}, Log: {}, Sqrt: ZERO, Reciprocal: {}, Floor: ZERO_FINITE, Ceil: ZERO_FINITE }),
  Round: unary({ since: 11, traits: ZERO_FINITE }),
  ...rows(7, { Sin: ZERO_FINITE, Cos: FINITE, Tan: ZERO, Asin: ZERO, Acos: {}, Atan: ZERO_FINITE }),
  ...rows(9, { Sinh: ZERO, Cosh: {}, Asinh: ZERO_FINITE, Acosh: {}, Atanh: ZERO }),
  IsNaN: unary({ since: 9, to: "bool", traits: ZERO_FINITE }),
  IsInf: unary({
    since: 10,
    dtypes: ["float32", "float64"],
    to: "bool",
    attrs: { detect_negative: "int", detect_positive: "int" },
    traits: ZERO_FINITE,
  }),
  Not: unary({ since: 1, dtypes: ["bool"], traits: FINITE }),
  Identity: unary({ since: 1, dtypes: ANY, traits: { movement: true } }),
};

const activations: Rows = {
  Relu: unary({ since: 6, dtypes: SIGNED_NUMERIC, traits: ZERO_FINITE }),
  LeakyRelu: unary({
    since: 6,
    attrs: alpha,
    traits: (attrs) => Math.abs(numberAttr(attrs, "alpha", 0.01)) <= 1 ? ZERO_FINITE : ZERO,
  }),
  Elu: unary({ since: 6, attrs: alpha, traits: ZERO_FINITE }),
  Celu: unary({ since: 12, attrs: alpha, dtypes: ["float32"] }),
  ThresholdedRelu: unary({ since: 10, attrs: alpha, traits: ZERO_FINITE }),
  Selu: unary({ since: 6, attrs: { alpha: "float", gamma: "float" }, traits: ZERO }),
  HardSigmoid: unary({
    since: 6,
    attrs: { alpha: "float", beta: "float" },
    traits: (attrs) => numberAttr(attrs, "beta", 0.5) === 0 ? ZERO_FINITE : FINITE,
  }),
  HardSwish: unary({ since: 14, traits: ZERO }),
  Sigmoid: unary({ since: 6, traits: FINITE }),
  Tanh: unary({ since: 6, traits: ZERO_FINITE }),
  Softplus: unary({ since: 1, traits: FINITE }),
  Softsign: unary({ since: 1, traits: ZERO_FINITE }),
  PRelu: {
    since: 9,
    inputs: [2, 2],
    traits: { elementwise: true, mapsZeroToZero: [0] },
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
    traits: { elementwise: true, keepsFinite: true },
    infer(inputs) {
      const x = need(inputs, 0, NUMERIC);
      const bounds = [maybe(inputs, 1), maybe(inputs, 2)];
      for (const bound of bounds) scalarOf(bound, "a bound");
      return [{ dtype: sameDtype([x, ...bounds]), shape: x.shape }];
    },
  },
};

const arithmetic: Rows = {
  Add: binary({ since: 7, traits: ZERO }),
  Sub: binary({ since: 7, traits: ZERO }),
  Mul: binary({ since: 7, traits: { mapsZeroToZero: "any" } }),
  Div: binary({ since: 7 }),
  Mod: binary({ since: 10, attrs: { fmod: "int" } }),
  Pow: {
    since: 12,
    inputs: [2, 2],
    traits: BROADCASTING,
    infer(inputs) {
      const base = need(inputs, 0, [...FLOAT, "int32", "int64"]);
      return [{ dtype: base.dtype, shape: broadcast(base.shape, need(inputs, 1, NUMERIC).shape) }];
    },
  },
  BitShift: {
    since: 11,
    inputs: [2, 2],
    attrs: { direction: "string" },
    traits: { ...BROADCASTING, mapsZeroToZero: [0], keepsFinite: true },
    infer(inputs, attrs) {
      if (attrs.direction === undefined) throw new TypeError(`attribute "direction" is missing`);
      stringAttr(attrs, "direction", ["LEFT", "RIGHT"]);
      const a = need(inputs, 0, UNSIGNED);
      const b = need(inputs, 1, UNSIGNED);
      return [{ dtype: sameDtype([a, b]), shape: broadcast(a.shape, b.shape) }];
    },
  },
  Max: variadic({ since: 12, dtypes: NUMERIC, traits: ZERO_FINITE }),
  Min: variadic({ since: 12, dtypes: NUMERIC, traits: ZERO_FINITE }),
  Sum: variadic({ since: 8, traits: ZERO }),
  Mean: variadic({ since: 8, traits: ZERO }),
};

const BOOL: readonly DType[] = ["bool"];

const logic: Rows = {
  And: binary({ since: 7, dtypes: BOOL, traits: { mapsZeroToZero: "any", keepsFinite: true } }),
  Or: binary({ since: 7, dtypes: BOOL, traits: ZERO_FINITE }),
  Xor: binary({ since: 7, dtypes: BOOL, traits: ZERO_FINITE }),
  Equal: binary({ since: 11, dtypes: ANY, to: "bool", traits: FINITE }),
  Less: binary({ since: 9, to: "bool", traits: ZERO_FINITE }),
  Greater: binary({ since: 9, to: "bool", traits: ZERO_FINITE }),
  LessOrEqual: binary({ since: 12, to: "bool", traits: FINITE }),
  GreaterOrEqual: binary({ since: 12, to: "bool", traits: FINITE }),
  Where: {
    since: 9,
    inputs: [3, 3],
    traits: { ...BROADCASTING, mapsZeroToZero: [1, 2], keepsFinite: true },
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
    // float16 ends at 65504.
    traits: withTraits({ elementwise: true }, ({ to }) => to === codeOf("float16") ? ZERO : ZERO_FINITE),
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
