/** AddN, Concat, Pack, SplitV, Unpack: tensors put together and taken apart. */
import {
  type AddNInputs,
  backend_util,
  type ConcatAttrs,
  type ConcatInputs,
  type PackAttrs,
  type PackInputs,
  type SplitVAttrs,
  type SplitVInputs,
  type UnpackAttrs,
  type UnpackInputs,
  util,
} from "@tensorflow/tfjs-core";
import { empty, infoOf, isEmpty, needNumbers, reshaped, scalar, unsqueezed, vector } from "./_emit.ts";
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

/** Gives x cut along `axis`, into equal parts or parts of given sizes. */
export const splitV = defineOp<SplitVInputs, SplitVAttrs>({
  kernel: "SplitV",
  lower: (emit, { x }, attrs) => {
    const [axis] = util.parseAxisParam(attrs.axis, [...x.shape]);
    const sizes = backend_util.prepareSplitSize(infoOf(x), attrs.numOrSizeSplits, axis);
    if (sizes.length === 1) return [x];
    return emit.nodes("Split", [x, vector(emit, sizes)], { axis }, sizes.length);
  },
});

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
