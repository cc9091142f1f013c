import assert from "node:assert/strict";
import { Random } from "./random.ts";
import { hashName, seedFor } from "./seed.ts";

Deno.test("hashName() gives the published values of FNV-1a with 32 bits", () => {
  // Fowler, Noll, Vo: test vectors of draft-eastlake-fnv, appendix C
  const vectors = { "": 0x811c9dc5, "a": 0xe40c292c, "b": 0xe70c2de5, "foo": 0xa9f37ed7, "foobar": 0xbf9cf968 };
  for (const [name, hash] of Object.entries(vectors)) assert.equal(hashName(name), hash, name);
});

Deno.test("seedFor() draws from the stream of the name", () => {
  assert.equal(seedFor("foobar", 3), new Random(3, [0xbf9cf968]).uint32());
  assert.notEqual(seedFor("a", 3), seedFor("b", 3));
  assert.notEqual(seedFor("a", 3), seedFor("a", 4));
});
