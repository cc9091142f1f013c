/** LstmGrad. */
import type { RecurrentAttrs, RecurrentGradInputs } from "../recurrent/kernel_types.ts";
import {
  activated,
  back,
  byWeight,
  gradientsOf,
  ifCounted,
  orKept,
  shifted,
  type Steps,
  stepsOf,
  sum,
} from "./_recurrent_grad.ts";
import { beside, joinSteps, splitGates, splitSteps, times } from "./_recurrent_steps.ts";
import { defineOp, type Emit, type Value, type ValuesOf } from "./op.ts";

/**
 * Gradient of Lstm. With gates i, f, o = σ(a), g = φ(a_g), the cell c = f·c' + i·g and h = o·φ(c) of the states h', c'
 * before the step:
 *
 *   dc += dh·o·φ'(c),  da = [dc·g·σ'(a_i), dc·c'·σ'(a_f), dc·i·φ'(a_g), dh·φ(c)·σ'(a_o)]
 *   dh' = da·Rᵀ,  dc' = dc·f
 */
export const lstmGrad = defineOp<RecurrentGradInputs, RecurrentAttrs>({
  kernel: "LstmGrad",
  lower: (emit, inputs, attrs) => {
    const { kernel, recurrentKernel } = inputs;
    const steps = stepsOf(emit, inputs, attrs);
    const passed = passedOn(emit, { inputs, attrs, steps });
    const [byCell, kept, byGates] = [passed.byCell, passed.kept, passed.byGates].map((rows) =>
      splitSteps(emit, rows, steps)
    );
    const skipped = steps.mask && splitSteps(emit, steps.mask.skipped, steps);
    const da = new Array<Value>(steps.count);
    // The last step's is always there.
    let dh = steps.given[steps.count - 1]!;
    let dc = inputs.dc;
    for (let t = steps.count - 1; t >= 0; t--) {
      const cell = sum(emit, times(emit, dh, byCell[t]), dc)!;
      da[t] = times(emit, beside(emit, cell, cell, cell, dh), byGates[t]);
      const through = back(emit, da[t], recurrentKernel, steps.given[t - 1]);
      dh = sum(emit, through, skipped && times(emit, dh, skipped[t]))!;
      dc = times(emit, cell, kept[t]);
    }
    const gates = joinSteps(emit, da);
    const by = { gates, recurrentKernel: byWeight(emit, steps.before, gates), h0: dh, c0: dc };
    return gradientsOf(emit, { steps, kernel, given: attrs.given, by });
  },
});

/** What gates and cells pass on, [t·n, …]. */
function passedOn(emit: Emit, { inputs, attrs, steps }: {
  readonly inputs: ValuesOf<RecurrentGradInputs>;
  readonly attrs: RecurrentAttrs;
  readonly steps: Steps;
}) {
  // An LSTM's cells are always there.
  const cells = inputs.cells!;
  const [ai, af, ag, ao] = splitGates(emit, inputs.gates, steps.units);
  const [i, f, o] = [ai, af, ao].map((gate) => activated(emit, attrs.recurrentActivation, gate));
  const [g, out] = [ag, cells].map((x) => activated(emit, attrs.activation, x));
  const byGates = beside(
    emit,
    times(emit, g.value, i.slope),
    times(emit, shifted(emit, cells, { ...steps, first: inputs.c0 }), f.slope),
    times(emit, i.value, g.slope),
    times(emit, out.value, o.slope),
  );
  return {
    kept: orKept(emit, f.value, steps),
    byCell: ifCounted(emit, times(emit, o.value, out.slope), steps),
    byGates: ifCounted(emit, byGates, steps),
  };
}
