/** Computes constant subgraphs in ONNX Runtime, so that export rounds as training did. */
import type { Graph, Tensor } from "../src/onnx/graph.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { Session } from "../src/runtime/session.ts";
import type { TypedArray } from "../src/numbers/dtype.ts";

/** Runs a graph without inputs, node by node as it stands. */
export function evaluate(graph: Graph): ReadonlyMap<string, Tensor> {
  const session = new Session(encodeModel(graph), { optimization: "disabled", keepQdq: true, threads: 1 });
  try {
    const outputs = Object.entries(session.run({}));
    return new Map(outputs.map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: data as TypedArray }]));
  } finally {
    session.dispose();
  }
}
