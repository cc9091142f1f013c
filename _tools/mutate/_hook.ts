/**
 * In a mutated copy of the tree, loaded before a test file: runs only the planned tests, or notes what each reaches.
 *
 * Copied beside _switch.ts and plan.json. Tests are told apart by their place in the file, for names may repeat.
 */
import plan from "./plan.json" with { type: "json" };
import { reached } from "./_switch.ts";

const ROOT = new URL("tree/", import.meta.url);
const file = Deno.mainModule.replace(ROOT.href, "");
const chosen = new Map<string, readonly number[]>(Object.entries(plan.tests)).get(file);
const declare = Deno.test;
let count = 0;

function declareWatched(...args: Parameters<typeof Deno.test>): void {
  const index = count++;
  const test = readDefinition(args);
  const ignore = test.ignore || (chosen && !chosen.includes(index));
  const run = plan.mutant >= 0 ? test.fn : (context: Deno.TestContext) => watch(index, () => test.fn(context));
  declare({ ...test, ignore, fn: (context) => (beat(index), run(context)) });
}

/** Runs a test and writes down how long it took and which places it reached; -1 stands for loading the file. */
async function watch(index: number, run: () => void | Promise<void>): Promise<void> {
  if (reached.size > 0) write({ file, index: -1, ms: 0, reached: [...reached] });
  reached.clear();
  const start = performance.now();
  await run();
  const ms = performance.now() - start;
  write({ file, index, ms, reached: [...reached, ...readPrograms()] });
  reached.clear();
}

/** Says which test begins. */
function beat(index: number): void {
  Deno.writeTextFileSync(new URL("beat.json", import.meta.url), JSON.stringify({ file, index, since: Date.now() }));
}

function readPrograms(): number[] {
  const folder = new URL("reached/", import.meta.url);
  return [...Deno.readDirSync(folder)].flatMap(({ name }) => {
    const url = new URL(name, folder);
    const ids: number[] = JSON.parse(Deno.readTextFileSync(url));
    Deno.removeSync(url);
    return ids;
  });
}

function write(note: { file: string; index: number; ms: number; reached: readonly number[] }): void {
  Deno.writeTextFileSync(new URL("notes.jsonl", import.meta.url), `${JSON.stringify(note)}\n`, { append: true });
}

/** Brings the forms of Deno.test into one. */
function readDefinition(args: readonly unknown[]): Deno.TestDefinition {
  const parts = args.map((arg) => {
    if (typeof arg === "string") return { name: arg };
    if (typeof arg === "function") return { fn: arg, ...arg.name ? { name: arg.name } : {} };
    return arg as Partial<Deno.TestDefinition>;
  });
  // An own name comes before that of the function, a function after the options that it goes with.
  return Object.assign({}, ...parts.toReversed());
}

Object.assign(Deno, { test: Object.assign(declareWatched, declare) });
