import assert from "node:assert/strict";
import fc from "fast-check";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, opsOf } from "../_test_support.ts";
import { dropRedundant } from "./drop_redundant.ts";

const GRID = { scale: 0.25, zeroPoint: 8 };

function clip(b: GraphBuilder, x: Value, bounds: readonly (number | null)[]): Value {
  return b.node("Clip", [x, ...bounds.map((bound) => bound === null ? null : b.constant("float32", [], [bound]))]);
}

Deno.test("dropRedundant() removes identities, and keeps the names of outputs", () => {
  const graph = graphOf([2, 3], (b, x) => {
    const y = b.node("Identity", [b.node("Identity", [b.node("Neg", [x])])]);
    return [b.node("Relu", [y]), y];
  });
  const after = applied(dropRedundant, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Neg", "Identity", "Relu"]);
});

Deno.test("dropRedundant() makes equal pairs in a row one", () => {
  const graph = graphOf([2, 30], (b, x) => {
    let y = x;
    for (let i = 0; i < 3; i++) y = fakeQuantized(b, y, GRID);
    return b.node("Neg", [y]);
  });
  const after = applied(dropRedundant, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), ["QuantizeLinear", "DequantizeLinear", "Neg"]);
});

const OTHER_GRIDS = {
  "another scale": { ...GRID, scale: 0.5 },
  "another zero point": { ...GRID, zeroPoint: 9 },
  "another element type": { ...GRID, dtype: "int8" },
} as const;

for (const [name, grid] of Object.entries(OTHER_GRIDS)) {
  Deno.test(`dropRedundant() keeps a second pair of ${name}`, () => {
    const graph = graphOf([2, 30], (b, x) => fakeQuantized(b, fakeQuantized(b, x, GRID), grid));
    assertSameNumbers(graph, applied(dropRedundant, graph), { real: true });
    assert.deepEqual(opsOf(applied(dropRedundant, graph)), opsOf(graph));
  });
}

Deno.test("dropRedundant() keeps a second pair along another axis, and with computed parameters", () => {
  const along = graphOf([3, 3], (b, x) => {
    const grid = [b.constant("float32", [3], [0.1, 0.2, 0.7]), b.constant("uint8", [3], [128, 128, 128])];
    const pair = (y: Value, axis: number) => {
      return b.node("DequantizeLinear", [b.node("QuantizeLinear", [y, ...grid], { axis }), ...grid], { axis });
    };
    return pair(pair(x, 0), 1);
  });
  const computed = graphOf([3, 3], (b, x) => {
    const zero = b.constant("uint8", [], [128]);
    const pair = (y: Value) => {
      const scale = b.node("ReduceMax", [b.node("Abs", [y])], { keepdims: 0 });
      return b.node("DequantizeLinear", [b.node("QuantizeLinear", [y, scale, zero]), scale, zero]);
    };
    return pair(pair(x));
  });
  for (const graph of [along, computed]) {
    assertSameNumbers(graph, applied(dropRedundant, graph), { real: true });
    assert.deepEqual(opsOf(applied(dropRedundant, graph)), opsOf(graph));
  }
});

