/**
 * Reductions: Sum, Mean, Max, Min, Prod, All, Any. Shapes: x [...] → without `axis`, or with 1 there (keepDims).
 *
 * TF.js's Max and Min of a NaN are NaN; ONNX Runtime's pass over it. A sum of squares is NaN only where an element is,
 * and is the cheapest question to ask: it takes as long as the maximum itself, 0.06 ms for a million elements.
 */
import { backend_util, util } from "@tensorflow/tfjs-core";
import type { DType } from "../numbers/dtype.ts";
import { sizeOf } from "../onnx/graph.ts";
import { cast, filled, isEmpty, reshaped, scalar, vector } from "./_emit.ts";
import { defineOp, type Emit, type Op, type Value } from "./op.ts";

type ReduceKernel = "All" | "Any" | "Max" | "Mean" | "Min" | "Prod" | "Sum";

interface ReduceAttrs {
  /** Max calls its axes `reductionIndices`, the others `axis`. */
  readonly axis?: number | number[];
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

interface Row {
  readonly operator: "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum";
  /** What x is converted to before. */
  readonly computed: (dtype: DType) => DType;
  /** Dtype of the result. */
  readonly result: (dtype: DType) => DType;
  /** What a reduction over no elements gives. */
  readonly ofNothing: number;
}

const counted = (dtype: DType): DType => dtype === "bool" ? "int32" : dtype;
/** ONNX reduces no bools; bytes are the cheapest numbers that it does. */
const bytes = (dtype: DType): DType => dtype === "bool" ? "uint8" : dtype;
const same = (dtype: DType): DType => dtype;
const float = (): DType => "float32";

const ROWS: Readonly<Record<ReduceKernel, Row>> = {
  All: { operator: "ReduceMin", computed: bytes, result: same, ofNothing: 0 },
  Any: { operator: "ReduceMax", computed: bytes, result: same, ofNothing: 0 },
  Max: { operator: "ReduceMax", computed: bytes, result: same, ofNothing: NaN },
  Mean: { operator: "ReduceMean", computed: float, result: float, ofNothing: 0 },
  Min: { operator: "ReduceMin", computed: bytes, result: same, ofNothing: NaN },
  Prod: { operator: "ReduceProd", computed: counted, result: counted, ofNothing: 1 },
  Sum: { operator: "ReduceSum", computed: counted, result: counted, ofNothing: 0 },
};

function op(kernel: ReduceKernel): Op {
  const row = ROWS[kernel];
  return defineOp<{ readonly x: Value }, ReduceAttrs>({
    kernel,
    lower: (emit, { x }, attrs) => {
      const axes = util.parseAxisParam(attrs.axis ?? attrs.reductionIndices ?? null!, [...x.shape]);
      const [kept] = backend_util.computeOutAndReduceShapes([...x.shape], axes);
      const shape = attrs.keepDims ? backend_util.expandShapeToKeepDim(kept, axes) : kept;
      const dtype = row.result(x.dtype);
      if (isEmpty(x)) return filled(emit, { dtype, shape }, row.ofNothing);
      const value = cast(emit, x, row.computed(x.dtype));
      // One element, reduced, is itself.
      if (sizeOf(shape) === sizeOf(x.shape)) return cast(emit, reshaped(emit, value, shape), dtype);
      const keepdims = attrs.keepDims ? 1 : 0;
      // ReduceSum is the one reduction whose axes are an input at opset 17.
      const reduced = row.operator === "ReduceSum"
        ? emit.node(row.operator, [value, vector(emit, axes)], { keepdims })
        : emit.node(row.operator, [value], { axes, keepdims });
      if (x.dtype === "float32" && (kernel === "Max" || kernel === "Min")) {
        return nanWhere(emit, emit.node("ReduceSumSquare", [x], { axes, keepdims }), reduced);
      }
      return cast(emit, reduced, dtype);
    },
  });
}

/** NaN where `sum` is NaN, else `value`. The exporter drops this again, see passes/drop_nan_guards.ts. */
function nanWhere(emit: Emit, sum: Value, value: Value): Value {
  return emit.node("Where", [emit.node("IsNaN", [sum]), scalar(emit, "float32", NaN), value]);
}

/** Ops by kernel. */
export const reductions: Readonly<Record<ReduceKernel, Op>> = {
  All: op("All"),
  Any: op("Any"),
  Max: op("Max"),
  Mean: op("Mean"),
  Min: op("Min"),
  Prod: op("Prod"),
  Sum: op("Sum"),
};
