import assert from "node:assert/strict";
import {
  faultOfScheme,
  INT8_AFFINE,
  INT8_SYMMETRIC,
  perChannel,
  type QuantScheme,
  UINT8_AFFINE,
} from "../../src/numbers/scheme.ts";
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
  assert.equal(targetThatHolds("weights", UINT8_AFFINE).name, "x86-u8u8");
  assert.equal(targetThatHolds("weights", { ...UINT8_AFFINE, granularity: perChannel(-1) }).name, "simulation");
});

Deno.test("whyNotHeld() says why weights have no affine grid, or only one a tensor", () => {
  const reason = (name: string, scheme: QuantScheme) => whyNotHeld(targetOf(name), "weights", scheme);
  assert.equal(
    reason("x86-portable", INT8_AFFINE),
    "an affine grid gives weights a zero point that products have to be corrected for",
  );
  const perSlice = { ...INT8_AFFINE, granularity: perChannel(-1) };
  assert.equal(reason("x86", perSlice), "its affine weights have scales per tensor only");
  assert.match(reason("x86", UINT8_AFFINE)!, /^its weights are int8 -127 to 127, symmetric, per channel or int8/);
  assert.equal(reason("simulation", perSlice), undefined);
});

Deno.test("absorbsRelu() and absorbsClip() ask for a grid that ends where the type does", () => {
  assert.ok(absorbsClip(UINT8_AFFINE) && absorbsRelu({ ...UINT8_AFFINE, qmax: 127 }));
  assert.ok(!absorbsClip({ ...UINT8_AFFINE, qmax: 127 }) && !absorbsClip({ ...UINT8_AFFINE, span: 127 }));
  assert.ok(!absorbsRelu(INT8_SYMMETRIC) && !absorbsRelu({ ...UINT8_AFFINE, qmin: 1 }));
});
