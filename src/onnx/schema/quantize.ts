/** Quantization and integer products of the default domain. */
import type { DType } from "../../numbers/dtype.ts";
import type { Attrs } from "../graph.ts";
import {
  axisOf,
  BYTES,
  equalShapes,
  type Inputs,
  maybe,
  need,
  numberAttr,
  product,
  type Rows,
  vectorOf,
} from "./_infer.ts";
import { checkBias, convAttrs, convShape } from "./conv.ts";
import { matMulShape } from "./matmul.ts";
import type { InferInput, StaticType } from "./schema.ts";

/**
 * Checks a scale or zero point of `x`: a scalar, a vector of one element an index of attribute `axis`, or, with a
 * `block_size`, a tensor of one element a block along that axis.
 */
export function checkGrid(x: StaticType, grid: InferInput | null, attrs: Attrs, what: string): void {
  if (grid === null || grid.shape.length === 0 || product(grid.shape) === 1 && grid.shape.length === 1) return;
  const axis = axisOf(numberAttr(attrs, "axis", 1), x.shape.length);
  const block = numberAttr(attrs, "block_size", 0);
  const blocks = x.shape.with(axis, Math.ceil(x.shape[axis] / block));
  if (block > 0 && !equalShapes(grid.shape, blocks)) {
    throw new TypeError(`${what} has shape [${grid.shape}], needed is [${blocks}] for blocks of ${block}`);
  }
  if (block === 0) vectorOf(grid, x.shape[axis], what);
}

/** Infers QuantizeLinear for the integer types `codes`. */
export function inferQuantize(codes: readonly DType[], inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, ["float32", "int32", "float16"]);
  const zeroPoint = maybe(inputs, 2, codes);
  checkGrid(x, need(inputs, 1, ["float32", "float16"]), attrs, "the scale");
  checkGrid(x, zeroPoint, attrs, "the zero point");
  return [{ dtype: zeroPoint?.dtype ?? "uint8", shape: x.shape }];
}

/** Infers DequantizeLinear for the integer types `codes`. */
export function inferDequantize(codes: readonly DType[], inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, codes);
  const scale = need(inputs, 1, ["float32", "float16"]);
  checkGrid(x, scale, attrs, "the scale");
  checkGrid(x, maybe(inputs, 2, [x.dtype]), attrs, "the zero point");
  return [{ dtype: scale.dtype, shape: x.shape }];
}

function inferQLinearConv(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, BYTES);
  const w = need(inputs, 3, BYTES);
  const shape = convShape(x, w, attrs);
  for (const i of [1, 4, 6]) need(inputs, i, ["float32"]);
  need(inputs, 2, [x.dtype]);
  need(inputs, 5, [w.dtype]);
  checkBias(maybe(inputs, 8, ["int32"]), shape[1]);
  return [{ dtype: need(inputs, 7, BYTES).dtype, shape }];
}

function inferQLinearMatMul(inputs: Inputs): StaticType[] {
  const a = need(inputs, 0, BYTES);
  const b = need(inputs, 3, BYTES);
  for (const i of [1, 4, 6]) need(inputs, i, ["float32"]);
  need(inputs, 2, [a.dtype]);
  need(inputs, 5, [b.dtype]);
  return [{ dtype: need(inputs, 7, BYTES).dtype, shape: matMulShape(a.shape, b.shape) }];
}

/** Quantization operators of the default domain. */
export const quantize: Rows = {
  QuantizeLinear: {
    since: 13,
    laterAttrs: { saturate: 19, block_size: 21, output_dtype: 21 },
    inputs: [2, 3],
    attrs: { axis: "int", saturate: "int", block_size: "int", output_dtype: "int" },
    infer: (inputs, attrs) => {
      need(inputs, 0, ["float32", "int32"]);
      return inferQuantize(BYTES, inputs, attrs);
    },
  },
  DequantizeLinear: {
    since: 13,
    laterAttrs: { block_size: 21 },
    inputs: [2, 3],
    attrs: { axis: "int", block_size: "int" },
    infer: (inputs, attrs) => {
      need(inputs, 1, ["float32"]);
      return inferDequantize([...BYTES, "int32"], inputs, attrs);
    },
  },
  DynamicQuantizeLinear: {
    since: 11,
    inputs: [1, 1],
    outputs: [3, 3],
    infer: (inputs) => [
      { dtype: "uint8", shape: need(inputs, 0, ["float32"]).shape },
      { dtype: "float32", shape: [] },
      { dtype: "uint8", shape: [] },
    ],
  },
  QLinearConv: { since: 10, inputs: [8, 9], attrs: convAttrs, infer: inferQLinearConv },
  QLinearMatMul: { since: 10, inputs: [8, 8], infer: inferQLinearMatMul },
};
