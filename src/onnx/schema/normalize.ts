/** Normalization, softmax, dropout and random tensors. */
import { dtypeOfCode } from "../../numbers/dtype.ts";
import type { Attrs } from "../graph.ts";
import {
  ANY,
  axisOf,
  broadcastsTo,
  FLOAT,
  type Inputs,
  listAttr,
  maybe,
  need,
  numberAttr,
  rankOf,
  type Rows,
  scalarOf,
  vectorOf,
} from "./_infer.ts";
import type { OpSchema, StaticType } from "./schema.ts";

function inferBatchNormalization(inputs: Inputs, attrs: Attrs, outputs: number): StaticType[] {
  const x = need(inputs, 0, FLOAT);
  const channels = x.shape[1] ?? 1;
  rankOf(x, 2);
  for (let i = 1; i <= 4; i++) vectorOf(need(inputs, i, FLOAT), channels, `input ${i}`);
  const training = numberAttr(attrs, "training_mode", 0) === 1;
  if (outputs > 1 !== training) {
    throw new TypeError(
      `it has ${outputs} outputs, needed are ${training ? "3" : "1"} with training_mode ${+training}`,
    );
  }
  const statistics: StaticType = { dtype: need(inputs, 3).dtype, shape: [channels] };
  return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics];
}

function inferLayerNormalization(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, FLOAT);
  const axis = axisOf(numberAttr(attrs, "axis", -1), x.shape.length);
  broadcastsTo(need(inputs, 1, FLOAT).shape, x.shape);
  const bias = maybe(inputs, 2, FLOAT);
  if (bias !== null) broadcastsTo(bias.shape, x.shape);
  const statistics: StaticType = { dtype: "float32", shape: x.shape.map((dim, i) => i < axis ? dim : 1) };
  return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics];
}

function softmax(): OpSchema {
  return {
    since: 13,
    inputs: [1, 1],
    attrs: { axis: "int" },
    infer(inputs, attrs) {
      const x = need(inputs, 0, FLOAT);
      axisOf(numberAttr(attrs, "axis", -1), x.shape.length);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
  };
}

function random(attrs: OpSchema["attrs"]): OpSchema {
  return {
    since: 1,
    inputs: [0, 0],
    attrs: { dtype: "int", seed: "float", shape: "ints", ...attrs },
    infer(_, values) {
      const shape = listAttr(values, "shape");
      if (shape === undefined) throw new TypeError(`attribute "shape" is missing`);
      return [{ dtype: randomDtype(values), shape }];
    },
  };
}

function randomDtype(attrs: Attrs) {
  const code = numberAttr(attrs, "dtype", 1);
  const dtype = dtypeOfCode(code);
  if (dtype === undefined || !FLOAT.includes(dtype)) throw new TypeError(`attribute "dtype" is ${code}, no float type`);
  return dtype;
}

/** Normalization, softmax, dropout and random operators of the default domain. */
export const normalize: Rows = {
  BatchNormalization: {
    since: 9,
    laterAttrs: { training_mode: 14 },
    inputs: [5, 5],
    outputs: [1, 3],
    attrs: { epsilon: "float", momentum: "float", training_mode: "int" },
    infer: inferBatchNormalization,
  },
  InstanceNormalization: {
    since: 6,
    inputs: [3, 3],
    attrs: { epsilon: "float" },
    infer(inputs) {
      const x = need(inputs, 0, FLOAT);
      rankOf(x, 3);
      vectorOf(need(inputs, 1, FLOAT), x.shape[1], "the scale");
      vectorOf(need(inputs, 2, FLOAT), x.shape[1], "the bias");
      return [{ dtype: x.dtype, shape: x.shape }];
    },
  },
  LayerNormalization: {
    since: 17,
    inputs: [2, 3],
    outputs: [1, 3],
    attrs: { axis: "int", epsilon: "float", stash_type: "int" },
    infer: inferLayerNormalization,
  },
  LRN: {
    since: 1,
    inputs: [1, 1],
    attrs: { alpha: "float", beta: "float", bias: "float", size: "int" },
    infer(inputs, attrs) {
      const x = need(inputs, 0, FLOAT);
      rankOf(x, 3);
      numberAttr(attrs, "size");
      return [{ dtype: x.dtype, shape: x.shape }];
    },
  },
  Softmax: softmax(),
  LogSoftmax: softmax(),
  Hardmax: softmax(),
  Dropout: {
    since: 12,
    inputs: [1, 3],
    outputs: [1, 2],
    attrs: { seed: "int" },
    infer(inputs) {
      const x = need(inputs, 0, FLOAT);
      scalarOf(maybe(inputs, 1, FLOAT), "the ratio");
      scalarOf(maybe(inputs, 2, ["bool"]), "training_mode");
      return [{ dtype: x.dtype, shape: x.shape }, { dtype: "bool", shape: x.shape }];
    },
  },
  RandomUniform: random({ high: "float", low: "float" }),
  RandomNormal: random({ mean: "float", scale: "float" }),
  RandomUniformLike: randomLike({ high: "float", low: "float" }),
  RandomNormalLike: randomLike({ mean: "float", scale: "float" }),
};

function randomLike(attrs: OpSchema["attrs"]): OpSchema {
  return {
    since: 1,
    inputs: [1, 1],
    attrs: { dtype: "int", seed: "float", ...attrs },
    infer(inputs, values) {
      const x = need(inputs, 0, ANY);
      const dtype = values.dtype === undefined && FLOAT.includes(x.dtype) ? x.dtype : randomDtype(values);
      return [{ dtype, shape: x.shape }];
    },
  };
}