Deno.test("dropRedundant() removes a Clip that saturation does anyway", () => {
  // ReLU6 on a grid of [0, 6].
  const graph = graphOf([2, 300], (b, x) => {
    const y = b.node("Mul", [x, b.constant("float32", [], [3])]);
    return fakeQuantized(b, clip(b, y, [0, 6]), { scale: 6 / 255 });
  });
  const after = applied(dropRedundant, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Mul", "QuantizeLinear", "DequantizeLinear"]);
});

Deno.test("dropRedundant() removes a Clip whose bounds round to the grid's ends", () => {
  const graph = graphOf(
    [2, 300],
    (b, x) => fakeQuantized(b, clip(b, x, [-9.5, 254.75 - 10]), { scale: 1, zeroPoint: 10 }),
  );
  assertSameNumbers(graph, applied(dropRedundant, graph));
  assert.deepEqual(opsOf(applied(dropRedundant, graph)), ["QuantizeLinear", "DequantizeLinear"]);
});

Deno.test("dropRedundant() removes a Clip that saturation of int8 does anyway, and keeps one that it does not", () => {
  for (const [high, zeroPoint, ops] of [[6, -128, 2], [6, 0, 3], [5.9, -128, 3]] as const) {
    const graph = graphOf([2, 300], (b, x) => {
      const y = b.node("Mul", [x, b.constant("float32", [], [3])]);
      return fakeQuantized(b, clip(b, y, [0, high]), { scale: 6 / 255, zeroPoint, dtype: "int8" });
    });
    const after = applied(dropRedundant, graph);
    assertSameNumbers(graph, after);
    assert.equal(opsOf(after).length, ops + 1, `up to ${high}, zero point ${zeroPoint}`);
  }
});

Deno.test("dropRedundant() keeps a Clip that cuts codes off, at either end", () => {
  for (const bounds of [[0, 6], [-1, 3], [null, 2], [-0.5, null]]) {
    const graph = graphOf([2, 300], (b, x) => fakeQuantized(b, clip(b, x, bounds), { scale: 0.1, zeroPoint: 100 }));
    assertSameNumbers(graph, applied(dropRedundant, graph));
    assert.deepEqual(opsOf(applied(dropRedundant, graph)), ["Clip", "QuantizeLinear", "DequantizeLinear"]);
  }
});

Deno.test("dropRedundant() keeps a Clip that something else reads, or the caller", () => {
  const graph = graphOf([2, 30], (b, x) => {
    const y = clip(b, x, [0, 6]);
    return [fakeQuantized(b, y, { scale: 6 / 255 }), b.node("Neg", [y])];
  });
  const returned = graphOf([2, 30], (b, x) => {
    const y = clip(b, x, [0, 6]);
    return [fakeQuantized(b, y, { scale: 6 / 255 }), y];
  });
  assertSameNumbers(graph, applied(dropRedundant, graph));
  assert.equal(opsOf(applied(dropRedundant, graph))[0], "Clip");
  assertSameNumbers(returned, applied(dropRedundant, returned));
});

Deno.test("dropRedundant() changes no number of any Clip before any grid, ties included", () => {
  const halves = fc.integer({ min: -600, max: 600 }).map((n) => n / 2);
  const bound = fc.option(halves);
  let dropped = 0;
  fc.assert(
    fc.property(bound, bound, fc.integer({ min: 0, max: 255 }), fc.boolean(), (low, high, zeroPoint, near) => {
      // Near: bounds within two steps of the grid's ends, where it is close.
      const ends = [
        near && low !== null ? low % 4 / 2 - zeroPoint : low,
        near && high !== null ? 255 - zeroPoint + high % 4 / 2 : high,
      ];
      fc.pre(ends[0] === null || ends[1] === null || ends[0] <= ends[1]);
      const graph = graphOf([1025], (b, x) => fakeQuantized(b, clip(b, x, ends), { scale: 1, zeroPoint }));
      const after = applied(dropRedundant, graph);
      if (opsOf(after)[0] !== "Clip") dropped++;
      assertSameNumbers(graph, after, { feeds: { x: Float32Array.from({ length: 1025 }, (_, i) => i - 512) } });
    }),
    { seed: 1, numRuns: 300 },
  );
  assert.ok(dropped > 30, `${dropped} Clips were dropped`);
});

/** Turns axis 1 of x round, down to the element before \`end\`. */
function mirrored(b: GraphBuilder, x: Value, { end = -x.shape[1] - 1, axis = 1, step = -1 } = {}): Value {
  const bounds = [-1, end, axis, step].map((value) => b.constant("int64", [1], [value]));
  return b.node("Slice", [x, ...bounds]);
}

Deno.test("dropRedundant() turns nothing round that is turned back", () => {
  const graph = graphOf([2, 3, 4], (b, x) => b.node("Neg", [mirrored(b, mirrored(b, mirrored(b, x)))]));
  const after = applied(dropRedundant, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Slice", "Neg"]);
});

Deno.test("dropRedundant() leaves slices that are no mirrors of each other", () => {
  const graphs = [
    graphOf([2, 3, 4], (b, x) => b.node("Neg", [mirrored(b, mirrored(b, x, { axis: 2, end: -5 }))])),
    graphOf([2, 3, 4], (b, x) => b.node("Neg", [mirrored(b, mirrored(b, x, { end: -3 }), { end: -3 })])),
    graphOf([2, 3, 4], (b, x) => b.node("Neg", [mirrored(b, mirrored(b, x), { step: -2 })])),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(dropRedundant, graph)), opsOf(graph));
});

Deno.test("dropRedundant() removes transposes that bring axes back, and no others", () => {
  const twice = (first: readonly number[], second: readonly number[]) =>
    graphOf([2, 3, 4], (b, x) => {
      const turned = b.node("Transpose", [x], { perm: first });
      return b.node("Neg", [b.node("Transpose", [turned], { perm: second })]);
    });
  for (const [first, second] of [[[1, 0, 2], [1, 0, 2]], [[1, 2, 0], [2, 0, 1]]]) {
    const graph = twice(first, second);
    const after = applied(dropRedundant, graph);
    assertSameNumbers(graph, after);
    assert.deepEqual(opsOf(after), ["Neg"]);
  }
  const other = twice([1, 2, 0], [1, 2, 0]);
  assert.deepEqual(opsOf(applied(dropRedundant, other)), opsOf(other));
});
