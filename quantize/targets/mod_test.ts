import assert from "node:assert/strict";
import { faultOfScheme, INT8_SYMMETRIC, UINT8_AFFINE } from "../../src/numbers/scheme.ts";
import { absorbsClip, absorbsRelu, whyNotHeld } from "../target.ts";
import { targetOf, TARGETS, targetThatHolds } from "./mod.ts";

for (const target of TARGETS) {
  Deno.test(`target "${target.name}" holds its own schemes, and absorbs ReLU if it has a file`, () => {
    for (const role of ["activations", "weights"] as const) {
      for (const scheme of target[role]) {
        assert.equal(faultOfScheme(scheme), undefined);
        assert.equal(whyNotHeld(target, role, scheme), undefined);
      }
    }
    if (target.file !== undefined) {
      assert.equal(target.activations.every(absorbsRelu), !target.file.keepsActivations);
    }
    assert.equal(targetOf(target.name), target);
  });
}

Deno.test("targetOf() suggests the target that was meant", () => {
  assert.throws(() => targetOf("fbgem"), { name: "RangeError", message: /did you mean "fbgemm"/ });
});

Deno.test("targetThatHolds() finds the first that can, and the simulation for all else", () => {
  assert.equal(targetThatHolds("weights", { ...INT8_SYMMETRIC, qmin: -128 }).name, "qnnpack");
  assert.equal(targetThatHolds("weights", { ...INT8_SYMMETRIC, qmin: -9, qmax: 9 }).name, "x86");
  assert.equal(targetThatHolds("activations", { ...UINT8_AFFINE, span: 127 }).name, "fbgemm");
  assert.equal(targetThatHolds("activations", { ...UINT8_AFFINE, span: 99 }).name, "simulation");
});

Deno.test("absorbsRelu() and absorbsClip() ask for a grid that ends where the type does", () => {
  assert.ok(absorbsClip(UINT8_AFFINE) && absorbsRelu({ ...UINT8_AFFINE, qmax: 127 }));
  assert.ok(!absorbsClip({ ...UINT8_AFFINE, qmax: 127 }) && !absorbsClip({ ...UINT8_AFFINE, span: 127 }));
  assert.ok(!absorbsRelu(INT8_SYMMETRIC) && !absorbsRelu({ ...UINT8_AFFINE, qmin: 1 }));
});
