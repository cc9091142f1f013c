import type { UnpackAttrs, UnpackInputs } from "@tensorflow/tfjs-core";
import { scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** The parts of `value` along `axis`, one output each. Shapes: value [a, n, b] → n times [a, b] for axis 1. */
export const unpack = defineOp<UnpackInputs, UnpackAttrs>({
  kernel: "Unpack",
  lower: (emit, { value }, attrs) => {
    const axis = attrs.axis < 0 ? attrs.axis + value.shape.length : attrs.axis;
    return Array.from(
      { length: value.shape[axis] },
      (_, i) => emit.node("Gather", [value, scalar(emit, "int64", i)], { axis }),
    );
  },
});
