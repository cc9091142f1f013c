/** Data movement by index, data-dependent movement, and constants made from shapes. */
import { type DType, dtypeOfCode } from "../../numbers/dtype.ts";
import type { Attrs, Tensor } from "../graph.ts";
import {
  ANY,
  axisOf,
  constantOf,
  equalShapes,
  INDEX,
  type Inputs,
  MOVES,
  need,
  numberAttr,
  NUMERIC,
  product,
  rankOf,
  type Rows,
  sameDtype,
  scalarOf,
  stringAttr,
} from "./_infer.ts";
import type { StaticType } from "./schema.ts";

function inferGather(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const axis = axisOf(numberAttr(attrs, "axis", 0), rankOf(x, 1));
  return [{ dtype: x.dtype, shape: x.shape.toSpliced(axis, 1, ...need(inputs, 1, INDEX).shape) }];
}

function inferGatherElements(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const indices = need(inputs, 1, INDEX);
  const rank = rankOf(x, 1);
  rankOf(indices, rank, rank);
  axisOf(numberAttr(attrs, "axis", 0), rank);
  return [{ dtype: x.dtype, shape: indices.shape }];
}

function inferGatherND(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const indices = need(inputs, 1, ["int64"]).shape;
  const batch = numberAttr(attrs, "batch_dims", 0);
  const depth = batch + indices[indices.length - 1];
  if (!(depth <= x.shape.length)) throw new TypeError(`indices [${indices}] reach deeper than the data [${x.shape}]`);
  if (!equalShapes(indices.slice(0, batch), x.shape.slice(0, batch))) {
    throw new TypeError(`the first ${batch} dimensions of the data and the indices differ`);
  }
  return [{ dtype: x.dtype, shape: [...indices.slice(0, -1), ...x.shape.slice(depth)] }];
}

const REDUCTIONS = ["none", "add", "mul"] as const;

function inferScatterElements(inputs: Inputs, attrs: Attrs): StaticType[] {
  const [x, indices, updates] = [need(inputs, 0), need(inputs, 1, INDEX), need(inputs, 2)];
  stringAttr(attrs, "reduction", REDUCTIONS);
  axisOf(numberAttr(attrs, "axis", 0), rankOf(x, 1));
  if (!equalShapes(indices.shape, updates.shape)) {
    throw new TypeError(`indices [${indices.shape}] and updates [${updates.shape}] differ in shape`);
  }
  return [{ dtype: sameDtype([x, updates]), shape: x.shape }];
}

function inferScatterND(inputs: Inputs, attrs: Attrs): StaticType[] {
  const [x, indices, updates] = [need(inputs, 0), need(inputs, 1, ["int64"]).shape, need(inputs, 2)];
  stringAttr(attrs, "reduction", REDUCTIONS);
  const expected = [...indices.slice(0, -1), ...x.shape.slice(indices[indices.length - 1])];
  if (!equalShapes(expected, updates.shape)) {
    throw new TypeError(`updates have shape [${updates.shape}], needed is [${expected}]`);
  }
  return [{ dtype: sameDtype([x, updates]), shape: x.shape }];
}

function inferOneHot(inputs: Inputs, attrs: Attrs): StaticType[] {
  const indices = need(inputs, 0, NUMERIC);
  const depth = need(inputs, 1, NUMERIC);
  const values = need(inputs, 2);
  if (!equalShapes(values.shape, [2])) throw new TypeError(`the values have shape [${values.shape}], needed is [2]`);
  const axis = axisOf(numberAttr(attrs, "axis", -1), indices.shape.length + 1);
  return [{ dtype: values.dtype, shape: indices.shape.toSpliced(axis, 0, constantOf(depth, "the depth")[0]) }];
}

function tensorAttr(attrs: Attrs, name: string): Tensor | undefined {
  const value = attrs[name];
  if (value === undefined) return undefined;
  if (typeof value !== "object" || !("data" in value)) throw new TypeError(`attribute "${name}" is no tensor`);
  return value;
}

function inferConstant(_: Inputs, attrs: Attrs): StaticType[] {
  const tensor = tensorAttr(attrs, "value");
  if (tensor !== undefined) return [{ dtype: tensor.dtype, shape: tensor.shape }];
  if (typeof attrs.value_float === "number") return [{ dtype: "float32", shape: [] }];
  if (typeof attrs.value_int === "number") return [{ dtype: "int64", shape: [] }];
  if (Array.isArray(attrs.value_floats)) return [{ dtype: "float32", shape: [attrs.value_floats.length] }];
  if (Array.isArray(attrs.value_ints)) return [{ dtype: "int64", shape: [attrs.value_ints.length] }];
  throw new TypeError("it has no value");
}

function inferConstantOfShape(inputs: Inputs, attrs: Attrs): StaticType[] {
  const shape = constantOf(need(inputs, 0, ["int64"]), "the shape");
  if (shape.some((dim) => dim < 0)) throw new TypeError(`the shape [${shape}] is not one`);
  const value = tensorAttr(attrs, "value");
  if (value !== undefined && value.data.length !== 1) throw new TypeError("its value has more than one element");
  return [{ dtype: value?.dtype ?? "float32", shape }];
}

