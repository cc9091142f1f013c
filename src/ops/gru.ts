/** Gru. */
import { scalar } from "./_emit.ts";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { RecurrentAttrs } from "../recurrent/kernel_types.ts";
import { atEnd, emitRecurrent, type Inputs, namedInputs } from "./_recurrent.ts";
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
 * A gated recurrent unit; gates are z, r, h in TF.js and ONNX alike. It resets the state before it is multiplied, which is
 * the default of both, or what comes of the product, which is PyTorch's. Shapes: x [n, t, c], see RecurrentInputs →
 * [n, t, u], [n, u].
 */
export const gru = defineOp<readonly TensorInfo[], RecurrentAttrs>({
  kernel: "Gru",
  lower: (emit, list, attrs) => {
    const { activation, recurrentActivation, goBackwards, resetAfter = false } = attrs;
    const activations = [recurrentActivation, activation];
    const own = resetAfter ? { attrs: { linear_before_reset: 1 } } : {};
    const op = { op: "GRU", gates: [0, 1, 2], activations, goBackwards, ...own } as const;
    return emitRecurrent(emit, namedInputs(list, attrs), op);
  },
  lowerStep: (emit, list, attrs) => {
    const inputs = namedInputs(list, attrs);
    const take = attrs.resetAfter === true ? resettingAfter(emit, inputs, attrs) : resettingBefore(emit, inputs, attrs);
    return emitSteps(emit, { inputs, attrs, take });
  },
});

/** ĥ = φ(x_h + (σ(a_r)·h')·R_h), h = z·h' + (1 - z)·ĥ with z = σ(a_z). */
function resettingBefore(emit: Emit, { recurrentKernel: weight }: Inputs, attrs: RecurrentAttrs): TakeStep {
  const [units] = weight.shape;
  const widths = [2 * units, units];
  const [ofGates, ofNew] = splitColumns(emit, weight, widths);
  return (x, { h }) => {
    const [xGates, xNew] = splitColumns(emit, x, widths);
    const inner = product(emit, h, ofGates, xGates);
    const [z, r] = splitGates(emit, ACTIVATIONS[attrs.recurrentActivation].value(emit, inner), units);
    const fresh = product(emit, times(emit, r, h), ofNew, xNew);
    return { gates: beside(emit, inner, fresh), h: mixed(emit, { z, h, fresh }, attrs) };
  };
}

/** As before, but ĥ = φ(x_h + σ(a_r)·(h'·R_h + b)). */
function resettingAfter(
  emit: Emit,
  { recurrentKernel: weight, recurrentBias }: Inputs,
  attrs: RecurrentAttrs,
): TakeStep {
  const [units, columns] = weight.shape;
  const widths = [2 * units, units];
  const bias = recurrentBias && atEnd(emit, recurrentBias, columns);
  return (x, { h }) => {
    const [xGates, xNew] = splitColumns(emit, x, widths);
    const [ofGates, ofNew] = splitColumns(emit, product(emit, h, weight, bias), widths);
    const inner = plus(emit, xGates, ofGates);
    const [z, r] = splitGates(emit, ACTIVATIONS[attrs.recurrentActivation].value(emit, inner), units);
    const fresh = plus(emit, xNew, times(emit, r, ofNew));
    return { gates: beside(emit, inner, fresh), h: mixed(emit, { z, h, fresh }, attrs) };
  };
}

/** z·h' + (1 - z)·φ(fresh). */
function mixed(
  emit: Emit,
  { z, h, fresh }: { readonly z: Value; readonly h: Value; readonly fresh: Value },
  { activation }: RecurrentAttrs,
): Value {
  const rest = emit.node("Sub", [scalar(emit, "float32", 1), z]);
  return plus(emit, times(emit, z, h), times(emit, rest, ACTIVATIONS[activation].value(emit, fresh)));
}
