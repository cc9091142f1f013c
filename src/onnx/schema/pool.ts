/** Pooling. Layout [n, c, ...spatial]. */
import type { DType } from "../../numbers/dtype.ts";
import type { Attrs } from "../graph.ts";
import { FLOAT, listAttr, MOVES, need, numberAttr, rankOf, type Rows } from "./_infer.ts";
import { slide, windowOf } from "./conv.ts";
import type { OpSchema, StaticType } from "./schema.ts";

const poolAttrs = { auto_pad: "string", kernel_shape: "ints", pads: "ints", strides: "ints" } as const;
/** Attributes of AveragePool. */
export const averagePoolAttrs = { ...poolAttrs, ceil_mode: "int", count_include_pad: "int" } as const;

/** Returns the output shape of a pool over `x`. */
export function poolShape(x: StaticType, attrs: Attrs): number[] {
  const rank = rankOf(x, 3);
  const [n, channels, ...spatial] = x.shape;
  const kernel = listAttr(attrs, "kernel_shape");
  if (kernel?.length !== rank - 2) {
    throw new TypeError(`attribute "kernel_shape" is [${kernel ?? "missing"}], needed are ${rank - 2} integers`);
  }
  return [n, channels, ...slide(spatial, windowOf(attrs, kernel), numberAttr(attrs, "ceil_mode", 0) === 1)];
}

/** Returns the output shape of a global pool over `x`. */
export function globalPoolShape(x: StaticType): number[] {
  rankOf(x, 3);
  return x.shape.map((dim, i) => i < 2 ? dim : 1);
}

function globalPool(): OpSchema {
  return {
    since: 1,
    inputs: [1, 1],
    infer(inputs) {
      const x = need(inputs, 0, FLOAT);
      return [{ dtype: x.dtype, shape: globalPoolShape(x) }];
    },
  };
}

const MAX_POOL_DTYPES: readonly DType[] = [...FLOAT, "uint8", "int8"];

/** Pools of the default domain. */
export const pool: Rows = {
  MaxPool: {
    ...MOVES,
    since: 12,
    inputs: [1, 1],
    outputs: [1, 2],
    attrs: { ...poolAttrs, ceil_mode: "int", dilations: "ints", storage_order: "int" },
    infer(inputs, attrs) {
      const x = need(inputs, 0, MAX_POOL_DTYPES);
      const shape = poolShape(x, attrs);
      return [{ dtype: x.dtype, shape }, { dtype: "int64", shape }];
    },
  },
  AveragePool: {
    since: 11,
    inputs: [1, 1],
    attrs: averagePoolAttrs,
    infer(inputs, attrs) {
      const x = need(inputs, 0, FLOAT);
      return [{ dtype: x.dtype, shape: poolShape(x, attrs) }];
    },
  },
  LpPool: {
    since: 11,
    inputs: [1, 1],
    attrs: { ...poolAttrs, p: "int" },
    infer(inputs, attrs) {
      const x = need(inputs, 0, FLOAT);
      return [{ dtype: x.dtype, shape: poolShape(x, attrs) }];
    },
  },
  GlobalAveragePool: globalPool(),
  GlobalMaxPool: { ...globalPool(), ...MOVES },
};
