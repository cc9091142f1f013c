import assert from "node:assert/strict";
import { readJson, writeJson } from "./json.ts";

const VALUES: readonly unknown[] = [
  NaN,
  Infinity,
  -Infinity,
  -0,
  0,
  0.1,
  5e-324,
  -7n,
  2n ** 70n,
  null,
  true,
  "NaN",
  [],
  {},
  [NaN, [-0, { a: -Infinity, b: [1n] }]],
  { number: 1, bigint: "x", other: "NaN" },
  { number: "NaN", more: 1 },
  { number: "one" },
  { bigint: "1.5" },
  { score: { best: NaN, at: 3 } },
];

for (const value of VALUES) {
  const text = writeJson(value);
  Deno.test(`readJson() gives back what writeJson() wrote as ${text}`, () => {
    assert.deepEqual(readJson(text), value);
    assert.ok(JSON.parse(text) !== undefined);
  });
}

Deno.test("readJson() refuses what is no JSON", () => {
  for (const text of ["", "{", "NaN", "1n"]) assert.throws(() => readJson(text), SyntaxError);
});
