/**
 * Operators of domain "com.microsoft" whose weights are integers and whose other operands are real.
 *
 * Source: microsoft/onnxruntime/docs/ContribOperators.md, and the kernels of 1.30 for what that leaves open.
 */
import type { Attrs } from "../graph.ts";
import { BYTES, equalShapes, type Inputs, maybe, need, numberAttr, product, rankOf } from "./_infer.ts";
import type { OpSchema, StaticType } from "./schema.ts";

type Row = Omit<OpSchema, "domain" | "since">;

const REAL = ["float32", "float16"] as const;

/** Attributes of the recurrent operators that a network of any kind has. */
const recurrentAttrs = {
  activation_alpha: "floats",
  activation_beta: "floats",
  activations: "strings",
  clip: "float",
  direction: "string",
  hidden_size: "int",
  input_forget: "int",
} as const;

/** Gates of an LSTM: input, output, forget, cell. */
const GATES = 4;

function inferDynamicQuantizeLstm(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, ["float32"]);
  const [w, r] = [need(inputs, 1, BYTES), need(inputs, 2, BYTES)];
  rankOf(x, 3, 3);
  const [steps, batch, width] = x.shape;
  const hidden = numberAttr(attrs, "hidden_size");
  const directions = attrs.direction === "bidirectional" ? 2 : 1;
  shaped(w, [directions, width, GATES * hidden], "W");
  shaped(r, [directions, hidden, GATES * hidden], "R");
  const optional = [
    ["B", 3, [directions, 2 * GATES * hidden]],
    ["initial_h", 5, [directions, batch, hidden]],
    ["initial_c", 6, [directions, batch, hidden]],
    ["P", 7, [directions, 3 * hidden]],
  ] as const;
  for (const [name, at, shape] of optional) shaped(maybe(inputs, at, ["float32"]), shape, name);
  shaped(maybe(inputs, 4, ["int32"]), [batch], "sequence_lens");
  for (const [at, codes] of [[8, w], [10, r]] as const) {
    checkDirections(need(inputs, at, ["float32"]), [directions, GATES * hidden]);
    checkDirections(need(inputs, at + 1, [codes.dtype]), [directions, GATES * hidden]);
  }
  const state: StaticType = { dtype: "float32", shape: [directions, batch, hidden] };
  return [{ dtype: "float32", shape: [steps, directions, batch, hidden] }, state, state];
}

function shaped(input: StaticType | null, shape: readonly number[], name: string): void {
  if (input !== null && !equalShapes(input.shape, shape)) {
    throw new TypeError(`${name} has shape [${input.shape}], needed is [${shape}]`);
  }
}

/** A scale or zero point of recurrent weights: one a direction, or one a direction and column. */
function checkDirections({ shape }: StaticType, perColumn: readonly number[]): void {
  if (!equalShapes(shape, perColumn.slice(0, 1)) && !equalShapes(shape, perColumn)) {
    throw new TypeError(`a grid has shape [${shape}], needed is [${perColumn[0]}] or [${perColumn}]`);
  }
}

/** Checks that scales and zero points have as many elements as there are blocks, flat or as rows of blocks. */
function checkBlocks(input: StaticType | null, rows: readonly number[], what: string): void {
  if (input === null || equalShapes(input.shape, rows) || equalShapes(input.shape, [product(rows)])) return;
  throw new TypeError(`${what} have shape [${input.shape}], needed is [${rows}]`);
}

function inferMatMulNBits(inputs: Inputs, attrs: Attrs): StaticType[] {
  const x = need(inputs, 0, REAL);
  const [k, n, bits, block] = ["K", "N", "bits", "block_size"].map((name) => numberAttr(attrs, name));
  checkBlockSize(block, bits);
  const depth = x.shape[rankOf(x, 1) - 1];
  if (depth !== k) throw new TypeError(`the inner dimension is ${depth}, needed is K, ${k}`);
  const blocks = Math.ceil(k / block);
  const codes = need(inputs, 1, ["uint8"]);
  shaped(codes, [n, blocks, block * bits / 8], "B");
  checkBlocks(need(inputs, 2, [x.dtype]), [n, blocks], "the scales");
  checkBlocks(maybe(inputs, 3, ["uint8"]), [n, Math.ceil(blocks * bits / 8)], "the zero points");
  shaped(maybe(inputs, 5, [x.dtype]), [n], "the bias");
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, -1), n] }];
}

function checkBlockSize(block: number, bits: number): void {
  if (bits !== 4 && bits !== 8) throw new TypeError(`attribute "bits" is ${bits}, needed is 4 or 8`);
  if (!Number.isInteger(Math.log2(block)) || block < 16 || block > 256) {
    throw new TypeError(`attribute "block_size" is ${block}, needed is a power of 2 from 16 to 256`);
  }
}

/** Rows of operators of "com.microsoft". */
export const integerWeights: Readonly<Record<string, Row>> = {
  DynamicQuantizeLSTM: {
    inputs: [12, 12],
    outputs: [1, 3],
    attrs: recurrentAttrs,
    infer: inferDynamicQuantizeLstm,
  },
  MatMulNBits: {
    inputs: [3, 6],
    attrs: { K: "int", N: "int", bits: "int", block_size: "int", accuracy_level: "int" },
    infer: inferMatMulNBits,
  },
};
