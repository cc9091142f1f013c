import assert from "node:assert/strict";
import { encodeModel } from "../onnx/file/mod.ts";
import { GraphBuilder } from "../onnx/writer.ts";
import { Session } from "../runtime/session.ts";
import { hideShapes } from "./_hide_shapes.ts";

/** Operators that are told what shape to give. */
function shaped() {
  const b = new GraphBuilder();
  const x = b.input("float32", [2, 3], "x");
  const row = b.node("Reshape", [x, b.constant("int64", [1], [6])]);
  const rows = b.node("Expand", [row, b.constant("int64", [2], [2, 6])]);
  const zeros = b.node("ConstantOfShape", [b.constant("int64", [2], [2, 6])]);
  return b.build("shaped", [b.node("Add", [rows, zeros]).name]);
}

Deno.test("hideShapes() leaves open what inputs look like, and what shapes are given", () => {
  const graph = shaped();
  const hidden = hideShapes(graph);
  assert.deepEqual(hidden.types.get("x"), { dtype: "float32", shape: ["", ""] });
  // Equal constants are one.
  assert.equal(hidden.inputs.length, 3);
  assert.ok(hidden.inputs.slice(1).every((name) => hidden.initializers.has(name)));
  assert.deepEqual(graph.inputs, ["x"]);
  assert.equal(hidden.nodes, graph.nodes);
});

Deno.test("hideShapes() changes no answer, and needs nothing else to be fed", () => {
  const x = { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
  const session = new Session(encodeModel(hideShapes(shaped())), { optimization: "disabled", threads: 1 });
  try {
    assert.deepEqual(session.inputs.map(({ name }) => name), ["x"]);
    const [{ shape, data }] = Object.values(session.run({ x }));
    assert.deepEqual([...shape], [2, 6]);
    assert.deepEqual([...data as Float32Array], [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  } finally {
    session.dispose();
  }
});
