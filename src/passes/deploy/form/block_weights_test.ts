import assert from "node:assert/strict";
import fc from "fast-check";
import { type Blocks, type BlockScheme, quantizeBlocks } from "../../../numbers/blocks.ts";
import { runPasses } from "../../pass.ts";
import { applied, countOps, graphOf, opsOf, realConstant, reals, run } from "../../_test_support.ts";
import { assertNear, bytesOfConstants, dense, fused } from "./_test_support.ts";
import { type BlockForm, blockWeights } from "./block_weights.ts";

const FOUR: BlockForm = { bits: 4, size: 32, symmetric: true, products: "float32" };

/** The weight in row i of column c, by the definition of MatMulNBits. */
function weightAt(blocks: Blocks, [i, c]: readonly [number, number], { bits, size }: BlockScheme): number {
  const codeOf = (bytes: Uint8Array, at: number) =>
    bits === 8 ? bytes[at] : at % 2 === 0 ? bytes[at >> 1] & 15 : bytes[at >> 1] >> 4;
  const block = c * blocks.count + Math.floor(i / size);
  const zeroRow = bits === 8 ? blocks.count : 2 * Math.ceil(blocks.count / 2);
  const zero = blocks.zeroPoints === undefined
    ? 2 ** (bits - 1)
    : codeOf(blocks.zeroPoints, c * zeroRow + Math.floor(i / size));
  return (codeOf(blocks.codes, c * blocks.count * size + i) - zero) * blocks.scales[block];
}

const cases = fc.record({
  m: fc.constantFrom(1, 3),
  k: fc.constantFrom(20, 31, 32, 33, 64, 100),
  n: fc.constantFrom(1, 2, 5, 16, 33),
  bits: fc.constantFrom<4 | 8>(4, 8),
  size: fc.constantFrom(16, 32, 64, 128, 256),
  symmetric: fc.boolean(),
  seed: fc.integer({ min: 1, max: 1000 }),
});

Deno.test("blockWeights() multiplies with the weights that its operator's definition says, whatever the sizes", () => {
  let rounded = 0;
  fc.assert(
    fc.property(cases, ({ m, k, n, seed, ...scheme }) => {
      const matrix = reals(k * n, seed);
      const graph = graphOf([m, k], (b, x) => b.node("MatMul", [x, b.constant("float32", [k, n], matrix, "w")]));
      const after = applied(blockWeights({ ...scheme, products: "float32" }), graph);
      if (opsOf(after)[0] === "MatMul") return;
      rounded++;
      const x = Float32Array.from(reals(m * k, seed + 1));
      const blocks = quantizeBlocks(Float32Array.from(matrix), [k, n], scheme);
      const expected = Array.from({ length: m * n }, (_, at) => {
        const [row, c] = [Math.floor(at / n), at % n];
        return Array.from({ length: k }, (_, i) => x[row * k + i] * weightAt(blocks, [i, c], scheme))
          .reduce((sum, term) => sum + term, 0);
      });
      // Sums of float32 in another order.
      assertNear(run(after, { x })[0].data as Float32Array, expected, 2e-6);
    }),
    { numRuns: 80, seed: 6 },
  );
  assert.ok(rounded >= 40, `only ${rounded} of 80 were worth it`);
});

Deno.test("blockWeights() adds the bias of a dense layer, and answers for batches of any rank", () => {
  const graph = graphOf([2, 3, 64], (b, x) => b.node("MatMul", [x, realConstant(b, [64, 5], 1)]));
  const after = applied(blockWeights({ ...FOUR, bits: 8 }), graph);
  const x = Float32Array.from(reals(384, 3));
  assertNear(run(after, { x })[0].data as Float32Array, run(graph, { x })[0].data as Float32Array, 0.01);
  const layer = graphOf([3, 64], (b, x) => dense(b, x, 5, 1));
  const inBlocks = applied(blockWeights(FOUR), layer);
  assert.deepEqual(opsOf(inBlocks), ["MatMulNBits", "Add"]);
  const [expected, actual] = [layer, inBlocks].map((g) => run(g, { x: x.slice(0, 192) })[0].data as Float32Array);
  assertNear(actual, expected, 0.2);
});

Deno.test("blockWeights() takes an eighth of the bytes and a scale a block", () => {
  const graph = graphOf([1, 256], (b, x) => b.node("MatMul", [x, realConstant(b, [256, 64], 1)]));
  const after = applied(blockWeights(FOUR), graph);
  assert.equal(bytesOfConstants(graph), 256 * 64 * 4);
  assert.equal(bytesOfConstants(after), 256 * 64 / 2 + 256 * 64 / 32 * 4);
});

Deno.test("blockWeights() writes the operator that ONNX Runtime runs as it is, once for shared weights", () => {
  const graph = graphOf([2, 64], (b, x) => {
    const w = realConstant(b, [64, 64], 1);
    return b.node("MatMul", [b.node("MatMul", [x, w]), w]);
  });
  const after = applied(blockWeights(FOUR), graph);
  assert.deepEqual(opsOf(fused(after)), ["MatMulNBits", "MatMulNBits"]);
  assert.equal(after.initializers.size, 2);
});

Deno.test("blockWeights() lets activations be rounded by blocks where that is asked for", () => {
  for (const bits of [4, 8] as const) {
    const graph = graphOf([2, 64], (b, x) => b.node("MatMul", [x, realConstant(b, [64, 5], 1)]));
    const x = Float32Array.from(reals(128, 3));
    const [float, int8] = (["float32", "int8"] as const).map((products) =>
      run(applied(blockWeights({ ...FOUR, bits, products }), graph), { x })[0].data as Float32Array
    );
    assertNear(int8, float, 0.02);
    assert.notDeepEqual(int8, float);
  }
});

Deno.test("blockWeights() leaves weights alone that blocks make no smaller, and says so; convolutions too", () => {
  const graph = graphOf([2, 3], (b, x) => b.node("MatMul", [x, realConstant(b, [3, 4], 1)]));
  const { graph: after, declined } = runPasses([blockWeights(FOUR)], graph, { debug: true });
  assert.deepEqual(after.nodes, graph.nodes);
  assert.deepEqual(declined.map(({ because }) => because), ["its 12 weights fill too little of blocks of 32"]);
  const conv = graphOf([1, 2, 8, 8], (b, x) => b.node("Conv", [x, realConstant(b, [3, 2, 3, 3], 1)]));
  assert.deepEqual(runPasses([blockWeights(FOUR)], conv).declined.map(({ because }) => because), [
    "only products have 4-bit blocks: its weights are int8, one scale a channel",
  ]);
  assert.deepEqual(countOps(runPasses([blockWeights(FOUR)], conv).graph), { Conv: 1 });
});

Deno.test("blockWeights() refuses weights that are no numbers, and names them", () => {
  const graph = graphOf([1, 64], (b, x) => {
    const matrix = reals(64, 1).with(7, NaN);
    return b.node("MatMul", [x, b.constant("float32", [64, 1], matrix, "dense/kernel")]);
  });
  assert.throws(
    () => blockWeights(FOUR).run(graph),
    /^RangeError: Cannot round constant "dense\/kernel": element 7 is NaN/,
  );
});
