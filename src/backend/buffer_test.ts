import assert from "node:assert/strict";
import { release } from "./_buffer.ts";

Deno.test("release() empties an array, and leaves one that somebody else may hold", () => {
  const [own, handedOut] = [Float32Array.of(1, 2), Float32Array.of(1, 2)];
  release({ data: own, exposed: false });
  release({ data: handedOut, exposed: true });
  assert.deepEqual([own.length, own.buffer.detached, [...handedOut]], [0, true, [1, 2]]);
});
