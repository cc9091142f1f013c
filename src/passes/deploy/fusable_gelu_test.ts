import assert from "node:assert/strict";
import { decodeModel, encodeModel } from "../../onnx/file/mod.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { Session } from "../../runtime/session.ts";
import { applied, assertSameNumbers, graphOf, opsOf } from "../_test_support.ts";
import { fusableGelu } from "./fusable_gelu.ts";

/** GELU as TF.js computes it, with its constants on either side. */
function gelu(b: GraphBuilder, x: Value, { swapped = false, divisor = Math.SQRT2 } = {}): Value {
  const number = (value: number) => b.constant("float32", [], Float32Array.of(value));
  const both = (op: string, y: Value, z: Value) => b.node(op, swapped ? [z, y] : [y, z]);
  const sum = both("Add", number(1), b.node("Erf", [b.node("Div", [x, number(divisor)])]));
  return both("Mul", x, both("Mul", number(0.5), sum));
}

for (const swapped of [false, true]) {
  Deno.test(`fusableGelu() gives the same numbers, in an order that ONNX Runtime fuses${swapped ? ", swapped" : ""}`, () => {
    const graph = graphOf([3, 7], (b, x) => b.node("Neg", [gelu(b, b.node("Abs", [x]), { swapped })]));
    const after = applied(fusableGelu, graph);
    assertSameNumbers(graph, after, { real: true });
    const path = Deno.makeTempFileSync({ suffix: ".onnx" });
    try {
      new Session(encodeModel(after), { optimizedModelPath: path }).dispose();
      const ops = decodeModel(Deno.readFileSync(path)).graph.nodes.map(({ op }) => op);
      assert.ok(ops.includes("Gelu") && !ops.includes("Erf"), ops.join());
    } finally {
      Deno.removeSync(path);
    }
  });
}

Deno.test("fusableGelu() leaves other divisors, other factors and what else is read alone", () => {
  const graphs = [
    graphOf([3, 7], (b, x) => gelu(b, x, { divisor: 2 })),
    graphOf([3, 7], (b, x) => b.node("Mul", [x, b.node("Erf", [x])])),
    graphOf([3, 7], (b, x) => {
      const y = b.node("Neg", [x]);
      const sum = b.node("Add", [b.constant("float32", [], [1]), b.node("Erf", [x])]);
      return b.node("Mul", [y, b.node("Mul", [b.constant("float32", [], [0.5]), sum])]);
    }),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(fusableGelu, graph)), opsOf(graph));
});
