/**
 * Functions whose operators in ONNX Runtime lose what is small, out of operators that do not.
 *
 * Its Sigmoid is a quotient of polynomials, right to 5e-8 and no more: sigmoid(-17) is twice what it should be, from -18
 * on it is 0, and the logarithm of that in a loss -∞. Its Elu and Selu take 1 from exp(x), so that between -6e-8 and 0
 * they are 0. Files and their simulation have the operators all the same where only the tail is better:
 * src/passes/plain_activations.ts knows these forms.
 */
import { scalar } from "./_emit.ts";
import type { Emit, Value } from "./op.ts";

/** From here on float32's sigmoid is 1. */
const SATURATED = 18;

/** The two numbers of the self-normalizing unit, as TF.js has them. */
const SELU = { alpha: 1.7580993408473768, scale: 1.0507009873554805 } as const;

function node(emit: Emit, op: string) {
  return (...inputs: readonly Value[]) => emit.node(op, inputs);
}

/**
 * e / (1 + e) with e = exp(min(x, 18)). Range: [0, 1], subnormal numbers included. Shapes: x any → the same.
 *
 * Takes 2.5 times as long as the operator.
 */
export function emitSigmoid(emit: Emit, x: Value): Value {
  const power = node(emit, "Exp")(node(emit, "Min")(x, scalar(emit, "float32", SATURATED)));
  return node(emit, "Div")(power, node(emit, "Add")(power, scalar(emit, "float32", 1)));
}

/**
 * exp(x) - 1 where x < 0, else 0: with t = tanh(x / 2) it is 2t / (1 - t), and nothing cancels.
 *
 * Shapes: x any → the same.
 */
function emitNegativeExpm1(emit: Emit, x: Value): Value {
  const negative = node(emit, "Min")(x, scalar(emit, "float32", 0));
  const t = node(emit, "Tanh")(node(emit, "Mul")(negative, scalar(emit, "float32", 0.5)));
  return node(emit, "Div")(node(emit, "Add")(t, t), node(emit, "Sub")(scalar(emit, "float32", 1), t));
}

/** x where x ≥ 0, else exp(x) - 1. A third of the operator's time. Shapes: x any → the same. */
export function emitElu(emit: Emit, x: Value): Value {
  return node(emit, "Add")(node(emit, "Relu")(x), emitNegativeExpm1(emit, x));
}

/** scale·x where x ≥ 0, else alpha·(exp(x) - 1). Shapes: x any → the same. */
export function emitSelu(emit: Emit, x: Value): Value {
  const times = (value: Value, factor: number) => node(emit, "Mul")(value, scalar(emit, "float32", factor));
  return node(emit, "Add")(
    times(node(emit, "Relu")(x), SELU.scale),
    times(emitNegativeExpm1(emit, x), SELU.alpha),
  );
}
