import assert from "node:assert/strict";
import fc from "fast-check";
import { INT8_SYMMETRIC_PER_CHANNEL } from "../../../numbers/scheme.ts";
import { runPasses } from "../../pass.ts";
import { applied, countOps, feedsFor, graphOf, opsOf, realConstant, reals, run } from "../../_test_support.ts";
import { assertNear, dense, dynamicProduct, fused, runFused, SMALL_CODES } from "./_test_support.ts";
import { dynamicProducts } from "./dynamic_products.ts";

const pass = dynamicProducts(SMALL_CODES);
const FULL = dynamicProducts(INT8_SYMMETRIC_PER_CHANNEL);

const sizes = fc.record({
  m: fc.constantFrom(1, 2, 5, 33),
  k: fc.constantFrom(1, 2, 3, 17, 64, 100),
  n: fc.constantFrom(1, 2, 7, 16, 33),
  hasBias: fc.boolean(),
  // How far all inputs are moved: ranges within, around, above and below 0.
  shift: fc.constantFrom(0, 0.3, 5, -5),
  seed: fc.integer({ min: 1, max: 1000 }),
});

Deno.test("dynamicProducts() computes what the definitions of its operators say, whatever the sizes", () => {
  fc.assert(
    fc.property(sizes, ({ m, k, n, hasBias, shift, seed }) => {
      const [matrix, bias] = [reals(k * n, seed), reals(n, seed + 1)];
      const graph = graphOf([m, k], (b, x) => {
        const w = b.constant("float32", [k, n], matrix, "w");
        const rest = hasBias ? [b.constant("float32", [n], bias, "b")] : [];
        return b.node("Gemm", [x, w, ...rest], { transA: 0, transB: 0 });
      });
      const after = applied(pass, graph);
      const x = Float32Array.from(reals(m * k, seed + 2), (v) => v + shift);
      const expected = dynamicProduct(x, Float32Array.from(matrix), {
        n,
        qmax: 63,
        ...(hasBias ? { bias: Float32Array.from(bias) } : {}),
      });
      const [{ data }] = run(after, { x });
      assert.deepEqual(data, expected);
      // The fused kernels multiply and add in one rounding where the machine can.
      assertNear(runFused(after, { x })[0], expected, 1e-6);
    }),
    { numRuns: 60, seed: 5 },
  );
});

Deno.test("dynamicProducts() answers for full codes too where ONNX Runtime's products are exact", () => {
  const matrix = reals(40 * 6, 1);
  const graph = graphOf([4, 40], (b, x) => b.node("MatMul", [x, b.constant("float32", [40, 6], matrix, "w")]));
  const x = Float32Array.from(reals(160, 2));
  const expected = dynamicProduct(x, Float32Array.from(matrix), { n: 6, qmax: 127 });
  assertNear(runFused(applied(FULL, graph), { x }, { precise: true })[0], expected, 1e-6);
});

Deno.test("dynamicProducts() writes what ONNX Runtime fuses: one kernel a product, codes shared by several", () => {
  const graph = graphOf([3, 20], (b, x) => {
    const h = b.node("Relu", [dense(b, x, 8, 1)]);
    return [dense(b, h, 4, 2), dense(b, h, 5, 3)];
  });
  const after = applied(FULL, graph);
  assert.deepEqual(countOps(after).DynamicQuantizeLinear, 2);
  assert.deepEqual(opsOf(fused(after)).toSorted(), [
    "DynamicQuantizeLinear",
    "DynamicQuantizeMatMul",
    "MatMulIntegerToFloat",
    "MatMulIntegerToFloat",
    "Relu",
  ]);
});

