import assert from "node:assert/strict";
import { keyOf, listMutants } from "./_mutants.ts";
import { sampleMutants } from "./_sample.ts";

const large = listMutants("large.ts", Array.from({ length: 90 }, (_, i) => `f(a${i} * b);`).join("\n"));
const small = listMutants("small.ts", "f(a * b); f(a * c); f(a * d);");

Deno.test("sampleMutants() takes as many as asked, in proportion to the files", () => {
  const chosen = sampleMutants([large, small], { count: 30, seed: 0 });
  assert.equal(chosen.length, 30);
  assert.equal(chosen.filter(({ file }) => file === "small.ts").length, 1);
  assert.equal(new Set(chosen.map(keyOf)).size, 30);
});

Deno.test("sampleMutants() takes all where fewer are there, and none of no files", () => {
  assert.equal(sampleMutants([small], { count: 40, seed: 0 }).length, small.length);
  assert.deepEqual(sampleMutants([], { count: 40, seed: 0 }), []);
});

Deno.test("sampleMutants() repeats itself, and takes others for another seed", () => {
  const [one, same, other] = [1, 1, 2].map((seed) => sampleMutants([large], { count: 20, seed }).map(keyOf));
  assert.deepEqual(one, same);
  assert.notDeepEqual(one, other);
});

Deno.test("sampleMutants() takes the same where a line was added above", () => {
  const source = Array.from({ length: 90 }, (_, i) => `f(a${i} * b);`).join("\n");
  const longer = listMutants("large.ts", `// a comment\n${source}`);
  const keys = [large, longer].map((mutants) => sampleMutants([mutants], { count: 20, seed: 3 }).map(keyOf));
  assert.deepEqual(keys[0], keys[1]);
});

Deno.test("sampleMutants() changes each place once before any twice", () => {
  const chosen = sampleMutants([small], { count: 6, seed: 0 });
  assert.equal(new Set(chosen.map(({ range }) => range.join())).size, 6);
});
