import assert from "node:assert/strict";
import { GraphBuilder } from "../onnx/writer.ts";
import { dropNanGuards } from "../passes/deploy/drop_nan_guards.ts";
import { applied } from "../passes/_test_support.ts";
import { OPS } from "./mod.ts";

/** What the exporter is left with of a kernel's nodes. */
function exported(kernel: "ArgMax" | "ArgMin" | "Max" | "Min", attrs: Readonly<Record<string, unknown>>): string[] {
  const builder = new GraphBuilder();
  const output = OPS[kernel].lower(builder, { x: builder.input("float32", [2, 3], "x") }, attrs);
  assert.ok("name" in output);
  const graph = applied(dropNanGuards, builder.build("test", [output.name]));
  return graph.nodes.map(({ op }) => op).filter((op) => op !== "Identity");
}

Deno.test("Max and Min lower() guard against NaN in a form that the exporter knows", () => {
  assert.deepEqual(exported("Max", { reductionIndices: [1] }), ["ReduceMax"]);
  assert.deepEqual(exported("Min", { axis: [1] }), ["ReduceMin"]);
});

Deno.test("ArgMax and ArgMin lower() guard against NaN in a form that the exporter knows", () => {
  assert.deepEqual(exported("ArgMax", { axis: 1 }), ["ArgMax", "Cast"]);
  assert.deepEqual(exported("ArgMin", { axis: 1 }), ["ArgMin", "Cast"]);
});
