/** Matrix products. */
import type { DType } from "../../numbers/dtype.ts";
import type { Attrs } from "../graph.ts";
import {
  broadcast,
  broadcastsTo,
  BYTES,
  FLOAT,
  maybe,
  need,
  numberAttr,
  rankOf,
  type Rows,
  sameDtype,
} from "./_infer.ts";
import type { StaticType } from "./schema.ts";

/** Types that a matrix product takes. */
export const PRODUCT_DTYPES: readonly DType[] = [...FLOAT, "int32", "int64", "uint32", "uint64"];

/** Returns the shape of numpy.matmul(a, b). */
export function matMulShape(a: readonly number[], b: readonly number[]): number[] {
  if (a.length === 0 || b.length === 0) throw new TypeError("a matrix product takes no scalars");
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [rows, inner] = left.slice(-2);
  const [depth, columns] = right.slice(-2);
  if (inner !== depth) throw new TypeError(`the inner dimensions ${inner} and ${depth} differ`);
  return [
    ...broadcast(left.slice(0, -2), right.slice(0, -2)),
    ...(a.length === 1 ? [] : [rows]),
    ...(b.length === 1 ? [] : [columns]),
  ];
}

/** Returns the shape of op(a)·op(b) for matrices transposed as `transA` and `transB` say. */
export function gemmShape(a: StaticType, b: StaticType, attrs: Attrs): number[] {
  rankOf(a, 2, 2);
  rankOf(b, 2, 2);
  const left = numberAttr(attrs, "transA", 0) === 0 ? a.shape : a.shape.toReversed();
  const right = numberAttr(attrs, "transB", 0) === 0 ? b.shape : b.shape.toReversed();
  return matMulShape(left, right);
}

/** Attributes of Gemm. */
export const gemmAttrs = { alpha: "float", beta: "float", transA: "int", transB: "int" } as const;

function einsumShape(equation: string, shapes: readonly (readonly number[])[]): number[] {
  const [left, right] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (terms.length !== shapes.length || !/^[A-Za-z,]*$/.test(left)) {
    throw new TypeError(`equation "${equation}" does not fit ${shapes.length} inputs (ellipses are not supported)`);
  }
  const dims = new Map<string, number>();
  terms.forEach((term, i) => {
    if (term.length !== shapes[i].length) throw new TypeError(`"${term}" does not fit [${shapes[i]}]`);
    [...term].forEach((letter, j) => {
      const known = dims.get(letter) ?? 1;
      if (known !== 1 && shapes[i][j] !== 1 && known !== shapes[i][j]) {
        throw new TypeError(`"${letter}" is both ${known} and ${shapes[i][j]}`);
      }
      dims.set(letter, Math.max(known, shapes[i][j]));
    });
  });
  // Without "->" the output has the letters that occur once, in alphabetical order.
  const letters = [...left.replaceAll(",", "")];
  const output = right === undefined
    ? letters.filter((x) => letters.filter((y) => y === x).length === 1).sort()
    : [...right];
  return output.map((letter) => {
    const dim = dims.get(letter);
    if (dim === undefined) throw new TypeError(`equation "${equation}" makes "${letter}" of nothing`);
    return dim;
  });
}

/** Matrix products of the default domain. */
export const matmul: Rows = {
  MatMul: {
    since: 9,
    inputs: [2, 2],
    infer(inputs) {
      const [a, b] = [need(inputs, 0, PRODUCT_DTYPES), need(inputs, 1, PRODUCT_DTYPES)];
      return [{ dtype: sameDtype([a, b]), shape: matMulShape(a.shape, b.shape) }];
    },
  },
  Gemm: {
    since: 11,
    inputs: [2, 3],
    attrs: gemmAttrs,
    infer(inputs, attrs) {
      const [a, b, c] = [need(inputs, 0, PRODUCT_DTYPES), need(inputs, 1, PRODUCT_DTYPES), maybe(inputs, 2)];
      const shape = gemmShape(a, b, attrs);
      if (c !== null) broadcastsTo(c.shape, shape);
      return [{ dtype: sameDtype([a, b, c]), shape }];
    },
  },
  MatMulInteger: {
    since: 10,
    inputs: [2, 4],
    infer: (
      inputs,
    ) => [{ dtype: "int32", shape: matMulShape(need(inputs, 0, BYTES).shape, need(inputs, 1, BYTES).shape) }],
  },
  Einsum: {
    since: 12,
    inputs: [1, Infinity],
    attrs: { equation: "string" },
    infer(inputs, attrs) {
      const operands = inputs.map((_, i) => need(inputs, i, PRODUCT_DTYPES));
      if (typeof attrs.equation !== "string") throw new TypeError(`attribute "equation" is missing`);
      return [{ dtype: sameDtype(operands), shape: einsumShape(attrs.equation, operands.map((x) => x.shape)) }];
    },
  },
};
