import assert from "node:assert/strict";
import { allocateCodes, CODE_TYPES, codeRangeOf, containsCodes, isSigned } from "./codes.ts";

Deno.test("codeRangeOf() gives what typed arrays hold when they have the type", () => {
  for (
    const [type, array] of [
      ["uint8", Uint8Array],
      ["int8", Int8Array],
      ["uint16", Uint16Array],
      ["int16", Int16Array],
      ["uint32", Uint32Array],
      ["int32", Int32Array],
    ] as const
  ) {
    const { qmin, qmax } = codeRangeOf(type);
    assert.deepEqual([...array.of(qmin, qmax)], [qmin, qmax], type);
    assert.equal(array.of(qmax + 1)[0], qmin, type);
    assert.equal(array.of(qmin - 1)[0], qmax, type);
  }
  assert.deepEqual(codeRangeOf("uint4"), { qmin: 0, qmax: 15 });
  assert.deepEqual(codeRangeOf("int4"), { qmin: -8, qmax: 7 });
});

Deno.test("isSigned() is true of types with negative codes", () => {
  for (const type of CODE_TYPES) assert.equal(isSigned(type), codeRangeOf(type).qmin < 0, type);
});

Deno.test("containsCodes() compares both ends", () => {
  assert.equal(containsCodes(codeRangeOf("int8"), { qmin: -128, qmax: 127 }), true);
  assert.equal(containsCodes(codeRangeOf("int8"), { qmin: -129, qmax: 127 }), false);
  assert.equal(containsCodes(codeRangeOf("int8"), { qmin: -128, qmax: 128 }), false);
});

Deno.test("allocateCodes() makes the narrowest array that holds the codes", () => {
  assert.ok(allocateCodes(3, codeRangeOf("uint4")) instanceof Uint8Array);
  assert.ok(allocateCodes(3, { qmin: -1, qmax: 127 }) instanceof Int8Array);
  assert.ok(allocateCodes(3, { qmin: -1, qmax: 128 }) instanceof Int16Array);
  assert.ok(allocateCodes(3, { qmin: -1, qmax: 32768 }) instanceof Int32Array);
  assert.ok(allocateCodes(3, codeRangeOf("uint32")) instanceof Uint32Array);
  assert.equal(allocateCodes(3, codeRangeOf("uint8")).length, 3);
});
