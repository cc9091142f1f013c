import assert from "node:assert/strict";
import { Random } from "../../src/numbers/random.ts";
import { assertClose } from "../../train/_test_support.ts";
import { overlap, rectangleOf } from "./boxes.ts";
import { decodeAnswers, decodeSample } from "./decode.ts";
import { detection } from "./detection.ts";
import { encodeBoxes } from "./encode.ts";
import { boxesInPicture, readFileDecoding } from "./file_boxes.ts";
import type { Grids } from "./grids.ts";
import { suppress } from "./nms.ts";

const GRIDS: Grids = {
  kind: "yolov3",
  classes: 2,
  grids: [
    { height: 1, width: 2, anchors: [[0.5, 0.25]] },
    { height: 2, width: 2, anchors: [[0.25, 0.25], [0.1, 0.1]] },
  ],
};

/** Outputs that find nothing, but for the numbers of one anchor. */
function finding(grids: Grids, output: number, { at, numbers }: { at: number; numbers: readonly number[] }) {
  return grids.grids.map(({ height, width, anchors }, i) => {
    const size = 5 + grids.classes;
    const values = new Float32Array(height * width * anchors.length * size).fill(-20);
    if (i === output) values.set(numbers, at * size);
    return values;
  });
}

Deno.test("decodeSample() reads an anchor's numbers as a box and a score a class", () => {
  const log = Math.log;
  // The second cell's anchor: x = (1 + 1/2) / 2, y = 1/4, twice as wide, half as high; sure by 0.8 · 0.75 and 0.8 · 0.25.
  const outputs = finding(GRIDS, 0, { at: 1, numbers: [0, -log(3), log(1), log(0.5), log(4), log(3), -log(3)] });
  const options = { scoreThreshold: 0.1, nmsIou: 0.5 };
  const found = decodeSample(outputs, GRIDS, options);
  assert.deepEqual(found.map(({ label }) => label), [0, 1]);
  assertClose(
    found.flatMap(({ left, top, right, bottom, score }) => [left, top, right, bottom, score]),
    [0.5, 0.1875, 1, 0.3125, 0.6, 0.5, 0.1875, 1, 0.3125, 0.2],
    1e-6,
  );
  assert.deepEqual(decodeSample(outputs, GRIDS, { ...options, scoreThreshold: 0.3 }).map(({ label }) => label), [0]);
  const region = decodeSample(outputs, { ...GRIDS, kind: "region" }, options);
  // Softmax of log 3 and -log 3 is 9 to 1.
  assertClose(region.map(({ score }) => score), [0.72], 1e-6);
});

Deno.test("decodeSample() lets centres reach as far out of their cell as the grid says, around its middle", () => {
  const [coarse, fine] = GRIDS.grids;
  const reaching = { ...GRIDS, grids: [{ ...coarse, reach: 1.5 }, fine] };
  // σ is 0.75 and 0.1: 0.75 · 1.5 − 0.25 widths of a cell, 0.1 · 1.5 − 0.25 heights.
  const numbers = [Math.log(3), -Math.log(9), 0, 0, 20, 20, -20];
  const [found] = decodeSample(finding(reaching, 0, { at: 0, numbers }), reaching, {
    scoreThreshold: 0.5,
    nmsIou: 0.5,
  });
  assertClose([(found.left + found.right) / 2, found.bottom], [0.875 / 2, -0.1 + 0.125], 1e-6);
});

Deno.test("decodeSample() finds boxes where encodeBoxes() has them, whatever the reach", () => {
  for (const reach of [1, 1.05, 1.2, 2]) {
    const [coarse, fine] = GRIDS.grids;
    const grids = { ...GRIDS, grids: [coarse, { ...fine, reach }] };
    // On the edge of its cell: within it, no number but an endless one says so.
    const box = [0.5, 0.3, 0.2, 0.25];
    const encoded = encodeBoxes([...box, 1, 0], { grids, output: 1, most: 1 });
    const [x, y, w, h, column, row] = encoded.subarray(4);
    const logit = (share: number) => Math.max(-30, Math.log(share / (1 - share)));
    const outputs = finding(grids, 1, { at: (row * 2 + column) * 2, numbers: [logit(x), logit(y), w, h, 20, -20, 20] });
    const [found] = decodeSample(outputs, grids, { scoreThreshold: 0.5, nmsIou: 0.5 });
    const { left, top, right, bottom } = found;
    assertClose([left, top, right, bottom], [0.4, 0.175, 0.6, 0.425], 1e-5);
  }
});

