/** SimpleRnnGrad. */
import type { RecurrentAttrs, RecurrentGradInputs } from "../recurrent/kernel_types.ts";
import { activated, back, byWeight, gradientsOf, ifCounted, stepsOf, sum } from "./_recurrent_grad.ts";
import { joinSteps, splitSteps, times } from "./_recurrent_steps.ts";
import { defineOp, type Value } from "./op.ts";

/**
 * Gradient of SimpleRnn. With h = f(z), z = x·W + h'·R + b of the state h' before the step:
 *
 *   dz = dh · f'(z),   dh' = dz·Rᵀ
 */
export const simpleRnnGrad = defineOp<RecurrentGradInputs, RecurrentAttrs>({
  kernel: "SimpleRnnGrad",
  lower: (emit, inputs, attrs) => {
    const { kernel, recurrentKernel } = inputs;
    const steps = stepsOf(emit, inputs, attrs);
    const slopes = splitSteps(
      emit,
      ifCounted(emit, activated(emit, attrs.activation, inputs.gates).slope, steps),
      steps,
    );
    const skipped = steps.mask && splitSteps(emit, steps.mask.skipped, steps);
    const dz = new Array<Value>(steps.count);
    // The last step's is always there.
    let dh = steps.given[steps.count - 1]!;
    for (let t = steps.count - 1; t >= 0; t--) {
      dz[t] = times(emit, dh, slopes[t]);
      const through = back(emit, dz[t], recurrentKernel, steps.given[t - 1]);
      dh = sum(emit, through, skipped && times(emit, dh, skipped[t]))!;
    }
    const gates = joinSteps(emit, dz);
    const by = { gates, recurrentKernel: byWeight(emit, steps.before, gates), h0: dh };
    return gradientsOf(emit, { steps, kernel, given: attrs.given, by });
  },
});
