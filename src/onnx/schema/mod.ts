/** The table of operators that this project writes: the default domain at opset 17, and "com.microsoft". */
import type { AttrKind, Attrs, Node } from "../graph.ts";
import type { Inputs, Rows } from "./_infer.ts";
import { contrib } from "./contrib.ts";
import { conv } from "./conv.ts";
import { elementwise } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { matmul } from "./matmul.ts";
import { normalize } from "./normalize.ts";
import { pool } from "./pool.ts";
import { quantize } from "./quantize.ts";
import { recurrent } from "./recurrent.ts";
import { reduce } from "./reduce.ts";
import { resize } from "./resize.ts";
import type { OpSchema, StaticType, Traits } from "./schema.ts";
import { shape } from "./shape.ts";

export type { InferInput, OpSchema, StaticType, Traits } from "./schema.ts";

/** Newest opset that the rows describe. */
export const NEWEST_OPSET = 17;

/** Schemas of the default domain, by operator. */
export const OPS: ReadonlyMap<string, OpSchema> = tableOf({
  ...elementwise,
  ...conv,
  ...pool,
  ...matmul,
  ...reduce,
  ...shape,
  ...gather,
  ...resize,
  ...normalize,
  ...recurrent,
  ...quantize,
});

/**
 * ONNX Runtime's domain of operators whose tensors keep channels in blocks.
 *
 * They are no part of any standard: ONNX Runtime puts them into graphs itself, for this machine alone. So there is a row
 * for what a file's writer must know, the kinds of the attributes, and none for the exporter's checks.
 * Source: microsoft/onnxruntime core/graph/contrib_ops/nchwc_schema_defs.cc.
 */
export const BLOCKED_DOMAIN = "com.microsoft.nchwc";

const blockedPool = { kernel_shape: "ints", pads: "ints", strides: "ints", dilations: "ints" } as const;

/** Kinds of the attributes of operators on blocked channels. */
const BLOCKED_ATTRS: Readonly<Record<string, Readonly<Record<string, AttrKind>>>> = {
  ReorderInput: { channels_last: "int" },
  ReorderOutput: { channels: "int", channels_last: "int" },
  Conv: { ...blockedPool, group: "int", activation: "string", activation_params: "floats" },
  MaxPool: blockedPool,
  AveragePool: { ...blockedPool, count_include_pad: "int" },
  GlobalMaxPool: {},
  GlobalAveragePool: {},
};

/** Schemas of domain "com.microsoft", by operator. */
export const CONTRIB_OPS: ReadonlyMap<string, OpSchema> = tableOf(contrib);

/**
 * Returns the schema of operator `op`, or undefined if no row describes it.
 *
 * Without a domain the default domain goes first, then "com.microsoft"; "" means the default domain alone.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { schemaOf } from "./mod.ts";
 *
 * const x = { dtype: "float32", shape: [8, 1, 3] } as const;
 * assert.deepEqual(schemaOf("Add")?.infer([x, { dtype: "float32", shape: [4, 1] }], {}, 1), [
 *   { dtype: "float32", shape: [8, 4, 3] },
 * ]);
 * assert.equal(schemaOf("FusedMatMul")?.domain, "com.microsoft");
 * assert.equal(schemaOf("FusedMatMul", ""), undefined);
 * ```
 */
export function schemaOf(op: string, domain?: string): OpSchema | undefined {
  if (domain === "com.microsoft") return CONTRIB_OPS.get(op);
  if (domain === undefined) return OPS.get(op) ?? CONTRIB_OPS.get(op);
  return domain === "" || domain === "ai.onnx" ? OPS.get(op) : undefined;
}

/** Returns the kinds of the attributes of operator `op` of `domain`, or undefined if nothing describes it. */
export function attrKindsOf(op: string, domain: string): Readonly<Record<string, AttrKind>> | undefined {
  return domain === BLOCKED_DOMAIN ? BLOCKED_ATTRS[op] : schemaOf(op, domain)?.attrs;
}

/**
 * Returns what is true of the results of `node`, whatever its inputs are; nothing if no row describes its operator.
 *
 * What only moves elements keeps zeros and finite numbers.
 */
export function traitsOf({ op, domain = "", attrs }: Pick<Node, "op" | "domain" | "attrs">): Traits {
  const { traits = NONE } = schemaOf(op, domain) ?? {};
  const own = typeof traits === "function" ? traits(attrs) : traits;
  return own.movement ? { mapsZeroToZero: [0], keepsFinite: true, ...own } : own;
}

const NONE: Traits = {};

function tableOf(rows: Rows): ReadonlyMap<string, OpSchema> {
  return new Map(Object.entries(rows).map(([op, row]) => [op, guarded(op, row)]));
}

/** Wraps a row's `infer` so that its arity is checked and every error names the operator and its inputs. */
function guarded(op: string, row: OpSchema): OpSchema {
  return {
    ...row,
    infer(inputs, attrs, outputs): readonly StaticType[] {
      try {
        checkArity(row, inputs, outputs);
        return row.infer(inputs, attrs, outputs);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        throw new TypeError(`Cannot infer "${op}" of ${shown(inputs, attrs)}: ${error.message}`);
      }
    },
  };
}

function checkArity(row: OpSchema, inputs: Inputs, outputs: number): void {
  const [least, most] = row.inputs;
  if (inputs.length < least || inputs.length > most) {
    throw new TypeError(`it has ${inputs.length} inputs, needed are ${least} to ${most}`);
  }
  const [fewest, greatest] = row.outputs ?? [1, 1];
  if (outputs < fewest || outputs > greatest) {
    throw new TypeError(`it has ${outputs} outputs, needed are ${fewest} to ${greatest}`);
  }
}

function shown(inputs: Inputs, attrs: Attrs): string {
  const types = inputs.map((input) => input === null ? "-" : `${input.dtype}[${input.shape}]`).join(", ");
  const given = Object.entries(attrs).filter(([, value]) => typeof value !== "object" || Array.isArray(value));
  return `(${types})${given.length === 0 ? "" : ` with ${given.map(([key, value]) => `${key}=${value}`).join(" ")}`}`;
}
