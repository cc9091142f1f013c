/** Activations of recurrent layers: ONNX's names of them, their values and their slopes. */
import type { RecurrentActivation } from "../recurrent/kernel_types.ts";
import { filled, scalar } from "./_emit.ts";
import type { Emit, Value } from "./op.ts";

/** An activation, as an attribute of a recurrent operator and as nodes of its own. */
export interface Activation {
  /** ONNX's name. */
  readonly onnx: string;
  /** Its α and β, as far as it has them. */
  readonly alpha?: number;
  readonly beta?: number;
  /** Emits f(x). */
  value(emit: Emit, x: Value): Value;
  /** Emits f'(x), with y = f(x) at hand. At a kink it is what TF.js takes there. */
  slope(emit: Emit, at: { readonly x: Value; readonly y: Value }): Value;
}

const one = (emit: Emit) => scalar(emit, "float32", 1);
const toFloat = (emit: Emit, condition: Value) => emit.node("Cast", [condition], { to: 1 });

/** Keras's piecewise sigmoid: clip(0.2·x + 0.5, 0, 1). */
const HARD_SIGMOID = { alpha: 0.2, beta: 0.5 } as const;

/** Activations by TF.js's name. */
export const ACTIVATIONS: Readonly<Record<RecurrentActivation, Activation>> = {
  elu: {
    onnx: "Elu",
    alpha: 1,
    value: (emit, x) => emit.node("Elu", [x]),
    // y + 1 = exp(x) below 0, and 1 above, where min(y, 0) is 0.
    slope: (emit, { y }) => emit.node("Add", [emit.node("Min", [y, scalar(emit, "float32", 0)]), one(emit)]),
  },
  hardSigmoid: {
    onnx: "HardSigmoid",
    ...HARD_SIGMOID,
    value: (emit, x) => emit.node("HardSigmoid", [x], HARD_SIGMOID),
    // Where 0.2·x + 0.5 lies within [0, 1], its ends included.
    slope: (emit, { x }) => {
      const isWithin = emit.node("LessOrEqual", [emit.node("Abs", [x]), scalar(emit, "float32", 2.5)]);
      return emit.node("Mul", [toFloat(emit, isWithin), scalar(emit, "float32", HARD_SIGMOID.alpha)]);
    },
  },
  linear: {
    onnx: "Affine",
    alpha: 1,
    beta: 0,
    value: (_, x) => x,
    slope: (emit, { x }) => filled(emit, x, 1),
  },
  relu: {
    onnx: "Relu",
    value: (emit, x) => emit.node("Relu", [x]),
    slope: (emit, { y }) => toFloat(emit, emit.node("Greater", [y, scalar(emit, "float32", 0)])),
  },
  sigmoid: {
    onnx: "Sigmoid",
    value: (emit, x) => emit.node("Sigmoid", [x]),
    slope: (emit, { y }) => emit.node("Mul", [y, emit.node("Sub", [one(emit), y])]),
  },
  softplus: {
    onnx: "Softplus",
    value: (emit, x) => emit.node("Softplus", [x]),
    slope: (emit, { x }) => emit.node("Sigmoid", [x]),
  },
  softsign: {
    onnx: "Softsign",
    value: (emit, x) => emit.node("Softsign", [x]),
    // (1 - |y|)² = 1 / (1 + |x|)².
    slope: (emit, { y }) => {
      const rest = emit.node("Sub", [one(emit), emit.node("Abs", [y])]);
      return emit.node("Mul", [rest, rest]);
    },
  },
  tanh: {
    onnx: "Tanh",
    value: (emit, x) => emit.node("Tanh", [x]),
    slope: (emit, { y }) => emit.node("Sub", [one(emit), emit.node("Mul", [y, y])]),
  },
};

/** Attributes of a recurrent operator that say which activations it applies, in ONNX's order of them. */
export function activationAttrs(names: readonly RecurrentActivation[]) {
  const used = names.map((name) => ACTIVATIONS[name]);
  const numbers = (key: "alpha" | "beta") => used.flatMap((activation) => activation[key] ?? []);
  const [alpha, beta] = [numbers("alpha"), numbers("beta")];
  return {
    activations: used.map(({ onnx }) => onnx),
    // Each activation that has a number takes the next one of the list.
    ...(alpha.length > 0 ? { activation_alpha: alpha } : {}),
    ...(beta.length > 0 ? { activation_beta: beta } : {}),
  };
}
