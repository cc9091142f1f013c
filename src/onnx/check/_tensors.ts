/** Rules about initializers. */
import type { Problem } from "./problem.ts";
import { allocate } from "../../numbers/dtype.ts";
import { type Graph, sizeOf, type Tensor } from "../graph.ts";

/** Checks that initializers have the elements that their types promise, all finite. */
export function checkTensors(graph: Graph): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [name, tensor] of graph.initializers) {
    const where = `initializer "${name}"`;
    const misfit = misfitOf(tensor);
    if (misfit !== undefined) problems.push({ rule: "elements", where, message: misfit });
    const at = firstNonFinite(tensor);
    if (at >= 0) problems.push({ rule: "finite", where, message: `element ${at} is NaN or infinite` });
  }
  return problems;
}

function misfitOf({ dtype, shape, data }: Tensor): string | undefined {
  if (!shape.every((dim) => Number.isInteger(dim) && dim >= 0)) return `its shape is [${shape}]`;
  if (data.constructor !== allocate(dtype, 0).constructor) return `it is ${dtype}, held by a ${data.constructor.name}`;
  if (data.length !== sizeOf(shape)) return `it has ${data.length} elements, its shape [${shape}] has ${sizeOf(shape)}`;
  return undefined;
}

function firstNonFinite({ dtype, data }: Tensor): number {
  // The exponent's bits all set: IEEE 754 half precision.
  if (dtype === "float16") return (data as Uint16Array).findIndex((bits) => (bits & 0x7c00) === 0x7c00);
  if (data instanceof Float32Array || data instanceof Float64Array) {
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  }
  return -1;
}
