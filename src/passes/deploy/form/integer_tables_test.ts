import assert from "node:assert/strict";
import { INT8_SYMMETRIC_PER_CHANNEL } from "../../../numbers/scheme.ts";
import type { Graph } from "../../../onnx/graph.ts";
import { GraphBuilder, type Value } from "../../../onnx/writer.ts";
import { applied, opsOf, reals, run } from "../../_test_support.ts";
import { columnCodes, fused } from "./_test_support.ts";
import { integerTables } from "./integer_tables.ts";

const pass = integerTables(INT8_SYMMETRIC_PER_CHANNEL);

function lookUps(fn: (b: GraphBuilder, indices: Value) => readonly Value[]): Graph {
  const b = new GraphBuilder();
  return b.build("test", fn(b, b.input("int32", [2, 3], "x")).map(({ name }) => name));
}

const TABLE = reals(11 * 4, 1);

Deno.test("integerTables() looks codes up and dequantizes the rows that it found", () => {
  const graph = lookUps((b, x) => [b.node("Gather", [b.constant("float32", [11, 4], TABLE, "table"), x], { axis: 0 })]);
  const after = applied(pass, graph);
  assert.deepEqual(opsOf(after), ["Gather", "DequantizeLinear"]);
  assert.deepEqual(opsOf(fused(after)), ["Gather", "DequantizeLinear"]);
  const x = Int32Array.of(0, 10, 5, 5, 3, 1);
  const { codes, scales } = columnCodes(TABLE.map(Math.fround), 4, 127);
  const expected = [...x].flatMap((row) => scales.map((scale, c) => Math.fround(codes[row * 4 + c] * scale)));
  assert.deepEqual([...run(after, { x })[0].data as Float32Array], expected);
});

Deno.test("integerTables() keeps a table once that is looked up twice", () => {
  const after = applied(
    pass,
    lookUps((b, x) => {
      const table = b.constant("float32", [11, 4], TABLE, "table");
      return [1, 2].map(() => b.node("Gather", [table, x], { axis: 0 }));
    }),
  );
  assert.deepEqual([...after.initializers.keys()], ["table_codes", "table_scale", "table_zero_point"]);
});

Deno.test("integerTables() leaves tables alone that something else reads, columns are taken of, or that it makes no smaller", () => {
  const graphs = [
    lookUps((b, x) => {
      const table = b.constant("float32", [11, 4], TABLE, "table");
      return [b.node("Gather", [table, x], { axis: 0 }), b.node("Relu", [table])];
    }),
    lookUps((b, x) => [b.node("Gather", [b.constant("float32", [11, 4], TABLE, "table"), x], { axis: 1 })]),
    lookUps((b, x) => [b.node("Gather", [b.constant("float32", [1, 44], TABLE, "table"), x], { axis: 0 })]),
    lookUps((b, x) => [b.node("Gather", [b.constant("int32", [2, 2], [1, 2, 3, 4]), x], { axis: 0 })]),
  ];
  for (const graph of graphs) assert.deepEqual(applied(pass, graph).nodes, graph.nodes);
});
