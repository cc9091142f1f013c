import assert from "node:assert/strict";
import type { Op } from "../../src/ops/op.ts";
import { checkOp, type OpCase } from "./op_cases.ts";

const x: OpCase = { name: "numbers", inputs: { x: { shape: [2, 3] } } };

function relu(lower: Op["lower"]): Op {
  return { kernel: "Relu", lower };
}

const right = relu((emit, { x }) => emit.node("Relu", [x]));
const wrongValues = relu((emit, { x }) => emit.node("Abs", [x]));

Deno.test("checkOp() accepts nodes that compute what the kernel computes", () => {
  checkOp(right, [x]);
});

Deno.test("checkOp() refuses other elements, naming the case", () => {
  assert.throws(() => checkOp(wrongValues, [x]), /Relu, numbers: elements of output 0/);
});

Deno.test("checkOp() refuses elements beyond the case's tolerance alone", () => {
  const half = relu((emit, { x }) => emit.node("LeakyRelu", [x], { alpha: 1e-3 }));
  checkOp(half, [{ ...x, tolerance: { relative: 0, absolute: 3e-3 } }]);
  assert.throws(() => checkOp(half, [{ ...x, tolerance: "exact" }]), /elements of output 0/);
});

Deno.test("checkOp() refuses another dtype and another shape", () => {
  const dtype = relu((emit, { x }) => emit.node("Cast", [emit.node("Relu", [x])], { to: 6 }));
  const integral: OpCase = { name: "zeros", inputs: { x: { shape: [2, 3], values: [0, 0, 0, 0, 0, 0] } } };
  assert.throws(() => checkOp(dtype, [integral]), /dtype of output 0/);
  const shape = relu((emit, { x }) => emit.node("Flatten", [emit.node("Relu", [x])], { axis: 0 }));
  assert.throws(() => checkOp(shape, [x]), /shape of output 0/);
});

Deno.test("checkOp() refuses NaN for a number and a number for NaN", () => {
  const nan = relu((emit, { x }) => emit.node("Sqrt", [x]));
  assert.throws(() => checkOp(nan, [{ name: "-1", inputs: { x: { shape: [1], values: [-1] } } }]), /elements/);
  const zero = relu((emit, { x }) =>
    emit.node("Where", [emit.node("IsNaN", [x]), emit.constant("float32", [], [0]), x])
  );
  assert.throws(() => checkOp(zero, [{ name: "NaN", inputs: { x: { shape: [1], values: [NaN] } } }]), /elements/);
});

Deno.test("checkOp() refuses a known difference that is gone", () => {
  checkOp(wrongValues, [{ ...x, differs: "on purpose" }]);
  assert.throws(() => checkOp(right, [{ ...x, differs: "on purpose" }]), /no longer differ, drop "on purpose"/);
});

Deno.test("checkOp() refuses more nodes than the case names", () => {
  checkOp(right, [{ ...x, nodes: ["Relu"] }]);
  const two = relu((emit, { x }) => emit.node("Relu", [emit.node("Relu", [x])]));
  assert.throws(() => checkOp(two, [{ ...x, nodes: ["Relu"] }]), /Relu, numbers: nodes/);
});