Deno.test("decodeSample() keeps boxes within the picture, and leaves out what is no number", () => {
  const options = { scoreThreshold: 0.5, nmsIou: 0.5 };
  const [found] = decodeSample(
    finding(GRIDS, 1, { at: 0, numbers: [0, 0, 1e9, Infinity, 20, 20, -20] }),
    GRIDS,
    options,
  );
  assert.deepEqual({ ...found, score: 1 }, { left: 0, top: 0, right: 1, bottom: 1, label: 0, score: 1 });
  for (const numbers of [[0, 0, 0, 0, NaN, 20, 20], [0, 0, 0, 0, 20, NaN, NaN]]) {
    assert.deepEqual(decodeSample(finding(GRIDS, 1, { at: 0, numbers }), GRIDS, options), []);
  }
});

Deno.test("decodeSample() finds what encodeBoxes() was given, of any boxes", () => {
  const random = new Random(7);
  for (let run = 0; run < 200; run++) {
    const [x, y, w, h] = [random.unit(), random.unit(), 0.02 + 0.9 * random.unit(), 0.02 + 0.9 * random.unit()];
    const boxes = Float32Array.of(x, y, w, h, run % 2, 0);
    const outputs = GRIDS.grids.map(({ height, width, anchors }, output) => {
      const values = new Float32Array(height * width * anchors.length * 7).fill(-20);
      const row = encodeBoxes(boxes, { grids: GRIDS, output, most: 1 });
      if (row.at(-1) === 0) return values;
      const logit = (p: number) => Math.log(p / (1 - p));
      const numbers = [logit(row[4]), logit(row[5]), row[6], row[7], 9, run % 2 === 0 ? 9 : -9, run % 2 === 0 ? -9 : 9];
      values.set(numbers, row.at(-2)! * 7);
      return values;
    });
    const [found, ...others] = decodeSample(outputs, GRIDS, { scoreThreshold: 0.5, nmsIou: 0.5 });
    assert.ok(others.length === 0 && found.label === run % 2 && overlap(found, rectangleOf(x, y, w, h)) > 1 - 1e-4);
  }
});

Deno.test("decodeAnswers() decodes each sample, and refuses outputs that do not fit", () => {
  const names = ["a", "b"];
  const options = { scoreThreshold: 0.1, nmsIou: 0.5 };
  const [a, b] = finding(GRIDS, 0, { at: 0, numbers: [0, 0, 0, 0, 20, 20, -20] });
  const answers = {
    a: { values: Float32Array.from([...a, ...a.map(() => -20)]), shape: [2, 1, 2, 7] },
    b: { values: Float32Array.from([...b, ...b]), shape: [2, 2, 2, 14] },
  };
  assert.deepEqual(decodeAnswers(answers, names, { grids: GRIDS, options }).map(({ length }) => length), [1, 0]);
  assert.throws(() => decodeAnswers({ a: answers.a }, names, { grids: GRIDS, options }), {
    name: "TypeError",
    message: 'Cannot decode boxes: the output "b" is missing, needed is [n,2,2,14]',
  });
  assert.throws(() => decodeAnswers({ ...answers, b: answers.a }, names, { grids: GRIDS, options }), {
    name: "TypeError",
    message: 'Cannot decode boxes: the output "b" is [2,1,2,7], needed is [n,2,2,14]',
  });
});

Deno.test("suppress() keeps no two boxes of a class that overlap by more than is allowed, and the surest of them", () => {
  const random = new Random(1);
  for (let run = 0; run < 30; run++) {
    const found = Array.from({ length: 60 }, () => ({
      ...rectangleOf(random.unit(), random.unit(), 0.4 * random.unit(), 0.4 * random.unit()),
      label: random.below(2),
      score: random.below(10) / 10,
    }));
    const kept = suppress(found, { iou: 0.3 });
    for (const box of found) {
      const rivals = kept.filter((other) => other.label === box.label && overlap(other, box) > 0.3 && other !== box);
      // Who stays has no rival that stays; who goes has one that is as sure.
      if (kept.includes(box)) assert.deepEqual(rivals, []);
      else assert.ok(rivals.some(({ score }) => score >= box.score));
    }
    assert.deepEqual(kept.map(({ score }) => score), kept.map(({ score }) => score).toSorted((a, b) => b - a));
  }
});

Deno.test("suppress() keeps what overlaps by no more than is allowed", () => {
  const box = { left: 0, top: 0, right: 1, bottom: 0.5, label: 0 };
  const found = [{ ...box, score: 0.9 }, { ...box, bottom: 0.25, score: 0.8 }];
  assert.deepEqual([0.5, 0.49].map((iou) => suppress(found, { iou }).length), [2, 1]);
});

