import assert from "node:assert/strict";
import { findStale, isEquivalent } from "./_equivalents.ts";
import { groupOf, GROUPS } from "./_goals.ts";
import { listMutants } from "./_mutants.ts";
import { reachOf, timesOf } from "./_notes.ts";
import { countTrials, findFault, formatRows } from "./_summary.ts";
import { distanceOf } from "./_test_files.ts";
import type { Fate } from "./_try.ts";

const [mutant] = listMutants("job/a.ts", "function f() {\n  return a -\n    b;\n}");

function trialsOf(counts: Partial<Record<Fate, number>>) {
  return Object.entries(counts).flatMap(([fate, count]) => {
    const known: Fate[] = ["caught", "timeout", "survived", "unreached", "equivalent"];
    return Array.from({ length: count }, () => ({ mutant, fate: known.find((name) => name === fate) ?? "survived" }));
  });
}

Deno.test("countTrials() counts timeouts as caught, and shares without the equivalent ones", () => {
  const row = countTrials("job", trialsOf({ caught: 6, timeout: 1, survived: 1, equivalent: 2 }));
  assert.deepEqual(row, { group: "job", changes: 10, caught: 7, equivalent: 2, share: 7 / 8, goal: 0.9 });
});

Deno.test("findFault() refuses a low share, and too many that are called equivalent", () => {
  assert.match(findFault(countTrials("job", trialsOf({ caught: 8, unreached: 1 }))) ?? "", /88.9 % are caught/);
  assert.match(findFault(countTrials("data", trialsOf({ caught: 8, equivalent: 2 }))) ?? "", /2 of 10 are called/);
  assert.equal(findFault(countTrials("data", trialsOf({ caught: 9, equivalent: 1 }))), undefined);
  assert.equal(findFault(countTrials("src/shadow.ts", [])), undefined);
});

Deno.test("formatRows() lines its columns up", () => {
  const [head, row] = formatRows([countTrials("data", trialsOf({ caught: 9, survived: 1 }))]).split("\n");
  assert.equal(head.length, row.length);
  assert.match(row, /^data +10 +9 +0 +90.0 % +80.0 %$/);
});

Deno.test("findStale() finds entries that fit no place, whatever their lines and spaces", () => {
  const entry = { file: "job/a.ts", place: "f", from: "a - b", to: "(a) + (b)", because: "" };
  assert.equal(isEquivalent(mutant, [entry]), true);
  const moved = { ...entry, place: "g" };
  assert.equal(isEquivalent(mutant, [moved]), false);
  assert.deepEqual(findStale([entry, moved], [mutant]), [moved]);
});

Deno.test("reachOf() gives a mutant the tests that reach it, and what loading reaches to all of a file", () => {
  const lines = [
    { file: "a_test.ts", index: -1, ms: 0, reached: [2] },
    { file: "a_test.ts", index: 0, ms: 5, reached: [1] },
    { file: "a_test.ts", index: 1, ms: 6, reached: [] },
    { file: "b_test.ts", index: 0, ms: 7, reached: [1] },
  ];
  const reach = reachOf(lines);
  assert.deepEqual(reach.get(1)?.map(({ file, index }) => `${file} ${index}`), ["a_test.ts 0", "b_test.ts 0"]);
  assert.deepEqual(reach.get(2)?.map(({ file, index }) => `${file} ${index}`), ["a_test.ts 0", "a_test.ts 1"]);
  assert.equal(reach.get(3), undefined);
  assert.deepEqual([...timesOf(lines)], [["a_test.ts", 11], ["b_test.ts", 7]]);
});

Deno.test("distanceOf() puts a file's own test first, then its folder, its room, and the rest", () => {
  const tests = ["src/ops/relu_test.ts", "src/ops/add_test.ts", "src/onnx/graph_test.ts", "tests/cli_test.ts"];
  assert.deepEqual(tests.map((test) => distanceOf(test, "src/ops/relu.ts")), [0, 1, 3, 3]);
  assert.equal(distanceOf("src/onnx/graph_test.ts", "src/onnx/file/proto.ts"), 2);
});

Deno.test("groupOf() takes the longest name; folders with a goal of their own are no part of their room's", () => {
  assert.equal(groupOf("src/passes/step/blocked/mod.ts", GROUPS), "src/passes/step/blocked");
  assert.equal(groupOf("src/passes/step/mod.ts", GROUPS), "src/passes");
  assert.equal(groupOf("mod.ts", GROUPS), undefined);
});
