import assert from "node:assert/strict";
import fc from "fast-check";
import { shadow } from "./shadow.ts";

class Counter {
  count = 1;
  read(times = 1): number {
    return this.count * times;
  }
}

/** What an object must be again when all shadows are gone. */
function assertUntouched(counter: Counter): void {
  assert.deepEqual(Object.getOwnPropertyNames(counter), ["count"]);
  assert.equal(counter.read(3), 3);
}

Deno.test("shadow() hides the method of one object, passes arguments on, and brings it back", () => {
  const [counter, other] = [new Counter(), new Counter()];
  const restore = shadow(counter, "read", (next, times) => 10 * next(times) + 1);
  assert.deepEqual([counter.read(), counter.read(2), other.read()], [11, 21, 1]);
  restore();
  assertUntouched(counter);
});

Deno.test("shadow() keeps `this` of the object's own method", () => {
  const counter = new Counter();
  shadow(counter, "read", (next) => next(2));
  counter.count = 7;
  assert.equal(counter.read(), 14);
});

Deno.test("shadow() stacks, and each shadow goes by itself, whichever ends first", () => {
  const counter = new Counter();
  const inner = shadow(counter, "read", (next) => 10 * next() + 2);
  const outer = shadow(counter, "read", (next) => 10 * next() + 3);
  assert.equal(counter.read(), 123);
  inner();
  assert.equal(counter.read(), 13, "the newer one is still there, and does not call the one that has ended");
  outer();
  assertUntouched(counter);
});

Deno.test("shadow() restores an own method as it was", () => {
  const counter = Object.defineProperty(new Counter(), "read", {
    value: () => 5,
    configurable: true,
    enumerable: true,
  });
  const before = Object.getOwnPropertyDescriptor(counter, "read");
  const restores = [1, 2].map(() => shadow(counter, "read", (next) => next() + 1));
  assert.equal(counter.read(), 7);
  for (const restore of restores) restore();
  assert.deepEqual(Object.getOwnPropertyDescriptor(counter, "read"), before);
});

Deno.test("shadow() does what a list of shadows says, added and removed in any order", () => {
  // Each number adds a shadow, or removes the one at that place if it is there.
  fc.assert(fc.property(fc.array(fc.nat({ max: 5 })), (changes) => {
    const counter = new Counter();
    const live: { readonly digit: number; readonly restore: () => void }[] = [];
    changes.forEach((change, digit) => {
      const [gone] = change < live.length ? live.splice(change, 1) : [];
      if (gone === undefined) live.push({ digit, restore: shadow(counter, "read", (next) => next() + 2 ** digit) });
      else gone.restore();
      assert.equal(counter.read(), live.reduce((sum, { digit }) => sum + 2 ** digit, 1));
    });
    for (const { restore } of live) restore();
    assertUntouched(counter);
  }));
});

Deno.test("shadow() may be restored twice, and while a call is under way", () => {
  const counter = new Counter();
  const restores = [
    shadow(counter, "read", (next) => 10 * next() + 2),
    shadow(counter, "read", (next) => {
      for (const restore of [...restores, ...restores]) restore();
      return 10 * next() + 3;
    }),
  ];
  assert.equal(counter.read(), 123, "the call goes on with the shadows that it began with");
  assertUntouched(counter);
});

Deno.test("shadow() stays in force when what it calls throws", () => {
  const counter = new Counter();
  const restore = shadow(counter, "read", () => {
    throw new RangeError("no");
  });
  assert.throws(() => counter.read(), RangeError);
  assert.throws(() => counter.read(), RangeError);
  restore();
  assertUntouched(counter);
});

Deno.test("shadow() leaves a method that somebody else has put in its place", () => {
  const counter = new Counter();
  const restore = shadow(counter, "read", (next) => 10 * next());
  const { read } = counter;
  counter.read = () => read.call(counter) + 1;
  assert.equal(counter.read(), 11);
  restore();
  assert.equal(counter.read(), 2, "theirs, around the original");
});

Deno.test("shadow() refuses what is no method, and an object that is frozen, and changes nothing then", () => {
  const counter = new Counter();
  // What a program without types may ask for.
  const missing = "reed" as "read";
  assert.throws(() => shadow(counter, missing, () => 0), {
    name: "TypeError",
    message: `Cannot shadow "reed": the object has no method of that name`,
  });
  const frozen = Object.freeze(new Counter());
  assert.throws(() => shadow(frozen, "read", () => 0), TypeError);
  assertUntouched(counter);
  assertUntouched(frozen);
});
