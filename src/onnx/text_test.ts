import assert from "node:assert/strict";
import type { Graph } from "./graph.ts";
import { printGraph } from "./text.ts";

Deno.test("printGraph() lists types, first elements, attributes, left-out inputs and outputs, domains", () => {
  const graph: Graph = {
    name: 'a "net"',
    inputs: ["x"],
    outputs: ["y", "z"],
    initializers: new Map([
      ["w", { dtype: "float32", shape: [2, 5], data: Float32Array.from({ length: 10 }, (_, i) => i / 10) }],
      ["axes", { dtype: "int64", shape: [2], data: BigInt64Array.of(-1n, 2n) }],
      ["zero", { dtype: "float32", shape: [], data: Float32Array.of(-0) }],
    ]),
    nodes: [
      {
        op: "FusedMatMul",
        domain: "com.microsoft",
        name: "n0",
        inputs: ["x", "", "w"],
        outputs: ["y", "", "z"],
        attrs: {
          alpha: 0.5,
          mode: "a b",
          pads: [1, 2],
          words: ["p"],
          value: { dtype: "int8", shape: [1], data: Int8Array.of(-3) },
        },
        layer: "dense_1",
      },
    ],
    types: new Map([["x", { dtype: "float32", shape: ["batch", 2] }], ["y", { dtype: "bool", shape: [] }]]),
  };
  assert.equal(
    printGraph(graph),
    `graph "a \\"net\\""
in  %x: float32[batch,2]
    %w: float32[2,5] = 0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 …
    %axes: int64[2] = -1 2
    %zero: float32[] = -0
    %y: bool[], -, %z: ? = com.microsoft.FusedMatMul[alpha=0.5 mode="a b" pads=[1,2] words=["p"] value=int8[1]{-3}](%x, -, %w)  # n0 (dense_1)
out %y, %z
`,
  );
});
