import assert from "node:assert/strict";
import { LEAST_SCALE } from "../../numbers/qparams.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { INT8_SYMMETRIC, type QuantScheme } from "../../numbers/scheme.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, opsOf, realConstant } from "../_test_support.ts";
import { normalizeByConv } from "./normalize_by_conv.ts";

const GRID = { scale: 0.01, zeroPoint: 128 };
const GAMMA = [-1.5, 0, 0.7];

/** BatchNormalization of three channels: one turned, one dead. */
function normalized(b: GraphBuilder, x: Value): Value {
  const variance = b.constant("float32", [3], [0.5, 1, 2]);
  const parameters = [b.constant("float32", [3], GAMMA), realConstant(b, [3], 1), realConstant(b, [3], 2), variance];
  return b.node("BatchNormalization", [x, ...parameters], { epsilon: 1e-3 });
}

Deno.test("normalizeByConv() convolves what is on a grid, whatever its rank", () => {
  for (const shape of [[2, 3, 5], [2, 3, 4, 5], [2, 3, 2, 3, 4]]) {
    const graph = graphOf(shape, (b, x) => normalized(b, fakeQuantized(b, x, GRID)));
    const after = applied(normalizeByConv(), graph);
    assertSameNumbers(graph, after, { real: true, tolerance: 1e-6 });
    assert.deepEqual(opsOf(after).slice(2), ["DequantizeLinear", "Conv"]);
    assert.equal(after.nodes.at(-1)!.attrs.group, 3);
  }
});

Deno.test("normalizeByConv() makes matrices sequences, up to their ReLU", () => {
  const graph = graphOf([4, 3], (b, x) => b.node("Relu", [normalized(b, fakeQuantized(b, x, GRID))]));
  const after = applied(normalizeByConv(), graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-6 });
  assert.deepEqual(opsOf(after).slice(2), ["DequantizeLinear", "Reshape", "Conv", "Relu", "Reshape"]);
  const bare = graphOf([4, 3], (b, x) => b.node("Neg", [normalized(b, fakeQuantized(b, x, GRID))]));
  assertSameNumbers(bare, applied(normalizeByConv(), bare), { real: true, tolerance: 1e-6 });
});

Deno.test("normalizeByConv() looks through what only moves values", () => {
  const graph = graphOf(
    [2, 4, 5, 3],
    (b, x) => normalized(b, b.node("Transpose", [fakeQuantized(b, x, GRID)], { perm: [0, 3, 1, 2] })),
  );
  const after = applied(normalizeByConv(), graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-6 });
  assert.equal(opsOf(after).at(-1), "Conv");
});

Deno.test("normalizeByConv() writes weights that stand for the factors", () => {
  const graph = graphOf([2, 3, 5], (b, x) => normalized(b, fakeQuantized(b, x, GRID)));
  const { initializers, nodes } = applied(normalizeByConv(), graph);
  const [codes, scale] = nodes[2].inputs.map((name) => initializers.get(name)!.data);
  assert.deepEqual(Array.from(codes as Int8Array), [-127, 0, 127]);
  [1.5 / Math.sqrt(0.501), 127 * LEAST_SCALE, 0.7 / Math.sqrt(2.001)].forEach((k, c) =>
    assert.ok(Math.abs(Number(scale[c]) * 127 / k - 1) < 1e-6)
  );
});

Deno.test("normalizeByConv() writes the codes of the scheme that it is given", () => {
  const graph = graphOf([2, 3, 5], (b, x) => normalized(b, fakeQuantized(b, x, GRID)));
  const within = (qmin: number, qmax: number): QuantScheme => ({ ...INT8_SYMMETRIC, qmin, qmax });
  for (
    const [scheme, expected] of [
      [within(-64, 64), Int8Array.of(-64, 0, 64)],
      [{ ...within(1, 255), dtype: "uint8" }, Uint8Array.of(1, 128, 255)],
    ] as const
  ) {
    const after = applied(normalizeByConv({ scheme }), graph);
    assertSameNumbers(graph, after, { real: true, tolerance: 1e-6 });
    assert.deepEqual(after.initializers.get(after.nodes[2].inputs[0])!.data, expected);
  }
});

Deno.test("normalizeByConv() leaves layers in float that are to stay there", () => {
  const graph = graphOf([2, 3, 5], (b, x) => {
    const source = fakeQuantized(b, x, GRID);
    b.layer = "bn";
    return normalized(b, source);
  });
  assert.equal(opsOf(applied(normalizeByConv({ except: new Set(["bn"]) }), graph)).at(-1), "BatchNormalization");
  assert.equal(opsOf(applied(normalizeByConv({ except: new Set(["other"]) }), graph)).at(-1), "Conv");
});

Deno.test("normalizeByConv() keeps normalizations of values on no grid, or by parameters that are computed", () => {
  const graphs = [
    graphOf([2, 3, 5], normalized),
    graphOf([2, 3, 5], (b, x) => normalized(b, b.node("Elu", [fakeQuantized(b, x, GRID)]))),
    graphOf([2, 3, 5], (b, x) => {
      const mean = b.node("ReduceMean", [x], { axes: [0, 2], keepdims: 0 });
      const ones = b.constant("float32", [3], [1, 1, 1]);
      return b.node("BatchNormalization", [fakeQuantized(b, x, GRID), ones, ones, mean, ones], { epsilon: 1e-3 });
    }),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(normalizeByConv(), graph)), opsOf(graph));
});
