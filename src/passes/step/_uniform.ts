/** Values whose elements are all the same known number. */
import { codeOf } from "../../numbers/dtype.ts";
import type { Index } from "../../onnx/index.ts";
import { traitsOf } from "../../onnx/schema/mod.ts";

/**
 * Returns the number that every element of `name` is, or undefined if that is not known.
 *
 * Looks through operators that move or spread a number, and sums and products of such.
 */
export function uniformOf(name: string, index: Index): number | undefined {
  const tensor = index.constant(name);
  if (tensor !== undefined) {
    const [first, ...rest] = Array.from<number | bigint, number>(tensor.data as Float32Array, Number);
    return rest.every((element) => element === first) ? first : undefined;
  }
  const node = index.producer(name);
  if (node === undefined) return undefined;
  if (traitsOf(node).movement) return uniformOf(node.inputs[0], index);
  if (node.op === "Cast") {
    const value = uniformOf(node.inputs[0], index);
    return value !== undefined && staysInCast(value, node.attrs.to) ? value : undefined;
  }
  if (!["Add", "Sub", "Mul"].includes(node.op)) return undefined;
  const [a, b] = node.inputs.map((input) => uniformOf(input, index));
  if (a === undefined || b === undefined) return undefined;
  return Math.fround(node.op === "Add" ? a + b : node.op === "Sub" ? a - b : a * b);
}

/** Whether a number is the same in the type of that code: float32 holds all, every other type 0 and 1 at least. */
function staysInCast(value: number, code: unknown): boolean {
  return code === codeOf("float32") || value === 0 || value === 1;
}
