import assert from "node:assert/strict";
import fc from "fast-check";
import { type Column, layOutGraph, nameOf, sortTopologically } from "./_graph_layout.ts";
import { residualReport } from "../_test_sample_report.ts";
import type { GraphNodeReport } from "../schema.ts";

function node(name: string, inputs: readonly string[], int8 = true): GraphNodeReport {
  return { name, op: int8 ? "QLinearConv" : "Conv", layer: name, int8, inputs };
}

/** Graphs whose nodes read any of the nodes before them, or the graph's input. */
const graphs = fc.array(fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 60,
  size: "max",
})
  .map((reads) =>
    reads.map((of, i) => node(`n${i}`, [...new Set(of.map((back) => back < i ? `n${i - 1 - back}` : "input"))]))
  );

/** Reads connections back from the drawing, following ports to what they stand for. */
function connections(columns: readonly Column[]): Set<string> {
  return new Set(
    columns.flatMap(({ rows, edges }) =>
      edges.flatMap(({ from, to }) =>
        to.filter((row) => row < rows.length).map((row) => `${nameOf(rows[from])} > ${nameOf(rows[row])}`)
      )
    ),
  );
}

Deno.test("layOutGraph() draws a chain as straight lines", () => {
  const columns = layOutGraph([node("a", ["input"]), node("b", ["a"]), node("c", ["b"])], { columns: 4 });
  assert.equal(columns.length, 1);
  assert.deepEqual(columns[0].rows.map(nameOf), ["input", "a", "b", "c"]);
  assert.deepEqual(columns[0].edges.map(({ from, to, lane }) => [from, ...to, lane]), [[0, 1, 0], [1, 2, 0], [
    2,
    3,
    0,
  ]]);
  assert.equal(columns[0].lanes, 0);
});

Deno.test("layOutGraph() gives a skip connection a lane of its own", () => {
  const [column] = layOutGraph([node("a", []), node("b", ["a"]), node("c", ["b"]), node("add", ["a", "c"])], {
    columns: 1,
  });
  assert.deepEqual(column.edges.filter(({ lane }) => lane > 0).map(({ from, to, lane }) => ({ from, to, lane })), [
    { from: 0, to: [3], lane: 1 },
  ]);
});

Deno.test("layOutGraph() uses a lane again once its value has been read for the last time, and opens another before", () => {
  const lanesOf = (...nodes: readonly GraphNodeReport[]) => {
    const [{ edges, lanes }] = layOutGraph(nodes, { columns: 1 });
    return [lanes, ...edges.filter(({ lane }) => lane > 0).map(({ from, to, lane }) => [from, ...to, lane])];
  };
  const [a, b] = [node("a", []), node("b", ["a"])];
  // One skip behind the other: the second begins where the first ends.
  assert.deepEqual(lanesOf(a, b, node("c", ["a", "b"]), node("d", ["c"]), node("e", ["c", "d"])), [1, [0, 2, 1], [
    2,
    4,
    1,
  ]]);
  // One within the other, which ends further down.
  assert.deepEqual(lanesOf(a, b, node("c", ["b"]), node("d", ["b", "c"]), node("e", ["a", "d"])), [2, [0, 4, 1], [
    1,
    3,
    2,
  ]]);
  // A value that is read twice keeps its lane until the second time.
  assert.deepEqual(lanesOf(a, b, node("c", ["a", "b"]), node("d", ["b", "c"]), node("e", ["a", "d"])), [
    2,
    [0, 2, 4, 1],
    [1, 3, 2],
  ]);
});

Deno.test("layOutGraph() tells float tensors from codes", () => {
  const nodes: GraphNodeReport[] = [
    { ...node("q", ["input"]), op: "QuantizeLinear", int8: false },
    node("conv", ["q"]),
    { ...node("dq", ["conv"]), op: "DequantizeLinear" },
    node("tanh", ["dq"], false),
    node("end", ["tanh"]),
  ];
  const [{ edges }] = layOutGraph(nodes, { columns: 1 });
  assert.deepEqual(edges.map(({ float }) => float), [true, false, false, true, true]);
});

Deno.test("layOutGraph() cuts residual networks where one tensor is alive", () => {
  const columns = layOutGraph(residualReport().graph?.nodes ?? [], { columns: 4 });
  assert.equal(columns.length, 4);
  for (const { rows } of columns) assert.equal(rows.filter(({ kind }) => kind === "port").length, 1);
});

Deno.test("layOutGraph() shows every node once and every connection", () => {
  fc.assert(fc.property(graphs, fc.integer({ min: 1, max: 5 }), (nodes, count) => {
    const columns = layOutGraph(nodes, { columns: count });
    assert.ok(columns.length <= count);
    const shown = columns.flatMap(({ rows }) => rows.filter(({ kind }) => kind === "node").map(nameOf));
    assert.deepEqual([...shown].sort(), nodes.map(({ name }) => name).sort());
    const expected = new Set(nodes.flatMap(({ name, inputs }) => inputs.map((input) => `${input} > ${name}`)));
    assert.deepEqual([...connections(columns)].sort(), [...expected].sort());
  }));
});

Deno.test("layOutGraph() never lays two values over each other on a lane", () => {
  fc.assert(fc.property(graphs, (nodes) => {
    for (const { edges } of layOutGraph(nodes, { columns: 3 })) {
      for (const a of edges) {
        for (const b of edges) {
          if (a === b || a.lane !== b.lane || a.from > b.from) continue;
          assert.ok(Math.max(...a.to) <= b.from, `lane ${a.lane}: ${a.from}-${a.to} over ${b.from}-${b.to}`);
        }
      }
    }
  }));
});

Deno.test("layOutGraph() leads a value that is needed later out of the column and into the next", () => {
  fc.assert(fc.property(graphs, (nodes) => {
    const columns = layOutGraph(nodes, { columns: 3 });
    columns.slice(1).forEach(({ rows }, i) => {
      const before = columns[i];
      const leaving = new Set(
        before.edges.filter(({ to }) => to.includes(before.rows.length)).map(({ from }) => nameOf(before.rows[from])),
      );
      for (const row of rows) if (row.kind === "port" && !row.input) assert.ok(leaving.has(row.name), row.name);
    });
  }));
});

Deno.test("sortTopologically() moves nodes behind what they read, and survives a cycle", () => {
  assert.deepEqual(sortTopologically([node("b", ["a"]), node("a", ["input"])]).map(({ name }) => name), ["a", "b"]);
  assert.equal(sortTopologically([node("a", ["b"]), node("b", ["a"]), node("c", [])]).length, 3);
});
