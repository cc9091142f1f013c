import assert from "node:assert/strict";
import { parseJson } from "./json.ts";

Deno.test("parseJson() refuses what is no JSON, what is too deep, and the key that assigning loses", () => {
  assert.deepEqual(parseJson(' {"a":[1,{"b":null}]} '), { a: [1, { b: null }] });
  assert.throws(() => parseJson(" "), { name: "JsonError", message: "it is empty, JSON is needed" });
  assert.throws(() => parseJson('{"a":'), /^JsonError: it is not valid JSON \(damaged or truncated\): /);
  assert.throws(() => parseJson(`"${"x".repeat(5000)}\n`), (error) => String(error).length < 300);
  assert.throws(() => parseJson("[".repeat(1e6) + "]".repeat(1e6)), /more than 300 levels/);
  assert.throws(() => parseJson('[{"\\u005f_proto__": {}}]'), /the key "__proto__"/);
  const deepest = `${"[".repeat(300)}${"]".repeat(300)}`;
  assert.ok(parseJson(deepest));
  assert.throws(() => parseJson(`[${deepest}]`), /levels/);
});