const RANGE_DTYPES: readonly DType[] = ["float32", "float64", "int16", "int32", "int64"];

function inferRange(inputs: Inputs): StaticType[] {
  const bounds = [0, 1, 2].map((i) => need(inputs, i, RANGE_DTYPES));
  const [start, limit, delta] = bounds.map((bound) => (scalarOf(bound, "a bound"), constantOf(bound, "a bound")[0]));
  if (delta === 0) throw new TypeError("its step is 0");
  return [{ dtype: sameDtype(bounds), shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
}

function inferCompress(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0);
  const kept = constantOf(need(inputs, 1, ["bool"]), "the condition").filter((keep) => keep !== 0).length;
  if (attrs.axis === undefined) return [{ dtype: x.dtype, shape: [kept] }];
  return [{ dtype: x.dtype, shape: x.shape.with(axisOf(numberAttr(attrs, "axis"), x.shape.length), kept) }];
}

/** Which boxes are kept depends on the data: the type is that of all that may be. */
function inferNonMaxSuppression(inputs: Inputs): StaticType[] {
  const [boxes, scores] = [0, 1].map((i) => need(inputs, i, ["float32"]).shape);
  const [batch, classes, count] = scores;
  if (boxes.length !== 3 || scores.length !== 3 || !equalShapes(boxes, [batch, count, 4])) {
    throw new TypeError(`boxes are [${boxes}] and scores [${scores}], needed are [n,k,4] and [n,classes,k]`);
  }
  const most = inputs[2] == null ? 0 : constantOf(need(inputs, 2, ["int64"]), "the most boxes")[0];
  return [{ dtype: "int64", shape: [batch * classes * Math.min(Math.max(most, 0), count), 3] }];
}

function inferEyeLike(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, ANY);
  rankOf(x, 2, 2);
  const dtype = attrs.dtype === undefined ? x.dtype : dtypeOfCode(numberAttr(attrs, "dtype"));
  if (dtype === undefined) throw new TypeError(`attribute "dtype" is no element type known here`);
  return [{ dtype, shape: x.shape }];
}

/** Movement by index and made-up tensors of the default domain. */
export const gather: Rows = {
  Gather: { since: 11, inputs: [2, 2], ...MOVES, attrs: { axis: "int" }, infer: inferGather },
  GatherElements: { since: 11, inputs: [2, 2], ...MOVES, attrs: { axis: "int" }, infer: inferGatherElements },
  GatherND: { since: 12, inputs: [2, 2], ...MOVES, attrs: { batch_dims: "int" }, infer: inferGatherND },
  ScatterElements: {
    since: 11,
    inputs: [3, 3],
    attrs: { axis: "int", reduction: "string" },
    infer: inferScatterElements,
  },
  ScatterND: { since: 11, inputs: [3, 3], attrs: { reduction: "string" }, infer: inferScatterND },
  OneHot: { since: 11, inputs: [3, 3], attrs: { axis: "int" }, infer: inferOneHot },
  Constant: {
    since: 12,
    inputs: [0, 0],
    attrs: { value: "tensor", value_float: "float", value_floats: "floats", value_int: "int", value_ints: "ints" },
    infer: inferConstant,
  },
  ConstantOfShape: { since: 9, inputs: [1, 1], attrs: { value: "tensor" }, infer: inferConstantOfShape },
  Range: { since: 11, inputs: [3, 3], infer: inferRange },
  Compress: { since: 11, inputs: [2, 2], ...MOVES, attrs: { axis: "int" }, infer: inferCompress },
  NonZero: {
    since: 9,
    inputs: [1, 1],
    infer: () => {
      throw new TypeError("its shape depends on the data");
    },
  },
  NonMaxSuppression: {
    since: 11,
    inputs: [2, 5],
    attrs: { center_point_box: "int" },
    infer: inferNonMaxSuppression,
  },
  EyeLike: { since: 9, inputs: [1, 1], attrs: { dtype: "int", k: "int" }, infer: inferEyeLike },
  Trilu: {
    since: 14,
    inputs: [1, 2],
    attrs: { upper: "int" },
    infer(inputs) {
      const x = need(inputs, 0);
      rankOf(x, 2);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
  },
  ReverseSequence: {
    since: 10,
    inputs: [2, 2],
    ...MOVES,
    attrs: { batch_axis: "int", time_axis: "int" },
    infer(inputs, attrs) {
      const x = need(inputs, 0);
      rankOf(x, 2);
      const batch = x.shape[numberAttr(attrs, "batch_axis", 1)];
      const lengths = need(inputs, 1, ["int64"]);
      if (product(lengths.shape) !== batch) {
        throw new TypeError(`${lengths.shape} lengths do not fit a batch of ${batch}`);
      }
      return [{ dtype: x.dtype, shape: x.shape }];
    },
  },
};
