/** Gru. */
import { scalar } from "./_emit.ts";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { RecurrentAttrs } from "../recurrent/kernel_types.ts";
import { emitRecurrent, namedInputs } from "./_recurrent.ts";
import { ACTIVATIONS } from "./_recurrent_activation.ts";
import {
  beside,
  emitSteps,
  plus,
  product,
  splitColumns,
  splitGates,
  type TakeStep,
  times,
} from "./_recurrent_steps.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/**
 * A gated recurrent unit that resets the state before it is multiplied, which is TF.js's and ONNX's default alike; gates
 * are z, r, h in both. Shapes: x [n, t, c], see RecurrentInputs → [n, t, u], [n, u].
 */
export const gru = defineOp<readonly TensorInfo[], RecurrentAttrs>({
  kernel: "Gru",
  lower: (emit, list, attrs) => {
    const { activation, recurrentActivation, goBackwards } = attrs;
    const activations = [recurrentActivation, activation];
    return emitRecurrent(emit, namedInputs(list, attrs), { op: "GRU", gates: [0, 1, 2], activations, goBackwards });
  },
  lowerStep: (emit, list, attrs) => {
    const inputs = namedInputs(list, attrs);
    return emitSteps(emit, { inputs, attrs, take: stepOf(emit, inputs.recurrentKernel, attrs) });
  },
});

/** ĥ = φ(x_h + (σ(a_r)·h')·R_h), h = z·h' + (1 - z)·ĥ with z = σ(a_z). */
function stepOf(emit: Emit, weight: Value, attrs: RecurrentAttrs): TakeStep {
  const [units] = weight.shape;
  const widths = [2 * units, units];
  const [ofGates, ofNew] = splitColumns(emit, weight, widths);
  return (x, { h }) => {
    const [xGates, xNew] = splitColumns(emit, x, widths);
    const inner = product(emit, h, ofGates, xGates);
    const [z, r] = splitGates(emit, ACTIVATIONS[attrs.recurrentActivation].value(emit, inner), units);
    const fresh = product(emit, times(emit, r, h), ofNew, xNew);
    const rest = emit.node("Sub", [scalar(emit, "float32", 1), z]);
    const added = times(emit, rest, ACTIVATIONS[attrs.activation].value(emit, fresh));
    return { gates: beside(emit, inner, fresh), h: plus(emit, times(emit, z, h), added) };
  };
}
