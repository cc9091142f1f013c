/**
 * Jupyter notebooks as one module each, so that they run without Jupyter.
 *
 * The cells follow one another at the module's top level: imports are hoisted, `await` is allowed, later cells see what
 * earlier ones declared. As in Jupyter, the value of an expression at the end of a cell is shown.
 */
import { stripTypeScriptTypes } from "node:module";
import { parse } from "acorn";

/** A notebook as a module of TypeScript. */
export interface NotebookModule {
  readonly source: string;
  /** Returns where line `line` of the module comes from; both count from 1. Undefined for the lines between cells. */
  locate(line: number): { readonly cell: number; readonly line: number } | undefined;
}

/**
 * Returns the source of the code cells of a notebook, in order.
 *
 * @param json The text of an .ipynb file, nbformat 4.
 * @throws {SyntaxError} If it is not a notebook of nbformat 4.
 */
export function readCodeCells(json: string): string[] {
  const { nbformat, cells } = JSON.parse(json);
  if (nbformat !== 4 || !Array.isArray(cells)) {
    throw new SyntaxError(`Cannot read the notebook: nbformat is ${nbformat}, 4 is needed`);
  }
  return cells.filter((cell) => cell.cell_type === "code").map(({ source }) => [source].flat().join(""));
}

/**
 * Joins code cells to one module. A cell's number is its place among them, from 1, as Jupyter numbers them in one run.
 *
 * @param cells The cells' TypeScript.
 * @param prelude Specifier of the module that has `startCell` and `show`.
 * @throws {SyntaxError} If a cell does not parse; the message names the cell.
 */
export function joinCells(cells: readonly string[], prelude: string): NotebookModule {
  const lines = [`import { show as __show, startCell as __startCell } from ${JSON.stringify(prelude)};`];
  const origins: ({ cell: number; line: number } | undefined)[] = [undefined];
  cells.forEach((source, index) => {
    const cell = index + 1;
    lines.push(`__startCell(${cell});`);
    origins.push(undefined);
    wrapLastExpression(source, cell).split("\n").forEach((text, line) => {
      lines.push(text);
      origins.push({ cell, line: line + 1 });
    });
  });
  return { source: lines.join("\n") + "\n", locate: (line) => origins[line - 1] };
}

/** Wraps the expression that ends a cell, if one does, in a call that shows its value. No line is added. */
function wrapLastExpression(source: string, cell: number): string {
  const last = parseCell(source, cell).body.at(-1);
  if (last?.type !== "ExpressionStatement") return source;
  const { start, end } = last.expression;
  return `${source.slice(0, start)}__show(${source.slice(start, end)})${source.slice(end)}`;
}

function parseCell(source: string, cell: number) {
  try {
    // Types become spaces, so every position stays what it was.
    const script = stripTypeScriptTypes(source);
    return parse(script, { ecmaVersion: "latest", sourceType: "module", allowAwaitOutsideFunction: true });
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`Cannot parse cell ${cell}: ${because}`);
  }
}
