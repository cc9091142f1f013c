/** GELU, as files write it before opset 20. */
import type { Node } from "../../../../src/onnx/graph.ts";
import { besides, isNear, type Known, made, numberOf, type Pattern } from "./_pattern.ts";

/** x · (1 + erf(x / √2)) · 1/2, multiplied in any order. */
export function gelu(node: Node, known: Known): ReturnType<Pattern> {
  if (node.op !== "Mul") return undefined;
  const { factors, constant } = factorsOf(node, known);
  if (factors.length !== 2 || !isNear(constant, 0.5)) return undefined;
  const pair = besides({ ...node, inputs: factors }, (name) => erfOf(name, known));
  return pair !== undefined && pair.found === pair.other ? { op: "Gelu", inputs: [pair.other], attrs: {} } : undefined;
}

/** Takes a product of products apart: what is computed, and the product of the numbers. */
function factorsOf(node: Node, known: Known): { readonly factors: readonly string[]; readonly constant: number } {
  const parts = node.inputs.map((name) => {
    const number = numberOf(name, known);
    if (number !== undefined) return { factors: [], constant: number };
    const inner = made(name, "Mul", known);
    return inner === undefined ? { factors: [name], constant: 1 } : factorsOf(inner, known);
  });
  return {
    factors: parts.flatMap(({ factors }) => factors),
    constant: parts.reduce((product, { constant }) => product * constant, 1),
  };
}

/** The x of 1 + erf(x / √2). */
function erfOf(name: string, known: Known): string | undefined {
  const sum = made(name, "Add", known);
  const one = sum && besides(sum, (input) => numberOf(input, known));
  const erf = one?.found === 1 ? made(one.other, "Erf", known) : undefined;
  const inside = erf && known.producers.get(erf.inputs[0]);
  if (inside?.op === "Div") return isNear(numberOf(inside.inputs[1], known), Math.SQRT2) ? inside.inputs[0] : undefined;
  const product = inside?.op === "Mul" ? besides(inside, (input) => numberOf(input, known)) : undefined;
  return isNear(product?.found, Math.SQRT1_2) ? product?.other : undefined;
}
