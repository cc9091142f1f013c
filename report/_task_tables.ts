/** Tables and matrices of a task's sections, in words. */
import type { MatrixSection, TableSection } from "../tasks/section.ts";
import { count } from "./_format.ts";
import { unitFormat } from "./_unit.ts";

/** Whether a column has numbers. */
export function isNumeric({ rows }: TableSection, column: number): boolean {
  return rows.some((row) => typeof row[column] === "number");
}

/** Writes all cells of a table; whole numbers without a unit as counts. */
export function formatCells({ columns, rows }: TableSection): string[][] {
  const formats = columns.map(({ unit = "" }, i) => {
    const numbers = rows.map((row) => row[i]).filter((cell) => typeof cell === "number");
    return unit === "" && numbers.every(Number.isInteger) ? count : unitFormat(unit, numbers).value;
  });
  return rows.map((row) =>
    row.map((cell, i) => cell === null ? "" : typeof cell === "string" ? cell : formats[i](cell))
  );
}

/** A pair of names, and how often it was counted. */
export interface Pair {
  readonly row: string;
  readonly column: string;
  readonly value: number;
  /** Of its row, in [0, 1]. */
  readonly share: number;
}

/** Returns each value's share of its row; all 0 where the row has nothing. */
export function sharesOf(row: readonly number[]): readonly number[] {
  const sum = row.reduce((a, b) => a + b, 0);
  return row.map((value) => sum === 0 ? 0 : value / sum);
}

/** Returns the names on the diagonal, where rows and columns are called alike: there a count is a hit. */
export function hitsOf({ rows, columns }: Pick<MatrixSection, "rows" | "columns">): readonly string[] | undefined {
  const isAlike = rows.names.length === columns.names.length &&
    rows.names.every((name, i) => name === columns.names[i]);
  return isAlike ? rows.names : undefined;
}

/** Lists pairs that are no hits, the most frequent first. */
export function missesOf(matrix: MatrixSection): readonly Pair[] {
  const hits = hitsOf(matrix);
  return matrix.values.flatMap((row, r) => {
    const shares = sharesOf(row);
    return row.flatMap((value, c) =>
      value === 0 || (hits !== undefined && r === c)
        ? []
        : { row: matrix.rows.names[r], column: matrix.columns.names[c], value, share: shares[c] }
    );
  }).sort((a, b) => b.value - a.value);
}
