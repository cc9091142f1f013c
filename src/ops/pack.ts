import type { PackAttrs, PackInputs } from "@tensorflow/tfjs-core";
import { isEmpty, reshaped, unsqueezed } from "./_emit.ts";
import { defineOp, type Value } from "./op.ts";

/** Inputs beside each other along a new dimension at `axis`. Shapes: n times [a, b] → [a, n, b] for axis 1. */
export const pack = defineOp<PackInputs, PackAttrs>({
  kernel: "Pack",
  lower: (emit, inputs, attrs) => {
    const values: readonly Value[] = Object.values(inputs);
    const rank = values[0].shape.length;
    const axis = attrs.axis < 0 ? attrs.axis + rank + 1 : attrs.axis;
    if (values.length === 1) return unsqueezed(emit, values[0], [axis]);
    if (axis === rank || isEmpty(values[0])) {
      return emit.node("Concat", values.map((value) => unsqueezed(emit, value, [axis])), { axis });
    }
    // Joined along the dimension that the new one goes before, elements lie in the same order: one node for all.
    return reshaped(emit, emit.node("Concat", values, { axis }), values[0].shape.toSpliced(axis, 0, values.length));
  },
});
