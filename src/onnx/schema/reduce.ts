/** Reductions, arg reductions and scans. */
import type { DType } from "../../numbers/dtype.ts";
import type { Attrs } from "../graph.ts";
import {
  axesOf,
  axisOf,
  constantOf,
  FLOAT,
  INDEX,
  type Inputs,
  listAttr,
  maybe,
  MOVES,
  need,
  numberAttr,
  NUMERIC,
  type Rows,
  scalarOf,
} from "./_infer.ts";
import type { OpSchema } from "./schema.ts";

const REDUCE_DTYPES: readonly DType[] = [...FLOAT, "int32", "int64", "uint32", "uint64"];
const EXTREME_DTYPES: readonly DType[] = [...REDUCE_DTYPES, "uint8", "int8"];

function reducedShape(shape: readonly number[], axes: readonly number[] | undefined, attrs: Attrs): number[] {
  const gone = new Set(axes === undefined || axes.length === 0 ? shape.keys() : axesOf(axes, shape.length));
  return numberAttr(attrs, "keepdims", 1) === 1
    ? shape.map((dim, i) => gone.has(i) ? 1 : dim)
    : shape.filter((_, i) => !gone.has(i));
}

/** A row of a reduction; of one to extremes, if `extreme`. */
function reduction(since: number, extreme = false): OpSchema {
  return {
    since,
    // Opset 18 made their axes inputs.
    until: 17,
    inputs: [1, 1],
    attrs: { axes: "ints", keepdims: "int" },
    ...(extreme ? MOVES : {}),
    infer(inputs, attrs) {
      const x = need(inputs, 0, extreme ? EXTREME_DTYPES : REDUCE_DTYPES);
      return [{ dtype: x.dtype, shape: reducedShape(x.shape, listAttr(attrs, "axes"), attrs) }];
    },
  };
}

function argReduction(): OpSchema {
  return {
    since: 12,
    inputs: [1, 1],
    attrs: { axis: "int", keepdims: "int", select_last_index: "int" },
    infer(inputs, attrs) {
      const x = need(inputs, 0, NUMERIC);
      return [{ dtype: "int64", shape: reducedShape(x.shape, [numberAttr(attrs, "axis", 0)], attrs) }];
    },
  };
}

/** Opset 13 made the axes of ReduceSum, alone among the reductions, an input. */
function inferReduceSum(inputs: Inputs, attrs: Attrs) {
  const x = need(inputs, 0, REDUCE_DTYPES);
  const input = maybe(inputs, 1, ["int64"]);
  const axes = input === null ? [] : constantOf(input, "the axes");
  const untouched = axes.length === 0 && numberAttr(attrs, "noop_with_empty_axes", 0) === 1;
  return [{ dtype: x.dtype, shape: untouched ? x.shape : reducedShape(x.shape, axes, attrs) }];
}

/** Reductions of the default domain. */
export const reduce: Rows = {
  ReduceSum: {
    since: 13,
    inputs: [1, 2],
    attrs: { keepdims: "int", noop_with_empty_axes: "int" },
    infer: inferReduceSum,
  },
  ReduceMean: reduction(11),
  ReduceMax: reduction(12, true),
  ReduceMin: reduction(12, true),
  ReduceProd: reduction(11),
  ReduceSumSquare: reduction(11),
  ReduceL1: reduction(11),
  ReduceL2: reduction(11),
  ReduceLogSum: reduction(11),
  ReduceLogSumExp: reduction(11),
  ArgMax: argReduction(),
  ArgMin: argReduction(),
  TopK: {
    since: 11,
    inputs: [2, 2],
    outputs: [2, 2],
    attrs: { axis: "int", largest: "int", sorted: "int" },
    infer(inputs, attrs) {
      const x = need(inputs, 0, NUMERIC);
      const axis = axisOf(numberAttr(attrs, "axis", -1), x.shape.length);
      const [k] = constantOf(need(inputs, 1, ["int64"]), "k");
      if (!(k >= 0 && k <= x.shape[axis])) throw new TypeError(`k is ${k}, axis ${axis} has ${x.shape[axis]} elements`);
      const shape = x.shape.with(axis, k);
      return [{ dtype: x.dtype, shape }, { dtype: "int64", shape }];
    },
  },
  CumSum: {
    since: 11,
    inputs: [2, 2],
    attrs: { exclusive: "int", reverse: "int" },
    infer(inputs) {
      const x = need(inputs, 0, REDUCE_DTYPES);
      scalarOf(need(inputs, 1, INDEX), "the axis");
      return [{ dtype: x.dtype, shape: x.shape }];
    },
  },
};
