/** Operators on each number that none of TF.js's layers computes: layers of one operation, or of a few. */
import type { OperationName } from "../../../../src/operations/mod.ts";
import { type Call, refuse, type Row } from "../_call.ts";
import { scale } from "../_constants.ts";
import { elementwise, operation } from "../_operation.ts";
import type { Value } from "../_value.ts";

/** Operations on each number, by ONNX's operators. */
const UNARY: Readonly<Record<string, OperationName>> = {
  Abs: "abs",
  Acos: "acos",
  Acosh: "acosh",
  Asin: "asin",
  Asinh: "asinh",
  Atan: "atan",
  Atanh: "atanh",
  Ceil: "ceil",
  Cos: "cos",
  Cosh: "cosh",
  Erf: "erf",
  Exp: "exp",
  Floor: "floor",
  IsNaN: "isNaN",
  Log: "log",
  Not: "not",
  Reciprocal: "reciprocal",
  Round: "round",
  Sign: "sign",
  Sin: "sin",
  Sinh: "sinh",
  Sqrt: "sqrt",
  Tan: "tan",
};

/** Operations on two numbers each. */
const BINARY: Readonly<Record<string, OperationName>> = {
  Pow: "power",
  Equal: "equal",
  Greater: "greater",
  GreaterOrEqual: "greaterEqual",
  Less: "less",
  LessOrEqual: "lessEqual",
};

/** The rows. */
export const OPERATION_ROWS: Readonly<Record<string, Row>> = {
  ...mapRows(UNARY, (name) => (call) => ({
    ...elementwise(call, name, [call.value(0)]),
    isNonNegative: NON_NEGATIVE.has(name),
  })),
  ...mapRows(BINARY, (name) => (call) => elementwise(call, name, [0, 1])),
  Celu: celu,
  IsInf: (call) => {
    const isBoth = call.number("detect_negative", 1) === 1 && call.number("detect_positive", 1) === 1;
    if (!isBoth) refuse("it finds infinity of one sign");
    return { ...elementwise(call, "isInf", [call.value(0)]), isNonNegative: true };
  },
  Mod: (call) => elementwise(call, "modulo", [0, 1], { truncated: call.number("fmod", 0) === 1 }),
  Selu: selu,
  Shrink: shrink,
  Where: (call) => elementwise(call, "where", [0, 1, 2]),
  Xor: (call) => {
    const isSame = elementwise(call, "equal", [0, 1]);
    return call.gives(operation(call, "not", { inbound: [isSame.read()] }), isSame.order, { isNonNegative: true });
  },
};

const NON_NEGATIVE: ReadonlySet<string> = new Set(["abs", "acos", "acosh", "cosh", "exp", "isNaN", "sqrt"]);

function mapRows<T>(table: Readonly<Record<string, T>>, make: (value: T) => Row): Readonly<Record<string, Row>> {
  return Object.fromEntries(Object.entries(table).map(([op, value]) => [op, make(value)]));
}

/** α · elu(x / α) */
function celu(call: Call): Value {
  const alpha = call.number("alpha", 1);
  const x = scale(call, call.value(0), { factor: 1 / alpha });
  const name = call.builder.layer({ className: "ELU", config: { alpha: 1 }, inbound: [x.read()] }, "_elu");
  return scale(call, { ...x, read: () => name }, { factor: alpha });
}

/** γ · elu(x) by α; TF.js has one of the numbers that the paper found. */
function selu(call: Call): Value {
  const x = call.value(0);
  const [alpha, gamma] = [call.number("alpha", 1.67326), call.number("gamma", 1.0507)];
  if (Math.abs(alpha - 1.67326) < 1e-4 && Math.abs(gamma - 1.0507) < 1e-4) {
    const config = { activation: "selu" };
    return call.gives(call.builder.layer({ className: "Activation", config, inbound: [x.read()] }), x.order);
  }
  const name = operation(call, "elu", { inbound: [x.read()], options: { alpha }, suffix: "_elu" });
  return scale(call, { shape: x.shape, order: x.order, read: () => name }, { factor: gamma });
}

/** x + bias below −λ, x − bias above λ, between them 0: each a product with 1 where it holds. */
function shrink(call: Call): Value {
  const x = call.value(0);
  const [bias, lambda] = [call.number("bias", 0), call.number("lambd", 0.5)];
  const part = (by: "less" | "greater", bound: number, term: number) => {
    const edge = call.builder.constant(x.order.map(() => 1), Float32Array.of(bound));
    const holds = operation(call, by, { inbound: [x.read(), edge], suffix: `_${by}` });
    const moved = scale(call, x, { factor: 1, term }).read();
    return call.builder.layer({ className: "Multiply", inbound: [moved, holds] }, `_part_${by}`);
  };
  const inbound = [part("less", -lambda, bias), part("greater", lambda, -bias)];
  return call.gives(call.builder.layer({ className: "Add", inbound }), x.order);
}
