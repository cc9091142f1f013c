import assert from "node:assert/strict";
import { joinBytes } from "./bytes.ts";

Deno.test("joinBytes() keeps the order of pieces, empty ones and views among them, and shares no memory", () => {
  const source = Uint8Array.of(9, 1, 2, 9);
  const joined = joinBytes([source.subarray(1, 3), new Uint8Array(0), Uint8Array.of(3)]);
  source.fill(0);
  assert.deepEqual([...joined], [1, 2, 3]);
  assert.equal(joined.buffer.byteLength, 3);
  assert.equal(joinBytes([]).length, 0);
});
