import assert from "node:assert/strict";
import { placeQdq } from "./place_qdq.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, ints, opsOf } from "../_test_support.ts";

const [Q, DQ] = ["QuantizeLinear", "DequantizeLinear"];
const POOL = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };

/** Operators that only move values, on [2, 3, 4, 4]. */
const MOVEMENTS: Readonly<Record<string, (b: GraphBuilder, x: Value) => Value>> = {
  MaxPool: (b, x) => b.node("MaxPool", [x], POOL),
  Reshape: (b, x) => b.node("Reshape", [x, ints(b, [2, 48])]),
  Flatten: (b, x) => b.node("Flatten", [x], { axis: 1 }),
  Transpose: (b, x) => b.node("Transpose", [x], { perm: [0, 2, 3, 1] }),
  Unsqueeze: (b, x) => b.node("Unsqueeze", [x, ints(b, [1])]),
  Slice: (b, x) => b.node("Slice", [x, ints(b, [1]), ints(b, [3]), ints(b, [2])]),
  Gather: (b, x) => b.node("Gather", [x, ints(b, [2, 0])], { axis: 1 }),
  Expand: (b, x) => b.node("Expand", [x, ints(b, [2, 2, 3, 4, 4])]),
  Tile: (b, x) => b.node("Tile", [x, ints(b, [1, 1, 2, 2])]),
  DepthToSpace: (b, x) => b.node("DepthToSpace", [b.node("Tile", [x, ints(b, [1, 4, 1, 1])])], { blocksize: 2 }),
  SpaceToDepth: (b, x) => b.node("SpaceToDepth", [x], { blocksize: 2 }),
  ReduceMax: (b, x) => b.node("ReduceMax", [x], { axes: [2, 3], keepdims: 0 }),
  ReduceMin: (b, x) => b.node("ReduceMin", [x], { axes: [2, 3], keepdims: 1 }),
  Resize: (b, x) =>
    b.node("Resize", [x, null, null, ints(b, [2, 3, 8, 8])], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    }),
};

const GRID = { scale: 0.37, zeroPoint: 100 };

for (const [name, move] of Object.entries(MOVEMENTS)) {
  Deno.test(`placeQdq() repeats a pair after ${name}, and changes no number`, () => {
    const graph = graphOf([2, 3, 4, 4], (b, x) => b.node("Neg", [move(b, fakeQuantized(b, x, GRID))]));
    const after = applied(placeQdq, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after).slice(-4), [name, Q, DQ, "Neg"]);
  });

  Deno.test(`placeQdq() repeats a pair before ${name} whose result is quantized, and changes no number`, () => {
    const graph = graphOf([2, 3, 4, 4], (b, x) => fakeQuantized(b, move(b, b.node("Neg", [x])), GRID));
    const after = applied(placeQdq, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after).slice(0, 3), ["Neg", Q, DQ]);
    assert.deepEqual(opsOf(after).slice(-3), [name, Q, DQ]);
  });
}

Deno.test("placeQdq() gives every part of what is split its pair, where anything but a quantizer reads it", () => {
  const graph = graphOf([2, 3, 4, 4], (b, x) => {
    const [first, second, third] = b.nodes("Split", [fakeQuantized(b, x, GRID)], { axis: 1 }, 3);
    return [b.node("Neg", [first]), fakeQuantized(b, second, GRID), third];
  });
  const after = applied(placeQdq, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), [Q, DQ, "Split", Q, DQ, Q, DQ, "Neg", Q, DQ]);
});

Deno.test("placeQdq() leaves the places of maxima, and what comes before a split, alone", () => {
  const graph = graphOf([2, 3, 4, 4], (b, x) => {
    const [max, places] = b.nodes("MaxPool", [fakeQuantized(b, x, GRID)], POOL, 2);
    const [first, second] = b.nodes("Split", [b.node("Neg", [max]), ints(b, [1, 1])], { axis: 2 }, 2);
    return [fakeQuantized(b, first, GRID), fakeQuantized(b, second, { scale: 1 }), places];
  });
  const after = applied(placeQdq, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), [Q, DQ, "MaxPool", Q, DQ, "Neg", "Split", Q, DQ, Q, DQ]);
});

Deno.test("placeQdq() gives every link of a chain its pair", () => {
  const graph = graphOf([2, 3, 4, 4], (b, x) => {
    const pooled = b.node("MaxPool", [fakeQuantized(b, x, GRID)], POOL);
    return b.node("Reshape", [b.node("Transpose", [pooled], { perm: [0, 2, 3, 1] }), ints(b, [2, 12])]);
  });
  const after = applied(placeQdq, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), [Q, DQ, "MaxPool", Q, DQ, "Transpose", Q, DQ, "Reshape", Q, DQ]);
});

Deno.test("placeQdq() goes up a chain to what computes", () => {
  const graph = graphOf([2, 3, 4, 4], (b, x) => {
    const pooled = b.node("MaxPool", [b.node("Sigmoid", [x])], POOL);
    return fakeQuantized(b, b.node("Reshape", [pooled, ints(b, [2, 12])]), { scale: 1 / 256 });
  });
  const after = applied(placeQdq, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), ["Sigmoid", Q, DQ, "MaxPool", Q, DQ, "Reshape", Q, DQ]);
});

