/** ArgMax, ArgMin, GatherNd, GatherV2, OneHot, TopK: where elements are, and elements by where they are. */
import {
  backend_util,
  type GatherNdInputs,
  type GatherV2Attrs,
  type GatherV2Inputs,
  type OneHotAttrs,
  type OneHotInputs,
  type TopKAttrs,
  type TopKInputs,
  util,
} from "@tensorflow/tfjs-core";
import { sizeOf } from "../onnx/graph.ts";
import { cast, empty, infoOf, reshaped, scalar, transposed, unsqueezed, vector } from "./_emit.ts";
import { defineOp, type Emit, type Op, Unsupported, type Value } from "./op.ts";

function op(kernel: "ArgMax" | "ArgMin"): Op {
  return defineOp<{ readonly x: Value }, { readonly axis: number }>({
    kernel,
    lower: (emit, { x }, attrs) => {
      const [axis] = util.parseAxisParam(attrs.axis, [...x.shape]);
      const value = x.dtype === "float32" ? withoutNan(emit, x, kernel === "ArgMax" ? -Infinity : Infinity) : x;
      const numbers = x.dtype === "bool" ? cast(emit, x, "int32") : value;
      return cast(emit, emit.node(kernel, [numbers], { axis, keepdims: 0 }), "int32");
    },
  });
}

/** TF.js never chooses a NaN. The exporter drops this again, see src/passes/deploy/drop_nan_guards.ts. */
function withoutNan(emit: Emit, x: Value, instead: number): Value {
  return emit.node("Where", [emit.node("IsNaN", [x]), scalar(emit, "float32", instead), x]);
}

/** Index of the greatest element along `axis`, the first of equal ones. Shapes: x [a, n, b] → [a, b] for axis 1. */
export const argMax = op("ArgMax");

/** Index of the least element along `axis`, the first of equal ones. Shapes: x [a, n, b] → [a, b] for axis 1. */
export const argMin = op("ArgMin");

/** Elements or slices of `params`, picked by index vectors. Shapes: params any, indices [n, k] → [n, ...params[k:]]. */
export const gatherNd = defineOp<GatherNdInputs>({
  kernel: "GatherNd",
  lower: (emit, { params, indices }) => {
    const [shape, slices] = backend_util.prepareAndValidate(infoOf(params), infoOf(indices, "int32"));
    if (slices === 0) return empty(emit, { dtype: params.dtype, shape });
    return reshaped(emit, emit.node("GatherND", [params, cast(emit, indices, "int64")]), shape);
  },
});

/**
 * Parts of x along `axis`, picked by index; the first `batchDims` dimensions of x and the indices go together.
 *
 * Shapes: x [b, o, d, s], indices [b, i] → [b, o, i, s], for batchDims 1 and axis 2.
 */
export const gatherV2 = defineOp<GatherV2Inputs, GatherV2Attrs>({
  kernel: "GatherV2",
  lower: (emit, { x, indices }, attrs) => {
    const [axis] = util.parseAxisParam(attrs.axis, [...x.shape]);
    const batchDims = attrs.batchDims ?? 0;
    checkIndices(indices, x.shape[axis]);
    if (batchDims === 0) return emit.node("Gather", [x, cast(emit, indices, "int32")], { axis });
    return gatherInBatches(emit, { x, indices }, { axis, batchDims });
  },
});

/** Indices that are known already are checked here; of others ONNX Runtime refuses those that are too great. */
function checkIndices(indices: Value, length: number): void {
  for (const index of indices.elements ?? []) {
    if (index >= 0 && index < length) continue;
    throw new RangeError(`GatherV2: the index value ${index} is not in [0, ${length - 1}]`);
  }
}

/** As [b, o, d, s] and [b, i]: GatherND wants the picked dimension right behind the batch's. */
function gatherInBatches(
  emit: Emit,
  { x, indices }: { readonly x: Value; readonly indices: Value },
  { axis, batchDims }: { readonly axis: number; readonly batchDims: number },
): Value {
  const info = backend_util.segment_util.collectGatherOpShapeInfo(
    infoOf(x),
    infoOf(indices),
    axis,
    batchDims,
  );
  const { batchSize, outerSize, dimSize, sliceSize } = info;
  const count = sizeOf(indices.shape) / batchSize;
  const rows = transposed(emit, reshaped(emit, x, [batchSize, outerSize, dimSize, sliceSize]), [0, 2, 1, 3]);
  const at = unsqueezed(emit, cast(emit, reshaped(emit, indices, [batchSize, count]), "int64"), [2]);
  const picked = emit.node("GatherND", [rows, at], { batch_dims: 1 });
  return reshaped(emit, transposed(emit, picked, [0, 2, 1, 3]), info.outputShape);
}

/**
 * A new last dimension with `onValue` at the index and `offValue` elsewhere.
 *
 * An index outside [0, depth) gives no `onValue`; ONNX's OneHot would count a negative one from the end.
 * Shapes: indices any → [..., depth].
 */
export const oneHot = defineOp<OneHotInputs, OneHotAttrs>({
  kernel: "OneHot",
  lower: (emit, { indices }, { dtype, depth, onValue, offValue }) => {
    if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") {
      throw new Unsupported(`Cannot lower "OneHot" to ${dtype}: ONNX has no such element type here`);
    }
    const classes = emit.constant("int32", [depth], Array.from({ length: depth }, (_, i) => i));
    const last = unsqueezed(emit, cast(emit, indices, "int32"), [indices.shape.length]);
    const hit = emit.node("Equal", [last, classes]);
    if (onValue === 1 && offValue === 0) return cast(emit, hit, dtype);
    const chosen = emit.node("Where", [hit, scalar(emit, "float32", onValue), scalar(emit, "float32", offValue)]);
    return cast(emit, chosen, dtype);
  },
});

/**
 * The k greatest elements along the last axis and their indices, of equal elements the first.
 *
 * They come in descending order whether `sorted` or not. Shapes: x [..., n] → [..., k] twice, the second int32.
 */
export const topK = defineOp<TopKInputs, TopKAttrs>({
  kernel: "TopK",
  lower: (emit, { x }, { k }) => {
    if (x.dtype === "bool") throw new Unsupported(`Cannot lower "TopK" of bool: ONNX orders numbers only`);
    const [values, indices] = emit.nodes("TopK", [x, vector(emit, [k])], { axis: -1 }, 2);
    return [values, cast(emit, indices, "int32")];
  },
});
