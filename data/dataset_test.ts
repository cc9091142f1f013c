import assert from "node:assert/strict";
import { countClasses, imageSet, select, take } from "./dataset.ts";

const SET = imageSet("three", {
  height: 1,
  width: 2,
  channels: 1,
  images: Uint8Array.of(1, 2, 3, 4, 5, 6),
  labels: Int32Array.of(0, 1, 1),
  classNames: ["a", "b"],
});

Deno.test("imageSet() refuses parts that do not fit together", () => {
  const message = (change: Partial<typeof SET>) => {
    try {
      imageSet("x", { ...SET, ...change });
    } catch (error) {
      return String(error);
    }
  };
  assert.match(message({ images: new Uint8Array(5) }) ?? "", /TypeError: .*"x": it has 5 bytes .* 3 of 1x2x1 need 6/);
  assert.match(
    message({ labels: Int32Array.of(0, 2, 1) }) ?? "",
    /RangeError: .*label of image 1 is 2, needed is 0 to 1/,
  );
  assert.match(message({ labels: Int32Array.of(0, 0, -1) }) ?? "", /label of image 2 is -1/);
  assert.match(message({ labels: new Int32Array(0), images: new Uint8Array(0) }) ?? "", /has no images/);
  assert.match(message({ channels: 2 }) ?? "", /shape is 1x2x2/);
  assert.match(message({ height: 0 }) ?? "", /shape is 0x2x1/);
  assert.equal(message({}), undefined);
});

Deno.test("take() keeps the first images and is the set itself when there are fewer", () => {
  const two = take(SET, 2);
  assert.equal(two.count, 2);
  assert.deepEqual([...two.images], [1, 2, 3, 4]);
  assert.deepEqual([...two.labels], [0, 1]);
  assert.equal(take(SET, 3), SET);
  assert.equal(take(SET, 99), SET);
  for (const n of [0, -1, 1.5, NaN]) assert.throws(() => take(SET, n), /limit is .*, needed is a positive integer/);
});

Deno.test("select() picks images and labels in the order of the indices", () => {
  const picked = select(SET, [2, 0, 2]);
  assert.deepEqual([...picked.images], [5, 6, 1, 2, 5, 6]);
  assert.deepEqual([...picked.labels], [1, 0, 1]);
  assert.throws(() => select(SET, [3]), /index 3 is outside 0 to 2/);
});

Deno.test("countClasses() counts by class", () => {
  assert.deepEqual(countClasses(SET), [1, 2]);
});