Deno.test("boxesInPicture() undoes the letterbox, and leaves out what lies in its border", () => {
  // 40 × 20 pixels in the middle of 32 × 32: half of it above and below is border.
  const placed = { left: 0, top: 8, width: 32, height: 16, original: { width: 40, height: 20 } };
  const decoding = readFileDecoding({
    grid: {
      answer: "boxes",
      kind: "yolov3",
      grid: [4, 4],
      anchors: [[8, 8]],
      input: [32, 32],
      classes: ["thing"],
      scoreThreshold: 0.5,
      nmsIou: 0.5,
    },
  })!;
  const values = new Float32Array(4 * 4 * 6).fill(-20);
  // In the border, and in row 1, column 2 of cells of 8 pixels.
  for (const cell of [1, 6]) values.set([0, 0, 0, 0, 20, 20], cell * 6);
  const boxes = boxesInPicture({ grid: { values, shape: [1, 4, 4, 6] } }, decoding, placed);
  assert.deepEqual(boxes.map(({ left, top, right, bottom }) => [left, top, right, bottom]), [[20, 0, 30, 10]]);
  assert.equal(readFileDecoding({ label: { task: "classification" } }), undefined);
});

Deno.test("readFileDecoding() names what is damaged", () => {
  const sound = {
    answer: "boxes",
    kind: "yolov3",
    grid: [4, 4],
    anchors: [[8, 8]],
    input: [32, 32],
    classes: ["thing"],
    scoreThreshold: 0.5,
    nmsIou: 0.5,
  };
  const refuses = (outputs: object, message: string) =>
    assert.throws(() => readFileDecoding(outputs), { name: "RangeError", message });
  refuses(
    { a: { ...sound, grid: [4, 0] } },
    'Cannot read boxes of "a": its grid is [4,0], needed are rows and columns',
  );
  for (const reach of [0.5, 5, "1"]) {
    const is = JSON.stringify(reach);
    refuses({ a: { ...sound, reach } }, `Cannot read boxes of "a": its reach is ${is}, needed is a number from 1 to 4`);
  }
  assert.equal(readFileDecoding({ a: { ...sound, reach: 1.5 } })?.grids.grids[0].reach, 1.5);
  refuses(
    { a: { ...sound, nmsIou: "0.5" } },
    'Cannot read boxes of "a": its nmsIou is "0.5", needed is a number from 0 to 1',
  );
  refuses(
    { a: sound, b: { ...sound, classes: ["other"] } },
    'Cannot read boxes of "b": its kind or its classes are not those of "a", needed are the same',
  );
});

Deno.test("suppress() looks at so many boxes of a class, and keeps so many", () => {
  const found = Array.from({ length: 30 }, (_, i) => ({
    ...rectangleOf(i / 30, 0.5, 0.001, 1),
    label: i % 2,
    score: i / 30,
  }));
  assert.deepEqual(suppress(found, { iou: 0.5, most: 2 }).map(({ score }) => 30 * score), [29, 28, 27, 26]);
  const same = found.map((box) => ({ ...box, ...rectangleOf(0.5, 0.5, 1, 1), score: 1 }));
  assert.equal(suppress([...same, ...found], { iou: 0.5, mostLookedAt: 15 }).length, 2);
});

Deno.test("detection() decodes the boxes that agree with themselves: those above the threshold, however many are below", () => {
  const random = new Random(8);
  const task = detection({
    classes: ["a", "b"],
    most: 4,
    anchors: [[[16, 16], [8, 24]]],
    inputSize: [64, 64],
    scoreThreshold: 0.4,
  })
    .bind([{ name: "boxes", shape: [4, 4, 14] }], "finder");
  const values = Float32Array.from({ length: 3 * 4 * 4 * 14 }, () => random.between(-2, 2));
  const answers = { boxes: { values, shape: [3, 4, 4, 14] } };
  const found = task.decode!(answers);
  const { kind, grids } = {
    kind: "yolov3" as const,
    grids: [{ height: 4, width: 4, anchors: [[0.25, 0.25], [0.125, 0.375]] as const }],
  };
  const all = decodeAnswers(answers, ["boxes"], {
    grids: { kind, classes: 2, grids },
    options: { scoreThreshold: 0.005, nmsIou: 0.45 },
  });
  const sure = all.map((boxes) => boxes.filter(({ score }) => score > 0.4));
  assert.deepEqual(found, sure);
  const count = sure.flat().length;
  assert.ok(count > 5 && all.flat().length > 2 * count, `${count} of ${all.flat().length}`);
  assert.deepEqual(task.agreement!(answers, { ...answers }), { what: "boxes at IoU 0.99", same: count, of: count });
});
