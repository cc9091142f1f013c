import assert from "node:assert/strict";
import { BufferPool } from "./_buffer.ts";

const floats = (length: number) => ({ data: new Float32Array(length), exposed: false });

Deno.test("take() returns an array given back, of the same dtype and length", () => {
  const pool = new BufferPool(1000);
  const { data } = floats(10);
  pool.give("float32", { data, exposed: false });
  assert.equal(pool.bytes, 40);
  assert.notEqual(pool.take("float32", 9), data);
  assert.ok(pool.take("int32", 10) instanceof Int32Array);
  assert.equal(pool.take("float32", 10), data);
  assert.equal(pool.bytes, 0);
  assert.notEqual(pool.take("float32", 10), data);
});

Deno.test("give() keeps no array that somebody else may hold, and none beyond the limit", () => {
  const pool = new BufferPool(100);
  pool.give("float32", { data: new Float32Array(10), exposed: true });
  pool.give("float32", floats(26));
  assert.equal(pool.bytes, 0);
});

Deno.test("give() drops the kinds unused for longest when the pool is full", () => {
  const pool = new BufferPool(100);
  const [old, recent, last] = [floats(10), floats(11), floats(12)];
  pool.give("float32", old);
  pool.give("float32", recent);
  // Used again: now the other one is the oldest.
  pool.give("float32", { data: pool.take("float32", 10), exposed: false });
  pool.give("float32", last);
  assert.equal(pool.bytes, 40 + 48);
  assert.equal(pool.take("float32", 10), old.data);
  assert.equal(pool.take("float32", 12), last.data);
  assert.notEqual(pool.take("float32", 11), recent.data);
});

Deno.test("give() keeps arrays up to the very limit", () => {
  const pool = new BufferPool(80);
  const [first, second] = [floats(10), floats(10)];
  pool.give("float32", first);
  pool.give("float32", second);
  assert.equal(pool.bytes, 80);
  const whole = new BufferPool(40);
  whole.give("float32", first);
  assert.equal(whole.bytes, 40);
});

Deno.test("clear() drops all", () => {
  const pool = new BufferPool(100);
  pool.give("float32", floats(10));
  pool.clear();
  assert.equal(pool.bytes, 0);
});
