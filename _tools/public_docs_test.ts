import assert from "node:assert/strict";
import { type Docs, findFlaws, judgeDocstring } from "./_public_docs.ts";

/** Runs `deno doc --json` on a module of `source`. */
async function document(source: string): Promise<Docs> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/inner.ts`, "/** Returns 1. */\nexport function one(): number { return 1; }\n");
    await Deno.writeTextFile(`${folder}/x.ts`, source);
    const args = ["doc", "--json", "x.ts", "inner.ts"];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function flawedNames(source: string, level: "internal" | "public"): Promise<string[]> {
  return findFlaws(await document(source), level).map((flaw) => flaw.name);
}

Deno.test("findFlaws() passes what is described", async () => {
  const source = `
    export { one } from "./inner.ts";
    /** A number. */
    export const x = 1;
    /** Options of f. */
    export interface FOptions {
      /** How many. */
      readonly count: number;
    }
    /** Returns \`n\`. */
    export function f(n: number): number;
    export function f(n: string): string;
    export function f(n: number | string): number | string { return n; }
    function hidden(): void {}
  `;
  assert.deepEqual(await flawedNames(source, "public"), []);
});

Deno.test("findFlaws() names what has no docstring, with its line", async () => {
  const source = "export const x = 1;\n\nexport type T = string;\nexport class C {}\nexport function f(): void {}\n";
  const flaws = findFlaws(await document(source), "internal");
  assert.deepEqual(flaws.map(({ name, line }) => [name, line]), [["x", 1], ["T", 3], ["C", 4], ["f", 5]]);
});

Deno.test("findFlaws() asks for members of options and methods of classes where they are public", async () => {
  const source = `
    /** Options of f. */
    export interface FOptions { readonly count: number; }
    /** A class. */
    export class C {
      run(): void {}
      private hide(): void {}
      protected help(): void {}
      override toString(): string { return ""; }
    }
  `;
  assert.deepEqual(await flawedNames(source, "public"), ["FOptions.count", "C.run"]);
  assert.deepEqual(await flawedNames(source, "internal"), []);
});

Deno.test("findFlaws() refuses JSON of another version", () => {
  assert.throws(() => findFlaws({ version: 3, nodes: {} }, "public"), TypeError);
});

Deno.test("judgeDocstring() wants a capital, a whole sentence and, of a function, a verb", () => {
  const judge = (doc: string, needsVerb = false) => judgeDocstring({ doc }, { needsVerb });
  assert.equal(judge("Rounds `x`,\nties to even.\n\nMore here", true), undefined);
  assert.equal(judge("Whether it is.", true), undefined);
  assert.equal(judge("`x` as text."), undefined);
  assert.equal(judge("y = x + 1."), undefined);
  assert.match(judge("quantize tensor.") ?? "", /capital/);
  assert.match(judge("Quantize tensor") ?? "", /end its first sentence/);
  assert.match(judge("Quantized tensor.", true) ?? "", /verb/);
  assert.match(judge("This is it.", true) ?? "", /verb/);
  assert.match(judge("  ") ?? "", /no docstring/);
});
