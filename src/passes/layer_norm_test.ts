import assert from "node:assert/strict";
import { Random } from "../numbers/random.ts";
import type { GraphBuilder, Value } from "../onnx/writer.ts";
import { recognizeLayerNorm } from "./layer_norm.ts";
import { applied, assertSameNumbers, graphOf, ints, opsOf, realConstant } from "./_test_support.ts";

interface Shape {
  readonly shape: readonly number[];
  /** The first of the axes that are normalized. */
  readonly axis: number;
  readonly hasGamma?: boolean;
  readonly hasBeta?: boolean;
  /** How TF.js spells it: everything spread over x, which has a 1 before. */
  readonly isSpread?: boolean;
}

/** Layer normalization in operators. */
function norm(b: GraphBuilder, x: Value, { shape, axis, hasGamma, hasBeta, isSpread }: Shape): Value {
  const axes = shape.map((_, i) => i).slice(axis);
  const mean = b.node("ReduceMean", [x], { axes, keepdims: 1 });
  const difference = b.node("Sub", [x, mean]);
  const variance = b.node("ReduceMean", [b.node("Mul", [difference, difference])], { axes, keepdims: 1 });
  const spread = (value: Value) => isSpread ? b.node("Expand", [value, ints(b, shape)]) : value;
  const weight = (seed: number) => {
    const vector = realConstant(b, shape.slice(axis), seed);
    const ones = [...shape.slice(0, axis).map(() => 1), ...shape.slice(axis)];
    return isSpread ? spread(b.node("Reshape", [vector, ints(b, ones)])) : vector;
  };
  const whole = isSpread ? b.node("Reshape", [x, ints(b, [1, ...shape])]) : x;
  const deviation = b.node("Sqrt", [b.node("Add", [spread(variance), b.constant("float32", [], [1e-3])])]);
  let y = b.node("Div", [b.node("Sub", [whole, spread(mean)]), deviation]);
  if (hasGamma) y = b.node("Mul", [y, weight(3)]);
  if (hasBeta) y = b.node("Add", [weight(4), y]);
  return isSpread ? b.node("Reshape", [y, ints(b, shape)]) : y;
}

Deno.test("recognizeLayerNorm() writes every form of it as one operator", () => {
  for (const shape of [[5], [3, 8], [2, 3, 8], [1, 4, 6], [2, 3, 4, 5]]) {
    for (let axis = Math.max(0, shape.length - 2); axis < shape.length; axis++) {
      for (let form = 0; form < 8; form++) {
        const options = { shape, axis, hasGamma: !(form & 1), hasBeta: !(form & 2), isSpread: !(form & 4) };
        const graph = graphOf(shape, (b, x) => b.node("Neg", [norm(b, x, options)]));
        const after = applied(recognizeLayerNorm(), graph);
        const what = JSON.stringify(options);
        assert.deepEqual(opsOf(after).filter((op) => op !== "Reshape"), ["LayerNormalization", "Neg"], what);
        // ONNX Runtime's kernel sums in another order.
        assertSameNumbers(graph, after, { tolerance: 1e-5, real: true });
      }
    }
  }
});

Deno.test("recognizeLayerNorm() finds one behind the other", () => {
  const options = { shape: [2, 3, 8], axis: 2, hasGamma: true, hasBeta: true, isSpread: true };
  const graph = graphOf([2, 3, 8], (b, x) => {
    const first = norm(b, x, options);
    return norm(b, b.node("Add", [first, x]), options);
  });
  const after = applied(recognizeLayerNorm(), graph);
  assert.equal(opsOf(after).filter((op) => op === "LayerNormalization").length, 2);
  assertSameNumbers(graph, after, { tolerance: 1e-5, real: true });
});

Deno.test("recognizeLayerNorm() writes it in steps, and spreads nothing, for opsets without the operator", () => {
  for (let form = 0; form < 4; form++) {
    const options = { shape: [2, 3, 8], axis: 2, hasGamma: !(form & 1), hasBeta: !(form & 2), isSpread: true };
    const graph = graphOf([2, 3, 8], (b, x) => b.node("Neg", [norm(b, x, options)]));
    const after = applied(recognizeLayerNorm(16), graph);
    const steps = ["ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div"];
    const factors = [...(options.hasGamma ? ["Mul"] : []), ...(options.hasBeta ? ["Add"] : [])];
    assert.deepEqual(opsOf(after).filter((op) => op !== "Reshape"), [...steps, ...factors, "Neg"]);
    // The same operators on the same numbers.
    assertSameNumbers(graph, after, { real: true });
  }
});

Deno.test("recognizeLayerNorm() leaves what is another function, and what something else reads a part of", () => {
  const random = new Random(1);
  const parts = (b: GraphBuilder, x: Value, { axes = [1], meanOf = x, squareOf }: {
    readonly axes?: readonly number[];
    readonly meanOf?: Value;
    readonly squareOf?: Value;
  } = {}) => {
    const mean = b.node("ReduceMean", [meanOf], { axes, keepdims: 1 });
    const difference = b.node("Sub", [x, mean]);
    const square = squareOf ?? b.node("Mul", [difference, difference]);
    const variance = b.node("ReduceMean", [square], { axes, keepdims: 1 });
    const deviation = b.node("Sqrt", [b.node("Add", [variance, b.constant("float32", [], [random.unit()])])]);
    return { difference, deviation, y: b.node("Div", [b.node("Sub", [x, mean]), deviation]) };
  };
  const graphs = [
    graphOf([8, 8], (b, x) => parts(b, x, { axes: [0] }).y),
    graphOf([8, 8], (b, x) => parts(b, x, { meanOf: b.node("Neg", [x]) }).y),
    graphOf([8, 8], (b, x) => parts(b, x, { squareOf: b.node("Mul", [x, x]) }).y),
    graphOf([8, 8], (b, x) => {
      const { deviation, y } = parts(b, x);
      return [y, deviation];
    }),
    graphOf([8, 8], (b, x) => {
      const { difference, y } = parts(b, x);
      return b.node("Add", [y, difference]);
    }),
    graphOf([8, 8], (b, x) => {
      const { difference, deviation } = parts(b, x);
      return b.node("Div", [b.node("Neg", [difference]), deviation]);
    }),
  ];
  for (const graph of graphs) {
    assert.deepEqual(opsOf(applied(recognizeLayerNorm(), graph)), opsOf(graph));
  }
});
