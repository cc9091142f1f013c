import assert from "node:assert/strict";
import { parse } from "@babel/parser";
import { listModules } from "../_list_modules.ts";
import { listMutants, switchMutants } from "./_mutants.ts";

/** The texts that could stand in place of parts of `source`. */
function changesOf(source: string): string[] {
  return listMutants("a.ts", source).map(({ from, to, operator }) => `${operator}: ${from} → ${to}`);
}

/** Runs `source`, which sets `result`, with mutant `on` of it. */
function run(source: string, on: number): unknown {
  const mutants = new Map(listMutants("a.ts", source).map((mutant, id) => [id, mutant]));
  const text = switchMutants(source, { mutants, isOn: "isOn" });
  return new Function("isOn", `let result;\n${text}\nreturn result;`)((id: number) => id === on);
}

Deno.test("listMutants() changes operators, operands, bounds and roundings", () => {
  assert.deepEqual(changesOf("x = a - b;"), [
    "statement: x = a - b; → ",
    "arithmetic: a - b → (a) + (b)",
    "operands: a - b → (b) - (a)",
  ]);
  assert.deepEqual(changesOf("x = Math.min(a, b)").slice(1), [
    "bound: Math.min(a, b) → Math.max(a, b)",
    "bound: Math.min(a, b) → a",
    "bound: Math.min(a, b) → b",
  ]);
  assert.deepEqual(changesOf("x = roundHalfEven(a)").slice(1), [
    "rounding: roundHalfEven(a) → Math.round(a)",
    "rounding: roundHalfEven(a) → Math.trunc(a)",
  ]);
  assert.deepEqual(changesOf("x = f(a, b, 'c')").slice(1), ["arguments: f(a, b, 'c') → f(b, a, 'c')"]);
});

Deno.test("listMutants() leaves types, names, sums of texts and what is said to people alone", () => {
  assert.deepEqual(changesOf("type A = 1 | 2; interface B { readonly c: 3 }"), []);
  assert.deepEqual(changesOf("throw new RangeError(`${a - b} is ${c < d}`);"), []);
  assert.deepEqual(changesOf("const o = { 1: a, b };"), []);
  assert.deepEqual(changesOf('const o = "a" + b;'), []);
  assert.deepEqual(changesOf("const o = a.toString() + b.constructor;").slice(0, 1), [
    "arithmetic: a.toString() + b.constructor → (a.toString()) - (b.constructor)",
  ]);
  assert.deepEqual(changesOf("const o = decline(a ? b : c);"), []);
});

Deno.test("listMutants() numbers changes that are alike, so that each has its own name", () => {
  const alike = listMutants("a.ts", "function f() { return [a - b, a - b]; }").filter(({ operator }) =>
    operator === "arithmetic"
  );
  assert.deepEqual(alike.map(({ place, occurrence }) => [place, occurrence]), [["f", 0], ["f", 1]]);
});

Deno.test("switchMutants() runs as the original with none on, and as exactly one change with one on", () => {
  const source = "const a = 7, b = 2; result = (a - b) * b; if (a > b) result = result - 1;";
  const mutants = listMutants("a.ts", source);
  assert.equal(run(source, -1), 9);
  mutants.forEach(({ range: [start, end], to }, id) => {
    const changed = `let result; ${source.slice(0, start)}${to || ";"}${source.slice(end)} return result;`;
    assert.equal(run(source, id), new Function(changed)(), `mutant ${id}: ${source.slice(start, end)} → ${to}`);
  });
});

Deno.test("switchMutants() keeps what cuts a chain of ?. short, spreads, and awaits", async () => {
  const source = "const o = undefined; result = [o?.list.filter((x) => x > 1).length, ...[1, 2], f(await 3)];";
  const mutants = new Map(listMutants("a.ts", source).map((mutant, id) => [id, mutant]));
  const text = switchMutants(source, { mutants, isOn: "isOn" });
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const body = `let result; const f = (x) => x; ${text} return result;`;
  assert.deepEqual(await new AsyncFunction("isOn", body)(() => false), [undefined, 1, 2, 3]);
});

Deno.test("switchMutants() makes a module of every module, with all of its mutants in it", async () => {
  for (const file of await listModules()) {
    const source = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    const mutants = new Map(listMutants(file, source).map((mutant, id) => [id, mutant]));
    const text = switchMutants(source, { mutants, isOn: "isOn" });
    assert.doesNotThrow(() => parse(text, { sourceType: "module", plugins: ["typescript"] }), file);
  }
});
