import assert from "node:assert/strict";
import { Fields } from "../src/text/fields.ts";
import type { PictureAnswer } from "./answer.ts";
import type { FileOutput } from "./_file.ts";
import { readerOf } from "./_readers.ts";
import type { Place, Telling } from "./_reading.ts";

interface Output {
  readonly shape: readonly number[];
  readonly said: object;
  readonly values: readonly number[];
  readonly endsIn?: string;
}

/** A picture that is as large as the model's input, 8 × 4. */
const WHOLE: Place = {
  placement: { left: 0, top: 0, width: 8, height: 4, original: { width: 8, height: 4 } },
  shape: { width: 8, height: 4 },
};

/** What is read of outputs of these names. */
function read(
  outputs: Readonly<Record<string, Output>>,
  { telling = {}, place = WHOLE }: { readonly telling?: Telling; readonly place?: Place } = {},
): readonly PictureAnswer[] {
  const files = Object.entries(outputs).map(([name, { shape, said, endsIn = "" }]): FileOutput => {
    const decoding = new Fields(said, "Cannot predict", `outputs.${name}`);
    return { name, task: decoding.text("task"), shape, decoding, endsIn };
  });
  const reader = readerOf([files[0], ...files.slice(1)], telling);
  const answers = Object.entries(outputs).map(([name, { shape, values }]) =>
    [name, { values: Float32Array.from(values), shape: [1, ...shape] }] as const
  );
  return reader(Object.fromEntries(answers), 0, place);
}

/** What is read of one output "y". */
function readOne(output: Output, options: Parameters<typeof read>[1] = {}): PictureAnswer {
  const [answer] = read({ y: output }, options);
  return answer;
}

Deno.test("readerOf() tells the first class and four more, of equal ones the first, by number where they have no names", () => {
  const said = { task: "classification" };
  const values = [0.1, 0.2, 0.05, 0.2, 0.25, 0.15, 0.05];
  const answer = readOne({ shape: [7], said, values, endsIn: "Softmax" });
  assert.ok(answer.kind === "class");
  assert.deepEqual([answer.output, answer.name, answer.probability], ["y", "4", 0.25]);
  assert.deepEqual(answer.next.map(({ name }) => name), ["1", "3", "5", "0"]);
  // Of logits, however large, a softmax is taken: e² to 1.
  const logits = readOne({
    shape: [2],
    said: { ...said, classNames: ["a", "b"] },
    values: [1000, 1002],
    endsIn: "Add",
  });
  assert.ok(logits.kind === "class" && logits.name === "b");
  assert.ok(Math.abs(logits.probability - 1 / (1 + Math.exp(-2))) < 1e-6);
  assert.ok(Math.abs(logits.next[0].probability - 1 / (1 + Math.exp(2))) < 1e-6);
  assert.throws(() => readOne({ shape: [2, 2], said, values: [1, 2, 3, 4] }), {
    message: 'Cannot predict: its output "y" is [n,2,2], one answer a picture is needed, [n,numbers]',
  });
});

Deno.test("readerOf() tells labels above the threshold alone, and numbers with their unit", () => {
  const labels = readOne({ shape: [3], said: { task: "multi-label", threshold: 0.5 }, values: [0.5, 0.75, 0.25] });
  assert.deepEqual(labels, { kind: "labels", output: "y", labels: [{ name: "1", probability: 0.75 }] });
  const said = { task: "regression", columns: ["a", "b"], unit: "px" };
  assert.deepEqual(readOne({ shape: [2], said, values: [3, -1] }), {
    kind: "numbers",
    output: "y",
    numbers: [{ name: "a", value: 3, unit: "px" }, { name: "b", value: -1, unit: "px" }],
  });
});

Deno.test("readerOf() tells the class of each pixel between the bars at the sides, of equal numbers the first", () => {
  // Rows of four pixels of two classes.
  const row = [[9, 0], [0, 1], [2, 2], [0, 9]].flat();
  const output = { shape: [2, 4, 2], said: { task: "segmentation", classNames: ["a", "b"] }, values: [...row, ...row] };
  const whole = readOne(output);
  assert.ok(whole.kind === "mask");
  assert.deepEqual([...whole.mask.classes], [0, 1, 0, 1, 0, 1, 0, 1]);
  const placed = (left: number, width: number) => {
    const original = { width: 2, height: 2 };
    const answer = readOne(output, {
      place: { placement: { left, top: 0, width, height: 4, original }, shape: { width: 8, height: 4 } },
    });
    assert.ok(answer.kind === "mask");
    return answer;
  };
  const between = placed(2, 4);
  assert.deepEqual(between.mask, { height: 2, width: 2, classes: Uint8Array.of(1, 0, 1, 0) });
  assert.deepEqual(between.classes, [{ name: "a", group: 0, share: 0.5 }, { name: "b", group: 1, share: 0.5 }]);
  // One that is thinner than a pixel of the mask still has one, at the very end too.
  assert.deepEqual(placed(2, 0.1).mask, { height: 2, width: 1, classes: Uint8Array.of(1, 1) });
  assert.deepEqual(placed(8, 0).mask, { height: 2, width: 1, classes: Uint8Array.of(1, 1) });
  // Those that are there, the most frequent first.
  const sky = readOne({ ...output, values: [...row, ...[0, 1, 0, 1, 0, 1, 0, 1]] });
  assert.ok(sky.kind === "mask");
  assert.deepEqual(sky.classes.map(({ name, share }) => [name, share]), [["b", 0.75], ["a", 0.25]]);
  const needed = "[n,height,width,classes] of at most 255 classes is needed";
  for (const shape of [[2, 4], [1, 1, 256]]) {
    assert.throws(() => readOne({ ...output, shape }), {
      message: `Cannot predict: its output "y" is [n,${shape}], ${needed}`,
    });
  }
});

