/**
 * What ONNX Runtime's CPU provider computes on codes, between Q/DQ pairs.
 *
 * Measured on 1.30 (docs/quantization.md, section 7), and held to it by integer_ops_test.ts.
 */
import type { Node } from "../../onnx/graph.ts";
import { traitsOf } from "../../onnx/schema/mod.ts";
import { isGuard } from "./_guard.ts";

/** How an operator takes part in int8. */
export type IntegerForm =
  /** By a kernel on integers; these inputs must be dequantized right before it. */
  | { readonly kind: "kernel"; readonly operands: readonly number[] | "all" }
  /** It moves codes, where the grids before and behind it are equal. */
  | { readonly kind: "movement" }
  /** As a part of the operator before it, where the grid behind it clips as it does. */
  | { readonly kind: "absorbed" }
  | { readonly kind: "none"; readonly because: string };

const KERNELS: Readonly<Record<string, readonly number[] | "all">> = {
  Conv: [0, 1],
  Gemm: [0, 1],
  MatMul: [0, 1],
  Add: [0, 1],
  Mul: [0, 1],
  Where: [1, 2],
  Concat: "all",
  AveragePool: [0],
  GlobalAveragePool: [0],
  LeakyRelu: [0],
  Sigmoid: [0],
  Softmax: [0],
};

/** Operators with a kernel on integers, of uint8 and of int8 activations alike. */
export const INTEGER_OPERATORS: readonly string[] = Object.keys(KERNELS);

/** Operators that only move elements, and for which ONNX Runtime does not do it with codes. */
const MOVED_IN_FLOAT = new Set(["GlobalMaxPool", "SpaceToDepth", "GatherND", "Compress", "ReverseSequence"]);

const ABSORBED = new Set(["Relu", "Clip"]);

/** Operators that have no int8 form for a reason of their own. */
const REASONS: Readonly<Record<string, string>> = {
  Pad: "Pad has no int8 kernel, and it could not be merged into the operator after it",
  Resize: "int8 Resize takes the nearest neighbour only",
};

/** Returns how `node` takes part in int8. */
export function integerFormOf(node: Pick<Node, "op" | "attrs" | "inputs">): IntegerForm {
  const { op, attrs } = node;
  const operands = Object.hasOwn(KERNELS, op) ? KERNELS[op] : undefined;
  if (operands !== undefined) return { kind: "kernel", operands };
  if (ABSORBED.has(op)) return { kind: "absorbed" };
  if (traitsOf({ op, attrs }).movement && !MOVED_IN_FLOAT.has(op)) return { kind: "movement" };
  if (isGuard(node)) {
    return { kind: "none", because: "it keeps ONNX Runtime from running what is before it on integers" };
  }
  const reason = Object.hasOwn(REASONS, op) ? REASONS[op] : `ONNX Runtime has no int8 kernel for ${op}`;
  return { kind: "none", because: reason };
}
