import assert from "node:assert/strict";
import fc from "fast-check";
import { type HeldMemory, toGiveUp } from "./_plan_memory.ts";

const MB = 2 ** 20;

interface Named extends HeldMemory {
  readonly name: string;
}

/** A session that ran often, at time 0, and took 1 s to compile. */
function session(name: string, megabytes: number, more: Partial<HeldMemory> = {}): Named {
  return { name, bytes: megabytes * MB, compileMs: 1000, usedAt: 0, ranOnce: false, cameAgain: false, ...more };
}

/** Names of what is given up before a session of `megabytes` is made. */
function givenUp(held: readonly Named[], megabytes: number, now = 0): readonly string[] {
  return toGiveUp(held, { bytes: megabytes * MB, now }).map(({ name }) => name);
}

Deno.test("toGiveUp() gives up the last phase's step and evaluation before the next phase's step", () => {
  const held = [session("float step", 300), session("float evaluation", 100), session("calibration", 20)];
  assert.deepEqual(givenUp(held, 300), ["float step"]);
  assert.deepEqual(givenUp([...held.slice(1), session("step", 300)], 320), ["float evaluation", "calibration"]);
});

Deno.test("toGiveUp() keeps a step and its evaluation, which take turns, at any size", () => {
  assert.deepEqual(givenUp([session("step", 300)], 100), []);
  assert.deepEqual(givenUp([session("evaluation", 100)], 300), []);
  assert.deepEqual(givenUp([session("step", 3000)], 3000), []);
});

Deno.test("toGiveUp() keeps what takes little memory together", () => {
  assert.deepEqual(givenUp([session("a", 40), session("b", 40)], 40), []);
  assert.deepEqual(givenUp([session("a", 40), session("b", 40), session("c", 40)], 40), ["a"]);
});

Deno.test("toGiveUp() gives up what ran once, unless it came again after it was given up", () => {
  assert.deepEqual(givenUp([session("first step", 10, { ranOnce: true })], 10), ["first step"]);
  assert.deepEqual(givenUp([session("again", 10, { ranOnce: true, cameAgain: true })], 10), []);
});

Deno.test("toGiveUp() gives up what came again only after it was idle for 50 times as long as compiling takes", () => {
  const held = [session("step", 300, { cameAgain: true }), session("other", 300), session("last", 300)];
  assert.deepEqual(givenUp(held, 300, 50_000), ["other"]);
  assert.deepEqual(givenUp(held, 300, 50_001), ["step", "other"]);
});

Deno.test("toGiveUp() compiles each of any sessions that take turns once more at the most", () => {
  const sizes = fc.array(fc.integer({ min: 10, max: 500 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(sizes, (sizes) => {
      let held: Named[] = [];
      const compilations = new Map<string, number>();
      for (let round = 0; round < 5; round++) {
        sizes.forEach((megabytes, i) => {
          const [name, known] = [`${i}`, held.find((each) => each.name === `${i}`)];
          if (known === undefined) {
            const gone = givenUp(held, megabytes);
            held = held.filter((each) => !gone.includes(each.name));
            compilations.set(name, (compilations.get(name) ?? 0) + 1);
          }
          const cameAgain = compilations.get(name)! > 1;
          held = [...held.filter((each) => each !== known), session(name, megabytes, { cameAgain })];
        });
      }
      assert.ok([...compilations.values()].every((count) => count <= 2), `${[...compilations]}`);
    }),
    { seed: 1, numRuns: 200 },
  );
});
