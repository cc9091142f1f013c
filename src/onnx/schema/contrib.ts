/**
 * Operators of domain "com.microsoft".
 *
 * Source: microsoft/onnxruntime/docs/ContribOperators.md. `since` is 1 there for all of them.
 */
import type { DType } from "../../numbers/dtype.ts";
import type { Attrs } from "../graph.ts";
import {
  broadcast,
  broadcastsTo,
  BYTES,
  FLOAT,
  type Inputs,
  maybe,
  need,
  numberAttr,
  type Rows,
  sameDtype,
} from "./_infer.ts";
import { checkBias, convAttrs, convShape } from "./conv.ts";
import { gemmAttrs, gemmShape, matMulShape } from "./matmul.ts";
import { averagePoolAttrs, globalPoolShape, poolShape } from "./pool.ts";
import { inferDequantize, inferQuantize } from "./quantize.ts";
import { integerWeights } from "./integer_weights.ts";
import type { OpSchema, StaticType } from "./schema.ts";
import { concatShape } from "./shape.ts";

type Row = Omit<OpSchema, "domain" | "since">;

/** What ORT writes into the nodes that it fuses an activation into. */
const fusedActivation = { activation: "string", activation_params: "floats" } as const;
const gemmActivation = {
  activation: "string",
  activation_alpha: "float",
  activation_beta: "float",
  activation_gamma: "float",
} as const;

/** Applies FusedMatMul's transposes to a shape; `batch` moves the first dimension behind the batch's. */
function transposed(shape: readonly number[], { batch, last }: { batch: boolean; last: boolean }): readonly number[] {
  if (shape.length < 2) return shape;
  const [first, ...rest] = shape;
  const moved = batch ? [...rest.slice(0, -1), first, rest[rest.length - 1]] : shape;
  return last ? [...moved.slice(0, -2), moved[moved.length - 1], moved[moved.length - 2]] : moved;
}

function inferFusedMatMul(inputs: Inputs, attrs: Attrs): StaticType[] {
  const [a, b] = [need(inputs, 0, FLOAT), need(inputs, 1, FLOAT)];
  const flag = (name: string) => numberAttr(attrs, name, 0) !== 0;
  const left = transposed(a.shape, { batch: flag("transBatchA"), last: flag("transA") });
  const right = transposed(b.shape, { batch: flag("transBatchB"), last: flag("transB") });
  return [{ dtype: sameDtype([a, b]), shape: matMulShape(left, right) }];
}

function inferFusedConv(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, FLOAT);
  const shape = convShape(x, need(inputs, 1, [x.dtype]), attrs);
  checkBias(maybe(inputs, 2, [x.dtype]), shape[1]);
  const sum = maybe(inputs, 3, [x.dtype]);
  if (sum !== null) broadcastsTo(sum.shape, shape);
  return [{ dtype: x.dtype, shape }];
}

function inferFusedGemm(inputs: Inputs, attrs: Attrs): StaticType[] {
  const [a, b, c] = [need(inputs, 0, FLOAT), need(inputs, 1, FLOAT), maybe(inputs, 2, FLOAT)];
  const shape = gemmShape(a, b, attrs);
  if (c !== null) broadcastsTo(c.shape, shape);
  return [{ dtype: sameDtype([a, b, c]), shape }];
}

/** Reads code tensor `at`, its scale and zero point being the two inputs behind it. */
function codes(inputs: Inputs, at: number): StaticType {
  const x = need(inputs, at, BYTES);
  need(inputs, at + 1, ["float32"]);
  maybe(inputs, at + 2, [x.dtype]);
  return x;
}

/** Checks that the output's scale is input `at` and that its zero point has type `dtype`. */
function outputGrid(inputs: Inputs, at: number, dtype: DType): void {
  need(inputs, at, ["float32"]);
  maybe(inputs, at + 1, [dtype]);
}

function inferQLinearBinary(inputs: Inputs): StaticType[] {
  const [a, b] = [codes(inputs, 0), codes(inputs, 3)];
  const dtype = sameDtype([a, b]);
  outputGrid(inputs, 6, dtype);
  return [{ dtype, shape: broadcast(a.shape, b.shape) }];
}

/** A row whose inputs are x, x_scale, x_zero_point, y_scale, y_zero_point. */
function qLinearUnary(attrs: Row["attrs"], shapeOf: (x: StaticType, attrs: Attrs) => readonly number[]): Row {
  return {
    inputs: [4, 5],
    attrs,
    infer(inputs, values) {
      const x = codes(inputs, 0);
      outputGrid(inputs, 3, x.dtype);
      return [{ dtype: x.dtype, shape: shapeOf(x, values) }];
    },
  };
}

/** Runs `pool` on a shape that attribute `channels_last` may say is [n, ...spatial, c]. */
function inLayout(x: StaticType, attrs: Attrs, pool: (x: StaticType) => readonly number[]): readonly number[] {
  if (numberAttr(attrs, "channels_last", 0) === 0) return pool(x);
  const [n, ...rest] = x.shape;
  const channels = rest[rest.length - 1];
  const [, , ...spatial] = pool({ dtype: x.dtype, shape: [n, channels, ...rest.slice(0, -1)] });
  return [n, ...spatial, channels];
}

