/** GruGrad. */
import type { RecurrentAttrs, RecurrentGradInputs } from "../recurrent/kernel_types.ts";
import { scalar } from "./_emit.ts";
import { reduceSum } from "./_layout.ts";
import { atEnd } from "./_recurrent.ts";
import {
  type Activated,
  activated,
  back,
  byWeight,
  type Gradients,
  gradientsOf,
  ifCounted,
  orKept,
  type Steps,
  stepsOf,
  sum,
} from "./_recurrent_grad.ts";
import { beside, joinSteps, product, splitColumns, splitGates, splitSteps, times } from "./_recurrent_steps.ts";
import { defineOp, type Emit, type Value, type ValuesOf } from "./op.ts";

/** Gradient of Gru, whichever way it resets the state. */
export const gruGrad = defineOp<RecurrentGradInputs, RecurrentAttrs>({
  kernel: "GruGrad",
  lower: (emit, inputs, attrs) => {
    const steps = stepsOf(emit, inputs, attrs);
    const run: Run = { inputs, steps, ...gatesOf(emit, { gates: inputs.gates, attrs, steps }) };
    const by = attrs.resetAfter === true ? resetAfter(emit, run) : resetBefore(emit, run);
    return gradientsOf(emit, { steps, kernel: inputs.kernel, given: attrs.given, by });
  },
});

interface Run extends ReturnType<typeof gatesOf> {
  readonly inputs: ValuesOf<RecurrentGradInputs>;
  readonly steps: Steps;
}

/** What the gates were, [t·n, units] each, and what of dh goes to what went into them. */
function gatesOf(emit: Emit, { gates, attrs, steps }: {
  readonly gates: Value;
  readonly attrs: RecurrentAttrs;
  readonly steps: Steps;
}) {
  const { before, units } = steps;
  const [az, ar, ah] = splitGates(emit, gates, units);
  const [z, r]: readonly Activated[] = [az, ar].map((gate) => activated(emit, attrs.recurrentActivation, gate));
  const fresh = activated(emit, attrs.activation, ah);
  const rest = emit.node("Sub", [scalar(emit, "float32", 1), z.value]);
  return {
    z,
    r,
    byNew: ifCounted(emit, times(emit, rest, fresh.slope), steps),
    byZ: times(emit, emit.node("Sub", [before, fresh.value]), z.slope),
  };
}

/**
 * With gates z = σ(a_z), r = σ(a_r), ĥ = f(a_h), a_h = x·W_h + (r·h')·R_h + b_h of the state h' before the step, and
 * h = z·h' + (1 - z)·ĥ:
 *
 *   da_h = dh·(1 - z)·f'(a_h),  q = da_h·R_hᵀ,  da_z = dh·(h' - ĥ)·σ'(a_z),  da_r = q·h'·σ'(a_r)
 *   dh' = dh·z + q·r + [da_z, da_r]·R_zrᵀ
 */
function resetBefore(emit: Emit, { inputs, steps, z, r, byNew, byZ }: Run): Gradients {
  const { before } = steps;
  const [ofGates, ofNew] = splitColumns(emit, inputs.recurrentKernel, [2 * steps.units, steps.units]);
  const byGates = ifCounted(emit, beside(emit, byZ, times(emit, before, r.slope)), steps);
  const at = (rows: Value) => splitSteps(emit, rows, steps);
  const [toNew, toGates, kept, reset] = [byNew, byGates, orKept(emit, z.value, steps), r.value].map(at);
  const dNew = new Array<Value>(steps.count);
  const dGates = new Array<Value>(steps.count);
  // The last step's is always there.
  let dh = steps.given[steps.count - 1]!;
  for (let t = steps.count - 1; t >= 0; t--) {
    dNew[t] = times(emit, dh, toNew[t]);
    const q = back(emit, dNew[t], ofNew);
    dGates[t] = times(emit, beside(emit, dh, q), toGates[t]);
    const through = back(emit, dGates[t], ofGates, steps.given[t - 1]);
    dh = sum(emit, through, times(emit, dh, kept[t]), times(emit, q, reset[t]))!;
  }
  const [gates, fresh] = [joinSteps(emit, dGates), joinSteps(emit, dNew)];
  const resetState = times(emit, r.value, before);
  const recurrentKernel = beside(emit, byWeight(emit, before, gates), byWeight(emit, resetState, fresh));
  return { gates: beside(emit, gates, fresh), recurrentKernel, h0: dh };
}

/**
 * As before, but a_h = x·W_h + r·s + b_h with s = h'·R_h + b:
 *
 *   da_h = dh·(1 - z)·f'(a_h),  ds = da_h·r,  da_z = dh·(h' - ĥ)·σ'(a_z),  da_r = da_h·s·σ'(a_r)
 *   dh' = dh·z + [da_z, da_r, ds]·Rᵀ
 */
function resetAfter(emit: Emit, { inputs, steps, z, r, byNew, byZ }: Run): Gradients {
  const { before, units } = steps;
  const { recurrentKernel: weight, recurrentBias } = inputs;
  const bias = recurrentBias && atEnd(emit, recurrentBias, weight.shape[1]);
  const [, s] = splitColumns(emit, product(emit, before, weight, bias), [2 * units, units]);
  // All that is passed on is dh, times what is known of every step.
  const byState = times(emit, byNew, r.value);
  const byReset = times(emit, times(emit, byNew, s), r.slope);
  const toGates = splitSteps(emit, beside(emit, ifCounted(emit, byZ, steps), byReset, byState), steps);
  const kept = splitSteps(emit, orKept(emit, z.value, steps), steps);
  const dhs = new Array<Value>(steps.count);
  const dRecurrent = new Array<Value>(steps.count);
  // The last step's is always there.
  let dh = steps.given[steps.count - 1]!;
  for (let t = steps.count - 1; t >= 0; t--) {
    dhs[t] = dh;
    dRecurrent[t] = times(emit, beside(emit, dh, dh, dh), toGates[t]);
    dh = sum(emit, back(emit, dRecurrent[t], weight, steps.given[t - 1]), times(emit, dh, kept[t]))!;
  }
  const recurrent = joinSteps(emit, dRecurrent);
  const [dGates, ds] = splitColumns(emit, recurrent, [2 * units, units]);
  return {
    gates: beside(emit, dGates, times(emit, joinSteps(emit, dhs), byNew)),
    recurrentKernel: byWeight(emit, before, recurrent),
    recurrentBias: reduceSum(emit, ds, { axes: [0] }),
    h0: dh,
  };
}
