import assert from "node:assert/strict";
import { GraphBuilder } from "../onnx/writer.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { providersOf } from "./providers.ts";
import { DEVICES, listDevices, Session } from "./session.ts";

/** Sums of rows of x [batch, 3] whose indices are given, and their signs: three operators on two element types. */
function model(): Uint8Array {
  const b = new GraphBuilder();
  const x = b.input("float32", [2, 3], "x");
  const rows = b.node("Gather", [x, b.input("int64", [2], "rows")], { axis: 0 });
  const y = b.node("ReduceSum", [rows], { keepdims: 0 });
  const graph = b.build("test", [b.node("Sign", [y]).name]);
  const types = new Map(graph.types).set("x", { dtype: "float32", shape: ["batch", 3] });
  return encodeModel({ ...graph, types });
}

Deno.test("providersOf() counts the operators that each provider ran", () => {
  assert.deepEqual(providersOf(model(), { optimization: "disabled" }), { CPUExecutionProvider: 3 });
});

Deno.test("Session throws where ONNX Runtime is built without the device", () => {
  const listed = new Set(listDevices().map(({ device }) => device));
  assert.ok(listed.has("cpu"));
  for (const device of DEVICES.filter((device) => !listed.has(device))) {
    assert.throws(() => new Session(model(), { device }), new RegExp(`unsupported: '${device}'`));
  }
});
