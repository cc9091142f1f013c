import assert from "node:assert/strict";
import type { FoundThing, PictureAnswer } from "./answer.ts";
import { describeAnswer, scored } from "./words.ts";

/** The lines without their classes. */
function textsOf(answer: PictureAnswer): string[] {
  return describeAnswer(answer).map(({ text }) => text);
}

Deno.test("describeAnswer() names a class, and the next ones from half a percent on", () => {
  const answer = { kind: "class", output: "out", name: "cat", probability: 0.9712, next: [] } as const;
  assert.deepEqual(textsOf(answer), ["cat 97.1 %"]);
  const next = [{ name: "dog", probability: 0.02 }, { name: "cow", probability: 0.005 }, {
    name: "ant",
    probability: 0.0049,
  }];
  assert.deepEqual(textsOf({ ...answer, next }), ["cat 97.1 % (dog 2.0 %, cow 0.5 %)"]);
});

Deno.test("describeAnswer() lists labels, numbers with units, and points by their count", () => {
  const labels = [{ name: "wet", probability: 1 }, { name: "dark", probability: 0.505 }];
  assert.deepEqual(textsOf({ kind: "labels", output: "out", labels }), ["wet 100.0 %, dark 50.5 %"]);
  assert.deepEqual(textsOf({ kind: "labels", output: "out", labels: [] }), ["no label"]);
  const numbers = [{ name: "age", value: 31.23456, unit: "years" }, { name: "x", value: -1e-7, unit: "" }];
  assert.deepEqual(textsOf({ kind: "numbers", output: "out", numbers }), ["age 31.23 years, x -1e-7"]);
  const points = [1, 2, 3].map((x) => ({ name: "", x, y: 0 }));
  assert.deepEqual(textsOf({ kind: "points", output: "out", points }), ["3 points"]);
});

Deno.test("describeAnswer() tells boxes line by line, to the pixel, twelve lines at the most", () => {
  const thing: FoundThing = { name: "cat", probability: 0.5, group: 3, x: 1.5, y: 2.4, width: 10.5, height: 4.49 };
  const boxes = (count: number) => describeAnswer({ kind: "boxes", boxes: Array(count).fill(thing) });
  assert.deepEqual(boxes(0), [{ text: "nothing found" }]);
  const line = { text: "cat 50.0 % at 2, 2, 11 x 4 pixels", group: 3 };
  assert.deepEqual(boxes(1), [line]);
  assert.deepEqual(boxes(12), Array(12).fill(line));
  assert.deepEqual(boxes(13), [...Array(11).fill(line), { text: "and 2 more" }]);
});

Deno.test("describeAnswer() tells what share of the pixels a class has, with its number", () => {
  const mask = { width: 1, height: 1, classes: new Uint8Array(1) };
  const classes = [{ name: "sky", group: 2, share: 0.75 }, { name: "sea", group: 0, share: 0.25 }];
  assert.deepEqual(describeAnswer({ kind: "mask", output: "out", classes, mask }), [
    { text: "sky 75.0 %", group: 2 },
    { text: "sea 25.0 %", group: 0 },
  ]);
});

Deno.test("scored() lets no name steer a terminal", () => {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  assert.doesNotMatch(scored({ name: "a\x1b[2J\n", probability: 0 }), /[\x1b\n]/);
});
