import assert from "node:assert/strict";
import type { MatrixSection, TableSection } from "../tasks/section.ts";
import { formatCells, hitsOf, isNumeric, missesOf, sharesOf } from "./_task_tables.ts";

const TABLE: TableSection = {
  kind: "table",
  heading: "h",
  lead: "l",
  columns: [{ heading: "name" }, { heading: "count" }, { heading: "mean" }, { heading: "share", unit: "fraction" }],
  rows: [["a", 12000, 0.5, 0.25], ["b", 3, 2, null], ["c", null, null, 1]],
};

function matrix(rows: readonly string[], columns: readonly string[], values: number[][]): MatrixSection {
  const head = { kind: "matrix", heading: "h", lead: "l" } as const;
  return { ...head, rows: { label: "given", names: rows }, columns: { label: "answered", names: columns }, values };
}

Deno.test("formatCells() writes whole numbers as counts, a column's numbers alike, and nothing for null", () => {
  const cells = formatCells(TABLE);
  assert.deepEqual(cells.map(([name]) => name), ["a", "b", "c"]);
  assert.deepEqual(cells.map(([, whole]) => whole), ["12,000", "3", ""]);
  assert.equal(cells[2][2], "");
  assert.match(cells[0][2], /^0\.50*$/);
  assert.equal(cells[1][3], "");
  assert.match(cells[0][3], /^25\.?0*\s?%$/);
  assert.deepEqual([0, 1, 2, 3].map((column) => isNumeric(TABLE, column)), [false, true, true, true]);
});

Deno.test("sharesOf() divides by the row's sum, and has zeros for a row of nothing", () => {
  assert.deepEqual(sharesOf([1, 3, 0]), [0.25, 0.75, 0]);
  assert.deepEqual(sharesOf([0, 0]), [0, 0]);
});

Deno.test("hitsOf() finds a diagonal of hits only where rows and columns are called alike, in one order", () => {
  const names = ["a", "b"];
  assert.deepEqual(hitsOf(matrix(names, names, [])), names);
  for (const others of [["b", "a"], ["a", "c"], ["a"], ["a", "b", "c"]]) {
    assert.equal(hitsOf(matrix(names, others, [])), undefined, others.join());
  }
});

Deno.test("missesOf() lists what is off the diagonal by its number, with its share of the row", () => {
  const pairs = missesOf(matrix(["a", "b"], ["a", "b"], [[6, 2], [5, 5]]));
  assert.deepEqual(pairs, [
    { row: "b", column: "a", value: 5, share: 0.5 },
    { row: "a", column: "b", value: 2, share: 0.25 },
  ]);
  const all = missesOf(matrix(["a"], ["x", "y", "z"], [[1, 3, 0]]));
  assert.deepEqual(all.map(({ column, value }) => [column, value]), [["y", 3], ["x", 1]]);
});
