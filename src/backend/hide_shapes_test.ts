import assert from "node:assert/strict";
import { GraphBuilder } from "../onnx/writer.ts";
import { Session } from "../runtime/session.ts";
import { encodeHidingShapes } from "./_hide_shapes.ts";

/** Operators that are told what shape to give. */
function shaped() {
  const b = new GraphBuilder();
  const x = b.input("float32", [2, 3], "x");
  const row = b.node("Reshape", [x, b.constant("int64", [1], [6])]);
  const rows = b.node("Expand", [row, b.constant("int64", [2], [2, 6])]);
  const zeros = b.node("ConstantOfShape", [b.constant("int64", [2], [2, 6])]);
  return b.build("shaped", [b.node("Add", [rows, zeros]).name]);
}

Deno.test("encodeHidingShapes() tells neither what inputs look like, nor what shapes operators are given", () => {
  const graph = shaped();
  const session = new Session(encodeHidingShapes(graph), { optimization: "disabled", threads: 1 });
  try {
    assert.deepEqual(session.inputs, [{ name: "x", dtype: "float32", shape: [] }]);
    assert.deepEqual(session.outputs, [{ name: graph.outputs[0], dtype: "float32", shape: [] }]);
  } finally {
    session.dispose();
  }
});

Deno.test("encodeHidingShapes() changes no answer, and needs nothing else to be fed", () => {
  const x = { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
  const session = new Session(encodeHidingShapes(shaped()), { optimization: "disabled", threads: 1 });
  try {
    const [{ shape, data }] = Object.values(session.run({ x }));
    assert.deepEqual([...shape], [2, 6]);
    assert.deepEqual([...data as Float32Array], [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  } finally {
    session.dispose();
  }
});
