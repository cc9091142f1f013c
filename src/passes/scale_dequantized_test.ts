import assert from "node:assert/strict";
import { applied, assertSameNumbers, fakeQuantized, graphOf, opsOf, quantizedWeights } from "./_test_support.ts";
import { scaleDequantized } from "./scale_dequantized.ts";

for (const swapped of [false, true]) {
  Deno.test(`scaleDequantized() takes a factor into the scale, the constant ${swapped ? "first" : "last"}`, () => {
    const graph = graphOf([3, 8], (b, x) => {
      const [y, c] = [fakeQuantized(b, x, { scale: 0.5, zeroPoint: 9 }), b.constant("float32", [], [0.25])];
      return b.node("Transpose", [b.node("Mul", swapped ? [c, y] : [y, c])], { perm: [1, 0] });
    });
    const after = applied(scaleDequantized, graph);
    assert.deepEqual(opsOf(after), ["QuantizeLinear", "Mul", "DequantizeLinear", "Transpose"]);
    // Powers of 2: exactly the same numbers.
    assertSameNumbers(graph, after);
    const mul = after.nodes.find(({ op }) => op === "Mul");
    assert.ok(mul!.inputs.every((name) => after.initializers.has(name)), "of constants alone");
  });
}

Deno.test("scaleDequantized() leaves what else reads the codes its own scale", () => {
  const graph = graphOf([3, 8], (b, x) => {
    const y = fakeQuantized(b, x, { scale: 0.5, zeroPoint: 9 });
    return [b.node("Neg", [y]), b.node("Neg", [b.node("Mul", [y, b.constant("float32", [], [0.5])])])];
  });
  const after = applied(scaleDequantized, graph);
  assert.equal(opsOf(after).filter((op) => op === "DequantizeLinear").length, 2);
  assertSameNumbers(graph, after);
});

Deno.test("scaleDequantized() leaves factors that are no positive number, other values and weights alone", () => {
  const graphs = [
    ...[-1, 0, NaN, Infinity].map((factor) =>
      graphOf(
        [3, 8],
        (b, x) => b.node("Mul", [fakeQuantized(b, x, { scale: 0.5 }), b.constant("float32", [], [factor])]),
      )
    ),
    graphOf(
      [3, 8],
      (b, x) => b.node("Mul", [fakeQuantized(b, x, { scale: 0.5 }), b.constant("float32", [1, 1, 1], [2])]),
    ),
    graphOf([3, 8], (b, x) => b.node("Mul", [x, b.constant("float32", [], [2])])),
    graphOf([3, 8], (b, x) => {
      const weights = b.node("Mul", [quantizedWeights(b, [8, 4], { axis: 1 }), b.constant("float32", [], [2])]);
      return b.node("MatMul", [x, weights]);
    }),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(scaleDequantized, graph)), opsOf(graph));
});
