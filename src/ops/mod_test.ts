import assert from "node:assert/strict";
import type { OpCases } from "../../tests/_support/op_cases.ts";
import { OPS } from "./mod.ts";

/** Merges what all `x_cases.ts` beside this file export. */
async function allCases(): Promise<OpCases> {
  const merged: Record<string, OpCases[string]> = {};
  for await (const { name } of Deno.readDir(new URL(".", import.meta.url))) {
    if (!name.endsWith("_cases.ts")) continue;
    const { cases }: { readonly cases: OpCases } = await import(new URL(name, import.meta.url).href);
    for (const [kernel, list] of Object.entries(cases)) merged[kernel] = [...merged[kernel] ?? [], ...list];
  }
  return merged;
}

Deno.test("OPS has every op under its own kernel's name", () => {
  for (const [kernel, op] of Object.entries(OPS)) assert.equal(op.kernel, kernel);
});

Deno.test("OPS has cases for every row, and every case has a row", async () => {
  const cases = await allCases();
  const tested = Object.keys(cases).filter((kernel) => cases[kernel].length > 0);
  assert.deepEqual(tested.sort(), Object.keys(OPS).sort());
});

Deno.test("OPS has no two cases of one kernel with the same name", async () => {
  for (const [kernel, list] of Object.entries(await allCases())) {
    const names = list.map(({ name }) => name);
    assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), [], kernel);
  }
});
