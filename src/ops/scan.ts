/** Cumprod and Cumsum. */
import type { CumprodAttrs, CumprodInputs, CumsumAttrs, CumsumInputs } from "@tensorflow/tfjs-core";
import { cast, isEmpty, scalar, vector } from "./_emit.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/**
 * Running products along `axis`. Shapes: x any → the same.
 *
 * ONNX has running sums only. Multiplying by itself shifted by 1, 2, 4, … elements doubles the span that every
 * element holds the product of, so ⌈log₂ n⌉ rounds do.
 */
export const cumprod = defineOp<CumprodInputs, CumprodAttrs>({
  kernel: "Cumprod",
  lower: (emit, inputs, { axis, exclusive, reverse }) => {
    const x = inputs.x.dtype === "bool" ? cast(emit, inputs.x, "int32") : inputs.x;
    if (isEmpty(x)) return x;
    const along = axis < 0 ? axis + x.shape.length : axis;
    let product = exclusive ? shifted(emit, x, { along, by: 1, reverse }) : x;
    for (let by = 1; by < x.shape[along]; by *= 2) {
      product = emit.node("Mul", [product, shifted(emit, product, { along, by, reverse })]);
    }
    return product;
  },
});

/** Moves x towards the end of axis `along` (towards its start in reverse), ones coming in at the other end. */
function shifted(
  emit: Emit,
  x: Value,
  { along, by, reverse }: { readonly along: number; readonly by: number; readonly reverse: boolean },
): Value {
  const rank = x.shape.length;
  const length = x.shape[along];
  const [start, end] = reverse ? [by, length] : [0, length - by];
  const kept = emit.node("Slice", [x, vector(emit, [start]), vector(emit, [end]), vector(emit, [along])]);
  const pads = new Array<number>(2 * rank).fill(0).with(reverse ? rank + along : along, by);
  return emit.node("Pad", [kept, vector(emit, pads), scalar(emit, x.dtype, 1)]);
}

/** Running sums along `axis`. Shapes: x any → the same. */
export const cumsum = defineOp<CumsumInputs, CumsumAttrs>({
  kernel: "Cumsum",
  lower: (emit, { x }, { axis, exclusive, reverse }) => {
    const value = x.dtype === "bool" ? cast(emit, x, "int32") : x;
    const from = axis < 0 ? axis + x.shape.length : axis;
    return emit.node("CumSum", [value, scalar(emit, "int64", from)], { exclusive: +exclusive, reverse: +reverse });
  },
});
