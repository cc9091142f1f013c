import { testOps } from "../../tests/_support/op_cases.ts";
import { OPS } from "./mod.ts";
import type { Op } from "./op.ts";
import { cases } from "./recurrent_cases.ts";

testOps(OPS, cases);

/** What the engine runs, without what gradients read. */
function asSteps(op: Op, outputs: number): Op {
  return {
    kernel: `${op.kernel}, step by step`,
    lower: (emit, inputs, attrs) => [op.lowerStep!(emit, inputs, attrs)].flat().slice(0, outputs),
  };
}

testOps({ Lstm: asSteps(OPS.Lstm, 3), Gru: asSteps(OPS.Gru, 2), SimpleRnn: asSteps(OPS.SimpleRnn, 2) }, cases);
