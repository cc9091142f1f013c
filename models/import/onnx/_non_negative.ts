/** Values that are never below 0, whatever is computed. */
import type { Node } from "../../../src/onnx/graph.ts";
import { traitsOf } from "../../../src/onnx/schema/mod.ts";

/** Operators that give nothing below 0. */
const NON_NEGATIVE: readonly string[] = ["Relu", "Sigmoid", "Softmax", "HardSigmoid", "Exp", "Abs", "Sqrt", "ReduceL2"];
/** Those that give nothing below 0 of what is not. */
const KEEPING: readonly string[] = [
  "Add",
  "Mul",
  "Concat",
  "Max",
  "AveragePool",
  "GlobalAveragePool",
  "ReduceMean",
  "Sum",
  "Min",
];

/** Whether a node gives nothing below 0; `known` are values of which that is so. */
export function isNonNegative(node: Node, known: (name: string) => boolean): boolean {
  if (NON_NEGATIVE.includes(node.op)) return true;
  if (traitsOf(node).movement) return known(node.inputs[0]);
  return KEEPING.includes(node.op) && node.inputs.length > 0 && node.inputs.every(known);
}