function inferQLinearConcat(inputs: Inputs, attrs: Attrs): StaticType[] {
  if (inputs.length % 3 !== 2) throw new TypeError(`${inputs.length} inputs are not 2 and three for each part`);
  const parts = Array.from({ length: (inputs.length - 2) / 3 }, (_, i) => codes(inputs, 2 + 3 * i));
  const dtype = sameDtype(parts);
  outputGrid(inputs, 0, dtype);
  return [{ dtype, shape: concatShape(parts, attrs) }];
}

function inferQLinearWhere(inputs: Inputs): StaticType[] {
  const [a, b] = [codes(inputs, 1), codes(inputs, 4)];
  const dtype = sameDtype([a, b]);
  outputGrid(inputs, 7, dtype);
  return [{ dtype, shape: broadcast(need(inputs, 0, ["bool"]).shape, a.shape, b.shape) }];
}

function inferQGemm(inputs: Inputs, attrs: Attrs): StaticType[] {
  const [a, b] = [codes(inputs, 0), codes(inputs, 3)];
  const shape = gemmShape(a, b, attrs);
  const bias = maybe(inputs, 6, ["int32"]);
  if (bias !== null) broadcastsTo(bias.shape, shape);
  const scale = maybe(inputs, 7, ["float32"]);
  return [{ dtype: scale === null ? "float32" : maybe(inputs, 8, BYTES)?.dtype ?? a.dtype, shape }];
}

function inferMatMulToFloat(inputs: Inputs, left: readonly DType[]): StaticType[] {
  return [{ dtype: "float32", shape: matMulShape(need(inputs, 0, left).shape, need(inputs, 1, BYTES).shape) }];
}

const CONTRIB_CODES: readonly DType[] = ["uint8", "int8", "uint16", "int16"];

const rows: Readonly<Record<string, Row>> = {
  Gelu: {
    inputs: [1, 1],
    traits: { elementwise: true, mapsZeroToZero: "all" },
    infer(inputs) {
      const x = need(inputs, 0, FLOAT);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
  },
  FusedMatMul: {
    inputs: [2, 2],
    attrs: { alpha: "float", transA: "int", transB: "int", transBatchA: "int", transBatchB: "int" },
    infer: inferFusedMatMul,
  },
  FusedGemm: { inputs: [2, 3], attrs: { ...gemmAttrs, ...gemmActivation }, infer: inferFusedGemm },
  FusedConv: { inputs: [2, 4], attrs: { ...convAttrs, ...fusedActivation }, infer: inferFusedConv },
  QuantizeLinear: {
    inputs: [2, 3],
    attrs: { axis: "int" },
    infer: (inputs, attrs) => inferQuantize(CONTRIB_CODES, inputs, attrs),
  },
  DequantizeLinear: {
    inputs: [2, 3],
    attrs: { axis: "int" },
    infer: (inputs, attrs) => inferDequantize([...CONTRIB_CODES, "int32"], inputs, attrs),
  },
  QLinearAdd: { inputs: [7, 8], infer: inferQLinearBinary },
  QLinearMul: { inputs: [7, 8], infer: inferQLinearBinary },
  QLinearConcat: { inputs: [5, Infinity], attrs: { axis: "int" }, infer: inferQLinearConcat },
  QLinearWhere: { inputs: [8, 9], infer: inferQLinearWhere },
  QLinearLeakyRelu: qLinearUnary({ alpha: "float" }, (x) => x.shape),
  QLinearSigmoid: qLinearUnary(undefined, (x) => x.shape),
  QLinearSoftmax: qLinearUnary({ axis: "int", opset: "int" }, (x) => x.shape),
  QLinearAveragePool: qLinearUnary(
    { ...averagePoolAttrs, channels_last: "int" },
    (x, attrs) => inLayout(x, attrs, (y) => poolShape(y, attrs)),
  ),
  QLinearGlobalAveragePool: qLinearUnary(
    { channels_last: "int" },
    (x, attrs) => inLayout(x, attrs, globalPoolShape),
  ),
  QGemm: { inputs: [6, 9], attrs: { alpha: "float", transA: "int", transB: "int" }, infer: inferQGemm },
  MatMulIntegerToFloat: { inputs: [4, 7], infer: (inputs) => inferMatMulToFloat(inputs, BYTES) },
  DynamicQuantizeMatMul: { inputs: [3, 5], infer: (inputs) => inferMatMulToFloat(inputs, ["float32"]) },
  ...integerWeights,
};

/** Operators of domain "com.microsoft". */
export const contrib: Rows = Object.fromEntries(
  Object.entries(rows).map(([op, row]) => [op, { domain: "com.microsoft", since: 1, ...row }]),
);
