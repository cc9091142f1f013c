/** Pools that TF.js has no layer for. Pictures are [n, h, w, c]. */
import * as tfl from "@tensorflow/tfjs-layers";
import { Operation } from "../../src/operations/mod.ts";
import { applyAll, applyTo } from "./_blocks.ts";

const { layers } = tfl;

/**
 * Pools the largest of windows that step by 2, the last of which may reach beyond the picture: PyTorch's pools with ceil mode.
 * What is pooled is not negative, so that zeros beyond it never win.
 */
export function maxPoolCeil(
  x: tfl.SymbolicTensor,
  { name, poolSize }: { readonly name: string; readonly poolSize: number },
): tfl.SymbolicTensor {
  const [, height, width] = x.shape;
  const missing = [height, width].map((side) => Math.abs(Number(side) - poolSize) % 2);
  const [bottom, right] = missing;
  // TF.js's "same" adds a last row and column; it cannot add one of them alone.
  const isMixed = bottom !== right;
  return applyAll(x, [
    ...(isMixed ? [layers.zeroPadding2d({ name: `${name}_pad`, padding: [[0, bottom], [0, right]] })] : []),
    layers.maxPooling2d({ name, poolSize, strides: 2, padding: isMixed || bottom === 0 ? "valid" : "same" }),
  ]);
}

/**
 * Averages windows that cut a picture of any size into `side`×`side`: of n rows, window i begins at ⌊i·n / side⌋ and ends
 * before ⌈(i+1)·n / side⌉, so that neighbours may share a row.
 *
 * A row is taken as often as makes all windows as long, which leaves their means what they are.
 * Source: PyTorch's AdaptiveAvgPool2d.
 */
export function averagePoolTo(
  x: tfl.SymbolicTensor,
  { name, side }: { readonly name: string; readonly side: number },
): tfl.SymbolicTensor {
  const [, height, width] = x.shape;
  const [rows, columns] = [height, width].map((size) => windowsOf(Number(size), side));
  const repeat = (axis: number, { indices, isWhole }: Windows, part: string) =>
    isWhole
      ? []
      : [new Operation({ name: `${name}_${part}`, operation: "gather", options: { axis, indices: [...indices] } })];
  const repeated = applyAll(x, [...repeat(1, rows, "rows"), ...repeat(2, columns, "columns")]);
  const poolSize: [number, number] = [rows.size, columns.size];
  if (rows.size === 1 && columns.size === 1) return repeated;
  return applyTo(layers.averagePooling2d({ name, poolSize, strides: poolSize }), repeated);
}

interface Windows {
  /** The rows of all windows, one window behind the other. */
  readonly indices: readonly number[];
  /** Rows of a window. */
  readonly size: number;
  /** Whether the windows are the rows as they are. */
  readonly isWhole: boolean;
}

function windowsOf(size: number, count: number): Windows {
  const bounds = Array.from(
    { length: count },
    (_, i) => [Math.floor(i * size / count), Math.ceil((i + 1) * size / count)],
  );
  const common = bounds.reduce((all, [from, to]) => leastCommonMultiple(all, to - from), 1);
  const indices = bounds.flatMap(([from, to]) =>
    Array.from({ length: common }, (_, i) => from + Math.floor(i * (to - from) / common))
  );
  return { indices, size: common, isWhole: indices.length === size && indices.every((index, i) => index === i) };
}

function leastCommonMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => y === 0 ? x : divisor(y, x % y);
  return a / divisor(a, b) * b;
}
