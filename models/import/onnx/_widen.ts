/** Half precision in a graph as single precision, which holds all of its numbers. */
import { fromBfloat, fromHalf } from "../../../src/numbers/half.ts";
import { codeOf } from "../../../src/numbers/dtype.ts";
import type { Attr, Graph, Tensor, ValueType } from "../../../src/onnx/graph.ts";

/** Types of 16 bits. */
const HALVES: readonly string[] = ["float16", "bfloat16"];
const HALF_CODES: readonly Attr[] = [codeOf("float16"), codeOf("bfloat16")];

/** Attributes that name a type of elements: of Cast, and of what makes numbers from nothing. */
const TYPE_ATTRS: readonly string[] = ["to", "dtype"];

/**
 * Makes single precision of what is in half precision: tensors, types, and what operators make.
 *
 * @returns undefined if nothing is.
 */
export function widened(graph: Graph): Graph | undefined {
  const isHalf = ({ dtype }: Pick<Tensor, "dtype">) => HALVES.includes(dtype);
  const attrs = graph.nodes.flatMap((node) => Object.entries(node.attrs));
  const any = [...graph.initializers.values(), ...graph.types.values()].some(isHalf) ||
    attrs.some(([name, value]) => isTensor(value) ? isHalf(value) : isHalfCode(name, value));
  if (!any) return undefined;
  return {
    ...graph,
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [name, wide(tensor)])),
    types: new Map([...graph.types].map(([name, type]) => [name, wideType(type)])),
    nodes: graph.nodes.map((node) => ({
      ...node,
      attrs: Object.fromEntries(
        Object.entries(node.attrs).map(([name, value]) => [
          name,
          isTensor(value) ? wide(value) : isHalfCode(name, value) ? codeOf("float32") : value,
        ]),
      ),
    })),
  };
}

function isTensor(value: Attr): value is Tensor {
  return typeof value === "object" && !Array.isArray(value);
}

function isHalfCode(name: string, value: Attr): boolean {
  return TYPE_ATTRS.includes(name) && HALF_CODES.includes(value);
}

function wideType(type: ValueType): ValueType {
  return HALVES.includes(type.dtype) ? { ...type, dtype: "float32" } : type;
}

function wide(tensor: Tensor): Tensor {
  const { dtype, data, shape } = tensor;
  if (!(data instanceof Uint16Array) || !HALVES.includes(dtype)) return tensor;
  return { dtype: "float32", shape, data: dtype === "float16" ? fromHalf(data) : fromBfloat(data) };
}
