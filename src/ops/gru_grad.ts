/** GruGrad. */
import type { RecurrentAttrs, RecurrentGradInputs } from "../recurrent/kernel_types.ts";
import { scalar } from "./_emit.ts";
import {
  activated,
  back,
  byWeight,
  gradientsOf,
  ifCounted,
  orKept,
  type Steps,
  stepsOf,
  sum,
} from "./_recurrent_grad.ts";
import { beside, joinSteps, splitColumns, splitGates, splitSteps, times } from "./_recurrent_steps.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/**
 * Gradient of Gru. With gates z = σ(a_z), r = σ(a_r), ĥ = f(a_h), a_h = x·W_h + (r·h')·R_h + b_h of the state h' before
 * the step, and h = z·h' + (1 - z)·ĥ:
 *
 *   da_h = dh·(1 - z)·f'(a_h),  q = da_h·R_hᵀ,  da_z = dh·(h' - ĥ)·σ'(a_z),  da_r = q·h'·σ'(a_r)
 *   dh' = dh·z + q·r + [da_z, da_r]·R_zrᵀ
 */
export const gruGrad = defineOp<RecurrentGradInputs, RecurrentAttrs>({
  kernel: "GruGrad",
  lower: (emit, inputs, attrs) => {
    const steps = stepsOf(emit, inputs, attrs);
    const [ofGates, ofNew] = splitColumns(emit, inputs.recurrentKernel, [2 * steps.units, steps.units]);
    const { passed, resets } = passedOn(emit, { gates: inputs.gates, attrs, steps });
    const at = (rows: Value) => splitSteps(emit, rows, steps);
    const [byNew, byGates, kept, reset] = [passed.byNew, passed.byGates, passed.kept, resets.value].map(at);
    const dNew = new Array<Value>(steps.count);
    const dGates = new Array<Value>(steps.count);
    // The last step's is always there.
    let dh = steps.given[steps.count - 1]!;
    for (let t = steps.count - 1; t >= 0; t--) {
      dNew[t] = times(emit, dh, byNew[t]);
      const q = back(emit, dNew[t], ofNew);
      dGates[t] = times(emit, beside(emit, dh, q), byGates[t]);
      const through = back(emit, dGates[t], ofGates, steps.given[t - 1]);
      dh = sum(emit, through, times(emit, dh, kept[t]), times(emit, q, reset[t]))!;
    }
    const [gates, fresh] = [joinSteps(emit, dGates), joinSteps(emit, dNew)];
    const recurrentKernel = beside(emit, byWeight(emit, steps.before, gates), byWeight(emit, resets.state, fresh));
    const by = { gates: beside(emit, gates, fresh), recurrentKernel, h0: dh };
    return gradientsOf(emit, { steps, kernel: inputs.kernel, given: attrs.given, by });
  },
});

/** What the gates were, and what they pass on, [t·n, …]. */
function passedOn(emit: Emit, { gates, attrs, steps }: {
  readonly gates: Value;
  readonly attrs: RecurrentAttrs;
  readonly steps: Steps;
}) {
  const { before, units } = steps;
  const [az, ar, ah] = splitGates(emit, gates, units);
  const [z, r] = [az, ar].map((gate) => activated(emit, attrs.recurrentActivation, gate));
  const fresh = activated(emit, attrs.activation, ah);
  const rest = emit.node("Sub", [scalar(emit, "float32", 1), z.value]);
  const byZ = times(emit, emit.node("Sub", [before, fresh.value]), z.slope);
  return {
    passed: {
      byNew: ifCounted(emit, times(emit, rest, fresh.slope), steps),
      byGates: ifCounted(emit, beside(emit, byZ, times(emit, before, r.slope)), steps),
      kept: orKept(emit, z.value, steps),
    },
    resets: { value: r.value, state: times(emit, r.value, before) },
  };
}
