import type { AddNInputs } from "@tensorflow/tfjs-core";
import { needNumbers } from "./_emit.ts";
import { defineOp, type Value } from "./op.ts";

/** The sum of all inputs. Shapes: any, all the same → the same. */
export const addN = defineOp<AddNInputs>({
  kernel: "AddN",
  lower: (emit, inputs) => {
    const values: readonly Value[] = Object.values(inputs);
    for (const value of values) needNumbers("AddN", values[0], value);
    if (values.length > 2 && values[0].dtype === "float32") return emit.node("Sum", values);
    return values.reduce((sum, value) => emit.node("Add", [sum, value]));
  },
});
