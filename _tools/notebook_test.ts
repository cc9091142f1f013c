import assert from "node:assert/strict";
import { joinCells, readCodeCells } from "./_notebook.ts";

const RUNNER = new URL("./run_notebooks.ts", import.meta.url).pathname;

/** Writes `cells` as a notebook. */
function writeNotebook(cells: readonly string[]): string {
  const code = cells.map((source) => ({ cell_type: "code", source: source.split(/(?<=\n)/), outputs: [] }));
  return JSON.stringify({ nbformat: 4, cells: [{ cell_type: "markdown", source: ["# Title"] }, ...code] });
}

/** Runs a notebook of `cells` as `deno task notebooks` does; `broken` stands for text that is no notebook. */
async function run(cells: readonly string[], broken?: string) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/beside.ts`, `export const beside = "a neighbour";\n`);
    await Deno.writeTextFile(`${folder}/tiny.ipynb`, broken ?? writeNotebook(cells));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        `--allow-run=${Deno.execPath()}`,
        "--ignore-env",
        RUNNER,
        `${folder}/tiny.ipynb`,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readCodeCells() returns code cells alone, their lines joined", () => {
  assert.deepEqual(readCodeCells(writeNotebook(["const a = 1;\na", "a + 1"])), ["const a = 1;\na", "a + 1"]);
});

Deno.test("readCodeCells() refuses other formats", () => {
  assert.throws(() => readCodeCells(`{"nbformat":3,"worksheets":[]}`), /nbformat is 3, 4 is needed/);
});

Deno.test("joinCells() shows the last expression and nothing else", () => {
  const cells = ["f(1);\nconst s: string = 'ö😀' as string; s", "const b = 2;", "if (b) f(b);"];
  assert.deepEqual(joinCells(cells, "p.ts").source.split("\n"), [
    `import { show as __show, startCell as __startCell } from "p.ts";`,
    "__startCell(1);",
    "f(1);",
    "const s: string = 'ö😀' as string; __show(s)",
    "__startCell(2);",
    "const b = 2;",
    "__startCell(3);",
    "if (b) f(b);",
    "",
  ]);
});

Deno.test("joinCells() finds the cell and line of a line of the module", () => {
  const { locate } = joinCells(["1\n2", "3"], "p.ts");
  const found = [1, 2, 3, 4, 5, 6, 7].map((line) => locate(line));
  assert.deepEqual(found, [
    undefined,
    undefined,
    { cell: 1, line: 1 },
    { cell: 1, line: 2 },
    undefined,
    { cell: 2, line: 1 },
    undefined,
  ]);
});

Deno.test("joinCells() names the cell that does not parse", () => {
  assert.throws(() => joinCells(["1", "const = 2"], "p.ts"), /Cannot parse cell 2/);
});

Deno.test("run_notebooks runs cells in order, in one scope, and shows values", async () => {
  const { code, stdout, stderr } = await run([
    `import { beside } from "./beside.ts";\nconst x: number = await Promise.resolve(20);`,
    `import * as tf from "@tensorflow/tfjs-core";\nx + 1`,
    `Deno.jupyter.svg\`<svg/>\``,
    `await Deno.jupyter.display({ "text/plain": "drawn" }, { raw: true });\n({ beside, square: typeof tf.square })`,
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /In \[1\]:\n\nIn \[2\]:\n21\n\nIn \[3\]:\n<image\/svg\+xml, 6 characters>\n/);
  assert.match(stdout, /In \[4\]:\ndrawn\n\{ beside: "a neighbour", square: "function" \}\n/);
});

Deno.test("run_notebooks fails naming notebook, cell and error when a cell throws", async () => {
  const { code, stdout, stderr } = await run(["1", "const y = 2;\nthrow new RangeError(`boom ${y}`);", "3"]);
  assert.equal(code, 1);
  assert.match(stderr, /^notebooks: tiny\.ipynb, cell 2: RangeError: boom 2$/m);
  assert.match(stderr, /at tiny\.ipynb, cell 2, line 2/);
  assert.doesNotMatch(stdout, /In \[3\]/);
});

Deno.test("run_notebooks fails when types do not fit, before anything runs", async () => {
  const { code, stdout, stderr } = await run(["1", "2", "const z: string = 3;"]);
  assert.equal(code, 1);
  assert.match(stderr, /^notebooks: tiny\.ipynb, cell 3: Type 'number' is not assignable to type 'string'\.$/m);
  assert.doesNotMatch(stdout, /In \[1\]/);
});

Deno.test("run_notebooks lets no cell use the network", async () => {
  const { code, stderr } = await run([`await fetch("https://example.com");`]);
  assert.equal(code, 1);
  assert.match(stderr, /^notebooks: tiny\.ipynb, cell 1: NotCapable: Requires net access/m);
});

Deno.test("run_notebooks fails on a file that is no notebook", async () => {
  const { code, stderr } = await run([], "{ not JSON");
  assert.equal(code, 1);
  assert.match(stderr, /^notebooks: tiny\.ipynb: /m);
});
