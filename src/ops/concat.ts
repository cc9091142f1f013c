import { backend_util, type ConcatAttrs, type ConcatInputs, util } from "@tensorflow/tfjs-core";
import { empty, isEmpty } from "./_emit.ts";
import { defineOp, type Value } from "./op.ts";

/** Inputs one after the other along `axis`. Shapes: [..., nᵢ, ...] → [..., Σnᵢ, ...]. */
export const concat = defineOp<ConcatInputs, ConcatAttrs>({
  kernel: "Concat",
  lower: (emit, inputs, attrs) => {
    const values: readonly Value[] = Object.values(inputs);
    const [axis] = util.parseAxisParam(attrs.axis, [...values[0].shape]);
    backend_util.assertParamsConsistent(values.map(({ shape }) => [...shape]), axis);
    const parts = values.filter((value) => !isEmpty(value));
    if (parts.length === 1) return parts[0];
    if (parts.length > 1) return emit.node("Concat", parts, { axis });
    const length = values.reduce((sum, { shape }) => sum + shape[axis], 0);
    return empty(emit, { dtype: values[0].dtype, shape: values[0].shape.with(axis, length) });
  },
});
