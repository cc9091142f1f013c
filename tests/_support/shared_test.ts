import assert from "node:assert/strict";
import { sharedPath, testWithShared } from "./shared.ts";

Deno.test("sharedPath() gives undefined for what is not there", () => {
  assert.equal(sharedPath("no/such/file"), undefined);
});

testWithShared("testWithShared() hands over an absolute path when the material is there", "STYLE.md", (path) => {
  assert.ok(path.startsWith("/") && Deno.statSync(path).isFile);
});