Deno.test("dynamicProducts() rounds weights that two layers share once, for sessions of every kind", () => {
  const matrix = reals(36, 1);
  const graph = graphOf([3, 6], (b, x) => {
    const w = b.constant("float32", [6, 6], matrix, "w");
    return b.node("MatMul", [b.node("MatMul", [x, w]), w]);
  });
  const after = applied(FULL, graph);
  assert.deepEqual([...after.initializers.keys()], ["w_codes", "w_scale", "w_zero_point"]);
  assert.equal(after.initializers.get("w_codes")?.dtype, "uint8");
  const x = Float32Array.from(reals(18, 2));
  const product = (y: Float32Array) => dynamicProduct(y, Float32Array.from(matrix), { n: 6, qmax: 127 });
  const expected = product(product(x));
  assert.deepEqual(run(after, { x })[0].data, expected);
  for (const precise of [false, true]) assertNear(runFused(after, { x }, { precise })[0], expected, 0.01);
});

Deno.test("dynamicProducts() multiplies batches and fuses them", () => {
  const matrix = reals(10 * 3, 1);
  const graph = graphOf([2, 4, 10], (b, x) => {
    const product = b.node("MatMul", [x, b.constant("float32", [10, 3], matrix, "w")]);
    return b.node("Add", [product, b.constant("float32", [3], [1, 2, 3], "b")]);
  });
  const after = applied(pass, graph);
  const x = Float32Array.from(reals(80, 3));
  const expected = dynamicProduct(x, Float32Array.from(matrix), { n: 3, bias: [1, 2, 3], qmax: 63 });
  assert.deepEqual(run(after, { x })[0].data, expected);
  assert.deepEqual(opsOf(fused(after)), ["DynamicQuantizeMatMul"]);
});

Deno.test("dynamicProducts() answers alike where all inputs are 0", () => {
  const graph = graphOf([2, 5], (b, x) => dense(b, x, 3, 1));
  const after = applied(pass, graph);
  const x = new Float32Array(10);
  assert.deepEqual(run(after, { x })[0].data, run(graph, { x })[0].data);
});

Deno.test("dynamicProducts() says what it leaves in float, and why", () => {
  const graph = graphOf([1, 2, 8, 8], (b, x) => {
    const conv = b.node("Conv", [x, realConstant(b, [3, 2, 3, 3], 1)]);
    const left = b.node("MatMul", [realConstant(b, [6, 6], 2), conv]);
    const batched = b.node("MatMul", [left, realConstant(b, [3, 6, 6], 3)]);
    const scaled = b.node("Gemm", [
      b.node("Reshape", [batched, b.constant("int64", [2], [18, 6])]),
      realConstant(b, [6, 2], 4),
    ], {
      alpha: 2,
    });
    return [scaled, b.node("MatMul", [conv, conv])];
  });
  const { graph: after, declined } = runPasses([pass], graph, { debug: true });
  assert.equal(countOps(after).MatMulInteger, undefined);
  assert.deepEqual(declined.map(({ op, because }) => [op, because]), [
    [
      "Conv",
      "convolutions with ranges at run time are slower than in float: take method static, or weights for size alone",
    ],
    ["MatMul", "its constant is the left operand"],
    ["MatMul", "its constant is no plain matrix"],
    ["Gemm", "its constant is no plain matrix"],
  ]);
});

Deno.test("dynamicProducts() refuses weights that are no numbers, and names them", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const graph = graphOf(
      [2, 2],
      (b, x) => b.node("MatMul", [x, b.constant("float32", [2, 2], [1, 2, bad, 4], "dense/kernel")]),
    );
    assert.throws(() => pass.run(graph), {
      name: "RangeError",
      message: `Cannot round constant "dense/kernel": element 2 is ${bad}, finite numbers are needed`,
    });
  }
});

Deno.test("dynamicProducts() keeps a channel whose weights are all 0 at its bias", () => {
  const graph = graphOf([2, 3], (b, x) => {
    const w = b.constant("float32", [3, 2], [0, 1, 0, -1, 0, 0.5], "w");
    return b.node("Gemm", [x, w, b.constant("float32", [2], [7, 0], "b")], { transA: 0, transB: 0 });
  });
  const after = applied(pass, graph);
  const [{ data }] = run(after, feedsFor(after, { real: true }));
  assert.deepEqual([(data as Float32Array)[0], (data as Float32Array)[2]], [7, 7]);
});
