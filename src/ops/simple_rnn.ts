/** SimpleRnn. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { RecurrentAttrs } from "../recurrent/kernel_types.ts";
import { emitRecurrent, namedInputs } from "./_recurrent.ts";
import { ACTIVATIONS } from "./_recurrent_activation.ts";
import { emitSteps, product } from "./_recurrent_steps.ts";
import { defineOp } from "./op.ts";

/** A fully connected recurrent layer. Shapes: x [n, t, c], see RecurrentInputs → [n, t, u], [n, u]. */
export const simpleRnn = defineOp<readonly TensorInfo[], RecurrentAttrs>({
  kernel: "SimpleRnn",
  lower: (emit, list, attrs) => {
    const { activation, goBackwards } = attrs;
    const run = { op: "RNN", gates: [0], activations: [activation], goBackwards } as const;
    return emitRecurrent(emit, namedInputs(list, attrs), run);
  },
  lowerStep: (emit, list, attrs) => {
    const inputs = namedInputs(list, attrs);
    return emitSteps(emit, {
      inputs,
      attrs,
      take: (x, { h }) => {
        const gates = product(emit, h, inputs.recurrentKernel, x);
        return { gates, h: ACTIVATIONS[attrs.activation].value(emit, gates) };
      },
    });
  },
});
