/** Sums by matrices of weights that are mostly 0: adding up rows by index, and other sums of chosen elements. */
import { cast, filled, scalar, unsqueezed, vector } from "./_emit.ts";
import type { Emit, Value } from "./op.ts";

/**
 * Up to this many sums a product with the one-hot matrix of the indices beats ONNX Runtime's ScatterElements, which
 * takes 20 ns an element on one thread (20,000 rows of 64 into 10: 0.6 ms against 27).
 */
const MAX_SUMS_BY_PRODUCT = 512;

/**
 * Adds up those of `rows` that have the same index; rows whose index is outside [0, count) are left out.
 *
 * Not by ScatterND: with equal indices its threads overwrite each other's sums (ONNX Runtime 1.30, 2 sums of 10⁶ rows).
 * Shapes: rows [n, r], indices [n] → [count, r].
 */
export function addRows(
  emit: Emit,
  { rows, indices }: { readonly rows: Value; readonly indices: Value },
  count: number,
): Value {
  if (rows.dtype === "float32" && count <= MAX_SUMS_BY_PRODUCT) {
    const ids = emit.constant("int32", [count, 1], Array.from({ length: count }, (_, i) => i));
    const hits = emit.node("Equal", [ids, cast(emit, indices, "int32")]);
    const chosen = cast(emit, hits, "float32");
    return sumChosen(emit, rows, (part) => emit.node("MatMul", [chosen, part]));
  }
  const [n, r] = rows.shape;
  // Indices from outside go to one row more, which is cut off again.
  const known = emit.node("And", [
    emit.node("GreaterOrEqual", [indices, scalar(emit, indices.dtype, 0)]),
    emit.node("Less", [indices, scalar(emit, indices.dtype, count)]),
  ]);
  const safe = emit.node("Where", [known, indices, scalar(emit, indices.dtype, count)]);
  const each = emit.node("Expand", [unsqueezed(emit, safe, [1]), vector(emit, [n, r])]);
  const zeros = filled(emit, { dtype: rows.dtype, shape: [count + 1, r] }, 0);
  const sums = emit.node("ScatterElements", [zeros, each, rows], { axis: 0, reduction: "add" });
  return emit.node("Slice", [sums, vector(emit, [0]), vector(emit, [count]), vector(emit, [0])]);
}

const LARGEST = 2 ** 128 * (1 - 2 ** -24);

/**
 * Sums as `sum` does, a product with weights of 0 and above, what has a weight of 0 being left out whatever it is.
 *
 * In the product itself 0·∞ is NaN, so one infinite or undefined element would spoil all sums. Infinities go beside it,
 * as the sums of where they are; a NaN goes as one of each sign, which add up to NaN.
 */
export function sumChosen(emit: Emit, x: Value, sum: (part: Value) => Value): Value {
  const where = (operator: "LessOrEqual" | "GreaterOrEqual", bound: number) =>
    emit.node("Not", [emit.node(operator, [x, scalar(emit, "float32", bound)])]);
  const [above, below] = [where("LessOrEqual", LARGEST), where("GreaterOrEqual", -LARGEST)];
  const zero = scalar(emit, "float32", 0);
  const finite = sum(emit.node("Where", [emit.node("Or", [above, below]), zero, x]));
  return [[above, Infinity] as const, [below, -Infinity] as const].reduce((total, [places, infinity]) => {
    const touched = emit.node("Greater", [sum(cast(emit, places, "float32")), zero]);
    return emit.node("Add", [total, emit.node("Where", [touched, scalar(emit, "float32", infinity), zero])]);
  }, finite);
}
