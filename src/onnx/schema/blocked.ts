/**
 * Operators of ONNX Runtime's domain "com.microsoft.nchwc", whose tensors keep channels in blocks.
 *
 * They are no part of any standard: ONNX Runtime puts them into graphs itself, for this machine alone. So there is a row
 * for what a file's writer must know, the kinds of the attributes, and none for the exporter's checks.
 * Source: microsoft/onnxruntime core/graph/contrib_ops/nchwc_schema_defs.cc.
 */
import type { AttrKind } from "./schema.ts";

/** Domain of the operators on blocked channels. */
export const BLOCKED_DOMAIN = "com.microsoft.nchwc";

const pool = { kernel_shape: "ints", pads: "ints", strides: "ints", dilations: "ints" } as const;

/** Kinds of the attributes, by operator. */
export const BLOCKED_ATTRS: Readonly<Record<string, Readonly<Record<string, AttrKind>>>> = {
  ReorderInput: { channels_last: "int" },
  ReorderOutput: { channels: "int", channels_last: "int" },
  Conv: { ...pool, group: "int", activation: "string", activation_params: "floats" },
  MaxPool: pool,
  AveragePool: { ...pool, count_include_pad: "int" },
  GlobalMaxPool: {},
  GlobalAveragePool: {},
};