Deno.test("placeQdq() does not quantize what something else reads in float, or the caller", () => {
  const read = graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("Neg", [x]);
    return [fakeQuantized(b, b.node("MaxPool", [y], POOL), GRID), b.node("Relu", [y])];
  });
  const returned = graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("Neg", [x]);
    return [fakeQuantized(b, b.node("MaxPool", [y], POOL), GRID), y];
  });
  const pooledReturned = graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("MaxPool", [b.node("Neg", [x])], POOL);
    return [fakeQuantized(b, y, GRID), y];
  });
  for (const graph of [read, returned, pooledReturned]) {
    const after = applied(placeQdq, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after), opsOf(graph));
  }
});

Deno.test("placeQdq() leaves a movement between two grids alone where the second is wider", () => {
  const graph = graphOf([2, 3, 4, 4], (b, x) => {
    return fakeQuantized(b, b.node("MaxPool", [fakeQuantized(b, x, GRID)], POOL), { scale: 0.5 });
  });
  const after = applied(placeQdq, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), opsOf(graph));
});

Deno.test("placeQdq() leaves the graph's input, weights and what interpolates alone", () => {
  const graphs = [
    graphOf([2, 3, 4, 4], (b, x) => fakeQuantized(b, b.node("MaxPool", [x], POOL), GRID)),
    graphOf([2, 3, 4, 4], (b, x) => {
      const parameters = [b.constant("float32", [], [0.5]), b.constant("int8", [], [0])];
      const weights = b.node("DequantizeLinear", [b.constant("int8", [4, 4], Array(16).fill(3)), ...parameters]);
      return b.node("MatMul", [x, b.node("Transpose", [weights], { perm: [1, 0] })]);
    }),
    graphOf([2, 3, 4, 4], (b, x) => {
      const attrs = { mode: "linear", coordinate_transformation_mode: "asymmetric" };
      return b.node("Resize", [fakeQuantized(b, x, GRID), null, null, ints(b, [2, 3, 8, 8])], attrs);
    }),
  ];
  for (const graph of graphs) {
    assertSameNumbers(graph, applied(placeQdq, graph), { real: true });
    assert.deepEqual(opsOf(applied(placeQdq, graph)), opsOf(graph));
  }
});

Deno.test("placeQdq() leaves grids with a scale a channel alone: a movement may move the channels", () => {
  const graphs = ["after", "before"].map((where) =>
    graphOf([2, 3, 4, 5], (b, x) => {
      const grid = [b.constant("float32", [2], [0.2, 0.5]), b.constant("uint8", [2], [128, 100])];
      const turned = (y: Value) => b.node("Transpose", [y], { perm: [3, 2, 1, 0] });
      const pair = (y: Value, axis: number) => {
        return b.node("DequantizeLinear", [b.node("QuantizeLinear", [y, ...grid], { axis }), ...grid], { axis });
      };
      return where === "after" ? b.node("Neg", [turned(pair(x, 0))]) : pair(turned(b.node("Neg", [x])), 3);
    })
  );
  for (const graph of graphs) {
    assertSameNumbers(graph, applied(placeQdq, graph), { real: true });
    assert.deepEqual(opsOf(applied(placeQdq, graph)), opsOf(graph));
  }
});

Deno.test("placeQdq() pads codes by the zero point, and goes on behind", () => {
  const amounts = [0, 0, 1, 0, 0, 0, 2, 1];
  for (const value of [[], [0]]) {
    const graph = graphOf([2, 3, 4, 4], (b, x) => {
      const zero = value.map((v) => b.constant("float32", [], [v]));
      const padded = b.node("Pad", [fakeQuantized(b, x, GRID), ints(b, amounts), ...zero]);
      return b.node("Neg", [b.node("MaxPool", [padded], POOL)]);
    });
    const after = applied(placeQdq, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after), [Q, DQ, Q, "Pad", DQ, "MaxPool", Q, DQ, "Neg"]);
  }
});

Deno.test("placeQdq() pads codes by what is there", () => {
  for (const mode of ["reflect", "edge"]) {
    const graph = graphOf([2, 3, 4, 4], (b, x) => {
      const padded = b.node("Pad", [fakeQuantized(b, x, GRID), ints(b, [0, 0, 1, 0, 0, 0, 2, 1])], { mode });
      return b.node("Neg", [padded]);
    });
    const after = applied(placeQdq, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after), [Q, DQ, Q, "Pad", DQ, "Neg"]);
  }
});

Deno.test("placeQdq() keeps a Pad of other values, and of values on no grid", () => {
  const pad = (b: GraphBuilder, x: Value, { value = 0 } = {}) =>
    b.node("Pad", [x, ints(b, [0, 0, 1, 1, 0, 0, 1, 1]), b.constant("float32", [], [value])]);
  const graphs = [
    graphOf([2, 3, 4, 4], (b, x) => pad(b, fakeQuantized(b, x, GRID), { value: 1 })),
    graphOf([2, 3, 4, 4], (b, x) => pad(b, b.node("Neg", [x]))),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(placeQdq, graph)), opsOf(graph));
});

Deno.test("placeQdq() says of what moves codes to another grid that the grids differ, and only of that", () => {
  const declinedFor = (grid: typeof GRID) => {
    const graph = graphOf(
      [2, 3, 4, 4],
      (b, x) => fakeQuantized(b, b.node("MaxPool", [fakeQuantized(b, x, GRID)], POOL), grid),
    );
    return placeQdq.run(graph).declined.map(({ op, because }) => `${op}: ${because}`);
  };
  const differ = ["MaxPool: the grids before and behind it differ, needed is one"];
  assert.deepEqual(declinedFor({ ...GRID }), []);
  assert.deepEqual(declinedFor({ ...GRID, scale: 0.5 }), differ);
  assert.deepEqual(declinedFor({ ...GRID, zeroPoint: 99 }), differ);
});
