import assert from "node:assert/strict";
import { parseShapes } from "./_shapes.ts";

Deno.test("parseShapes() reads shapes by the names of their inputs, which may hold what they like", () => {
  assert.deepEqual(parseShapes(["image=1,224,224,3", "a=b:0=2,5"]), { image: [1, 224, 224, 3], "a=b:0": [2, 5] });
  assert.deepEqual(Object.keys(parseShapes(["__proto__=1"])), ["__proto__"]);
});

Deno.test("parseShapes() refuses what is no shape, a side of nothing, a second one, and more than fits memory", () => {
  for (const text of ["", "x", "x=", "=1,2", "x=1,,2", "x=0", "x=1,-2", "x=1.5", "x=1,2097152", "x=1e3"]) {
    assert.throws(() => parseShapes([text]), {
      name: "RangeError",
      message: /^Cannot use --shape ".*": needed are an/,
    });
  }
  assert.throws(() => parseShapes(["x=1", "x=2"]), /"x" has another already/);
  assert.throws(() => parseShapes(["x=1,100000,100000"]), /more than 268435456 numbers/);
});
