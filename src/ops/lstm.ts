/** Lstm. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { RecurrentAttrs } from "../recurrent/kernel_types.ts";
import { emitRecurrent, namedInputs } from "./_recurrent.ts";
import { ACTIVATIONS } from "./_recurrent_activation.ts";
import { emitSteps, plus, product, splitColumns, splitGates, type TakeStep, times } from "./_recurrent_steps.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** TF.js's gates are i, f, c, o; ONNX's i, o, f, c. */
const GATES = [0, 3, 1, 2];

/** A long short-term memory. Shapes: x [n, t, c], see RecurrentInputs → [n, t, u], [n, u], [n, u]. */
export const lstm = defineOp<readonly TensorInfo[], RecurrentAttrs>({
  kernel: "Lstm",
  lower: (emit, list, attrs) => {
    const { activation, recurrentActivation, goBackwards } = attrs;
    const activations = [recurrentActivation, activation, activation];
    return emitRecurrent(emit, namedInputs(list, attrs), { op: "LSTM", gates: GATES, activations, goBackwards });
  },
  lowerStep: (emit, list, attrs) => {
    const inputs = namedInputs(list, attrs);
    return emitSteps(emit, { inputs, attrs, take: stepOf(emit, inputs.recurrentKernel, attrs) });
  },
});

/** c = σ(a_f)·c' + σ(a_i)·φ(a_g), h = σ(a_o)·φ(c). */
function stepOf(emit: Emit, weight: Value, attrs: RecurrentAttrs): TakeStep {
  const gate = (x: Value) => ACTIVATIONS[attrs.recurrentActivation].value(emit, x);
  const activation = (x: Value) => ACTIVATIONS[attrs.activation].value(emit, x);
  const [units] = weight.shape;
  return (x, before) => {
    const gates = product(emit, before.h, weight, x);
    const [forCell, fresh, forOutput] = splitColumns(emit, gates, [2 * units, units, units]);
    const [i, f] = splitGates(emit, gate(forCell), units);
    // An LSTM's state has a cell.
    const c = plus(emit, times(emit, f, before.c!), times(emit, i, activation(fresh)));
    return { gates, c, h: times(emit, gate(forOutput), activation(c)) };
  };
}
