import assert from "node:assert/strict";
import { CODE_TYPES, codeRangeOf, isSigned } from "./codes.ts";
import { allocate, bytesPerElement, codeOf, type DType, dtypeOfCode, isInteger, viewOf } from "./dtype.ts";

/** TensorProto.DataType of onnx.proto3, bytes of an element, and whether it is an integer. */
const TYPES: Readonly<Record<DType, readonly [code: number, bytes: number, integer: boolean]>> = {
  float32: [1, 4, false],
  uint8: [2, 1, true],
  int8: [3, 1, true],
  uint16: [4, 2, true],
  int16: [5, 2, true],
  int32: [6, 4, true],
  int64: [7, 8, true],
  bool: [9, 1, false],
  float16: [10, 2, false],
  float64: [11, 8, false],
  uint32: [12, 4, true],
  uint64: [13, 8, true],
  bfloat16: [16, 2, false],
};

Deno.test("codeOf(), bytesPerElement() and isInteger() have every type as ONNX has it", () => {
  for (const [dtype, [code, bytes, integer]] of Object.entries(TYPES) as [DType, (typeof TYPES)[DType]][]) {
    assert.deepEqual([codeOf(dtype), bytesPerElement(dtype), isInteger(dtype)], [code, bytes, integer], dtype);
    assert.equal(dtypeOfCode(code), dtype);
    const elements = allocate(dtype, 3);
    assert.deepEqual([elements.length, elements.BYTES_PER_ELEMENT], [3, bytes], dtype);
    assert.equal(viewOf(dtype, new ArrayBuffer(32), 8, 2).byteOffset, 8);
  }
  for (const code of [0, 8, 14, 99]) assert.equal(dtypeOfCode(code), undefined);
});

Deno.test("codeRangeOf() gives each type of codes what its bits hold", () => {
  const ranges = CODE_TYPES.map((type) => [type, codeRangeOf(type).qmin, codeRangeOf(type).qmax, isSigned(type)]);
  assert.deepEqual(ranges, [
    ["uint4", 0, 15, false],
    ["int4", -8, 7, true],
    ["uint8", 0, 255, false],
    ["int8", -128, 127, true],
    ["uint16", 0, 65535, false],
    ["int16", -32768, 32767, true],
    ["uint32", 0, 4294967295, false],
    ["int32", -2147483648, 2147483647, true],
  ]);
});
