import assert from "node:assert/strict";
import { checkChoice, lookUp, nearestName, suggestName } from "./nearest.ts";

Deno.test("nearestName() finds the name that differs least, in any case, or none", () => {
  const names = ["cifar_cnn", "tiny_yolo", "resnet20"];
  assert.equal(nearestName("resnet-20", names), "resnet20");
  assert.equal(nearestName("TinyYolo", names), "tiny_yolo");
  assert.equal(nearestName("vgg", names), undefined);
  assert.equal(nearestName("x68", ["arm", "x86"]), "x86", "two neighbours swapped are one slip");
  assert.equal(nearestName("dens", ["conv2d_Conv2D1", "dense_Dense1"]), "dense_Dense1", "its beginning");
});

Deno.test("suggestName() lists the first twenty of many names", () => {
  const names = Array.from({ length: 21 }, (_, i) => `conv${i}`);
  assert.equal(
    suggestName("conf20", names),
    `needed is one of ${names.slice(0, 20).join(", ")}, … (21 in all) (did you mean "conv20"?)`,
  );
});

Deno.test("checkChoice() returns the choice, and names the nearest of a wrong one", () => {
  const of = ["nhwc", "nchw"] as const;
  assert.equal(checkChoice("nchw", { of, cannot: "Cannot" }), "nchw");
  assert.throws(() => checkChoice("nchv", { of, cannot: `Cannot use "nchv"` }), {
    name: "RangeError",
    message: `Cannot use "nchv": needed is one of nhwc, nchw (did you mean "nchw"?)`,
  });
  assert.throws(() => checkChoice("toString", { of, cannot: "Cannot" }), RangeError);
});

Deno.test("lookUp() finds a table's own entries only", () => {
  const table = { a: 1 };
  assert.deepEqual([lookUp(table, "a"), lookUp(table, "constructor"), lookUp(table, "__proto__")], [
    1,
    undefined,
    undefined,
  ]);
});

Deno.test("nearestName() counts a swap of two neighbours as one edit, and takes the first of names as near", () => {
  // Two edits of four letters are half of them; a swap counted as two, and one more, would be three.
  assert.equal(nearestName("baxd", ["abcd"]), "abcd");
  assert.equal(nearestName("abdc", ["abcd"]), "abcd");
  assert.equal(nearestName("dcba", ["abcd"]), undefined);
  assert.equal(nearestName("cat", ["bat", "rat"]), "bat");
  assert.equal(nearestName("ca", ["ab", "cab"]), "cab");
  assert.equal(nearestName("xyz", ["abc"]), undefined);
  assert.equal(nearestName("xbcx", ["abcd"]), "abcd");
  assert.equal(nearestName("xbxx", ["abcd"]), undefined);
});