Deno.test("readerOf() tells boxes that a file has made: those in the picture, surer than asked for, without doubles", () => {
  const said = { task: "detection", answer: "scores", classes: ["cat", "dog"], scoreThreshold: 0.25, nmsIou: 0.5 };
  const corners = [
    [0, 0, 2, 2],
    [0, 0, 2, 1.5], // three quarters of the one before
    [6, 1, 10, 5], // its lower right end is outside
    [3, 3, 3, 4], // no width
    [3, 3, 4, 2], // no height
    [-4, 0, -1, 2], // outside
  ];
  const cats = [0.75, 0.5, 0.25, 0.9, 0.9, 0.9];
  const dogs = [0, 0.5, 0.375, 0, 0, 0];
  const output = {
    corners: { shape: [6, 4], said: { task: "detection", answer: "corners" }, values: corners.flat() },
    scores: { shape: [2, 6], said, values: [...cats, ...dogs] },
  };
  const found = (telling: Telling) => {
    const [answer] = read(output, { telling });
    assert.ok(answer.kind === "boxes");
    return answer.boxes.map(({ name, group, probability, x, y, width, height }) =>
      [name, group, probability, x, y, width, height].join(" ")
    );
  };
  const [cat, dog, edge] = ["cat 0 0.75 0 0 2 2", "dog 1 0.5 0 0 2 1.5", "dog 1 0.375 6 1 2 3"];
  assert.deepEqual(found({}), [cat, dog, edge]);
  assert.deepEqual(found({ scoreThreshold: 0.375 }), [cat, dog]);
  assert.deepEqual(found({ nmsIou: 0.8 }), [cat, "cat 0 0.5 0 0 2 1.5", dog, edge]);
  assert.throws(() => read({ ...output, corners: { ...output.corners, shape: [4, 6] } }), {
    message: 'Cannot predict: its output "corners" is [n,4,6], [n,6,4] is needed',
  });
});

Deno.test("readerOf() tells detections that a file has chosen, of which it may leave out more and no fewer", () => {
  const said = { task: "detection", answer: "detections", classes: ["cat", "dog"], scoreThreshold: 0.25, nmsIou: 0.5 };
  const rows = [
    [0, 0, 2, 2, 0.75, 0],
    [0, 0, 2, 1.5, 0.5, 1],
    [6, 1, 10, 5, 0.375, 1], // its lower right end is outside
    [0, 0, 1, 1.5, 0.3, 1], // half of the dog before
    [3, 3, 3, 4, 0.3, 1], // no width
    [0, 0, 2, 2, 0, 0], // none
  ];
  const output = { shape: [6, 6], said, values: rows.flat() };
  const found = (telling: Telling) => {
    const [answer] = read({ output }, { telling });
    assert.ok(answer.kind === "boxes");
    return answer.boxes.map(({ name, group, probability, x, y, width, height }) =>
      [name, group, probability.toFixed(3), x, y, width, height].join(" ")
    );
  };
  const all = ["cat 0 0.750 0 0 2 2", "dog 1 0.500 0 0 2 1.5", "dog 1 0.375 6 1 2 3", "dog 1 0.300 0 0 1 1.5"];
  assert.deepEqual(found({}), all);
  assert.deepEqual(found({ scoreThreshold: 0.25, nmsIou: 0.5 }), all);
  assert.deepEqual(found({ scoreThreshold: 0.375 }), all.slice(0, 2));
  assert.deepEqual(found({ nmsIou: 0.4 }), all.slice(0, 3));
  const refused = (telling: Telling, message: string) =>
    assert.throws(() => found(telling), { name: "RangeError", message: `Cannot predict: ${message}` });
  refused(
    { scoreThreshold: 0.2 },
    "it leaves out boxes that are no surer than 0.25 itself, a score threshold of 0.25 or more is needed",
  );
  refused(
    { nmsIou: 0.6 },
    "it leaves out boxes that overlap surer ones by more than 0.5 itself, an overlap of 0.5 or less is needed",
  );
  assert.throws(() => read({ output: { ...output, shape: [6, 7], values: [...output.values, ...rows[0]] } }), {
    message: 'Cannot predict: its output "output" is [n,6,7], [n,boxes,6] is needed',
  });
});

Deno.test("readerOf() reads tasks side by side, and outputs of one task each by itself", () => {
  const numbers = (values: readonly number[]) => ({ shape: [1], said: { task: "regression" }, values });
  const points = { shape: [4], said: { task: "landmarks", points: ["a", "b"] }, values: [0.5, 0.25, 1, 0] };
  const answers = read({ first: numbers([1]), points, second: numbers([2]) });
  assert.deepEqual(answers.map((answer) => "output" in answer ? answer.output : ""), ["first", "second", "points"]);
  assert.deepEqual(answers[2], {
    kind: "points",
    output: "points",
    points: [{ name: "a", x: 4, y: 1 }, { name: "b", x: 8, y: 0 }],
  });
});
