/** Whether this CPU's int8 kernels lose large sums. */
import { codeRangeOf } from "../src/numbers/codes.ts";
import { INT8_SYMMETRIC } from "../src/numbers/scheme.ts";
import type { Graph } from "../src/onnx/graph.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { Session } from "../src/runtime/session.ts";

/** Products that are added up. */
const LENGTH = 64;

/** The largest codes of uint8 and of symmetric int8. */
const [ACTIVATION, WEIGHT] = [codeRangeOf("uint8").qmax, INT8_SYMMETRIC.qmax];

let known: boolean | undefined;

/**
 * Returns whether ONNX Runtime's products of uint8 activations and int8 weights saturate on this CPU.
 *
 * x86 CPUs without VNNI multiply by `vpmaddubsw`, which adds two products in 16 bits: 2·255·127 becomes 32,767. Found by
 * multiplying the largest codes, once a process.
 */
export function saturates(): boolean {
  known ??= multiplyLargest() !== LARGEST_SUM;
  return known;
}

/** What the largest codes, multiplied and added up, come to. */
export const LARGEST_SUM: number = LENGTH * ACTIVATION * WEIGHT;

/** Multiplies and adds up the largest codes as ONNX Runtime does on this CPU. */
export function multiplyLargest({ precise = false }: { readonly precise?: boolean } = {}): number {
  const [x, w] = [[1, LENGTH], [LENGTH, 1]];
  const graph: Graph = {
    name: "probe",
    inputs: ["x"],
    outputs: ["y"],
    initializers: new Map([["w", { dtype: "int8", shape: w, data: new Int8Array(LENGTH).fill(WEIGHT) }]]),
    nodes: [{ op: "MatMulInteger", name: "n", inputs: ["x", "w"], outputs: ["y"], attrs: {} }],
    types: new Map([["x", { dtype: "uint8", shape: x }], ["y", { dtype: "int32", shape: [1, 1] }]]),
  };
  const session = new Session(encodeModel(graph), { threads: 1, precise });
  try {
    const { y } = session.run({ x: { dtype: "uint8", shape: x, data: new Uint8Array(LENGTH).fill(ACTIVATION) } });
    return (y.data as Int32Array)[0];
  } finally {
    session.dispose();
  }
}
