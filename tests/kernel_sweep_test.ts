/**
 * The two lowerings of every integer kernel give the same codes: the one that is written, which ONNX Runtime fuses, and the
 * one that computes. `deno task sweep-kernels` draws as many cases as one likes.
 *
 * QLinearAdd is claimed for x86-64 with AVX2 and FMA. SSE alone has no fused multiply-add, ARM sums in fixed point.
 */
import assert from "node:assert/strict";
import { sweep, SWEPT } from "./_support/kernel_sweep.ts";

for (const kernel of Object.keys(SWEPT)) {
  for (const dtype of ["uint8", "int8"] as const) {
    Deno.test(`asKernels() computes the codes of ${kernel} when they are ${dtype}`, () => {
      const { compared, different } = sweep(kernel, { cases: 16, seed: 5, dtype });
      assert.ok(compared > 0);
      assert.equal(different, 0, `${different} of ${compared} codes differ`);
    });
  }
}

Deno.test("sweep() finds codes that differ when what is computed are the float operators", () => {
  for (const kernel of Object.keys(SWEPT)) {
    const { different } = sweep(kernel, { cases: 32, seed: 5, dtype: "uint8", inFloat: true });
    assert.ok(different > 0, kernel);
  }
});
