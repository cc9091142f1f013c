import assert from "node:assert/strict";
import { searchKept } from "./search.ts";

const NAMES = Array.from({ length: 12 }, (_, i) => `layer${i}`);

/** Searches for layers without which a model is not good enough. */
function searchFor(needed: readonly string[], most?: number) {
  return searchKept({
    candidates: NAMES,
    attempt: (layers) => Promise.resolve(needed.every((name) => layers.includes(name))),
    isEnough: (isGood) => isGood,
    ...(most === undefined ? {} : { most }),
  });
}

Deno.test("searchKept() keeps nothing in float where nothing is needed, by one attempt", async () => {
  const { best, choices } = await searchFor([]);
  assert.deepEqual([best?.layers, choices.length], [[], 1]);
});

Deno.test("searchKept() finds exactly the layers that are needed, wherever they stand among the candidates", async () => {
  for (const places of [[0], [11], [3], [0, 1], [2, 7], [5, 6, 11], [...NAMES.keys()]]) {
    const needed = places.map((place) => NAMES[place]);
    const { best, choices } = await searchFor(needed);
    assert.deepEqual(best?.layers, needed);
    const keys = choices.map(({ layers }) => layers.join());
    assert.equal(new Set(keys).size, keys.length, "nothing is tried twice");
  }
});

Deno.test("searchKept() says of what is never good enough that nothing was found, and what was tried", async () => {
  const { best, choices } = await searchFor(["another"]);
  assert.equal(best, undefined);
  assert.deepEqual(choices.map(({ layers }) => layers.length), [0, 1, 2, 4, 8, 12]);
});

Deno.test("searchKept() tries no more than doubling, halving and thinning take", async () => {
  // 0, 1, 2, 4, then 3; of three, each without which it might do.
  const { choices } = await searchFor([NAMES[2]]);
  assert.deepEqual(choices.map(({ layers }) => layers.map((name) => name.slice(5)).join(" ")), [
    "",
    "0",
    "0 1",
    "0 1 2 3",
    "0 1 2",
    "0 2",
    "2",
  ]);
});

Deno.test("searchKept() gives the smallest that it has when it may try no more", async () => {
  const { best, choices } = await searchFor(["layer4"], 6);
  assert.equal(choices.length, 6);
  assert.ok(best!.layers.includes("layer4") && best!.layers.length < 8);
});
