import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import type { Answer } from "../../models/answers.ts";
import { Random } from "../../src/numbers/random.ts";
import { measureAll } from "../task.ts";
import { compareModels } from "../uncertainty/mod.ts";
import { meanDice, meanIou, pixelAccuracy } from "./metrics.ts";
import { classesOf, countPixels } from "./pixel_counts.ts";
import { segmentation, segmentationRow } from "./segmentation.ts";

tf.env().set("PROD", true);

/** Numbers of which the class that is named is the largest; -1: none is a number. */
function answering(classes: readonly number[], { shape, count }: { shape: readonly number[]; count: number }): Answer {
  const values = Float32Array.from(
    classes.flatMap((top) => Array.from({ length: count }, (_, k) => top < 0 ? NaN : k === top ? 1 : -k)),
  );
  return { values, shape: [...shape, count] };
}

/** Two pictures of 2x2 and three classes; the third is in the second picture alone, and one pixel counts for nothing. */
const TRUTH = [0, 0, 1, 1, 0, 2, 2, -1];
const GIVEN = [0, 1, 1, 1, 0, 2, 0, 1];
const JUDGED = { answer: answering(GIVEN, { shape: [2, 2, 2], count: 3 }), targets: Int32Array.from(TRUTH) };

Deno.test("meanIou(), meanDice() and pixelAccuracy() count the pixels of all pictures together", () => {
  // Class 0: 2 of 3 true ones found, 1 named too many. Class 1: 2 of 2, 1 too many. Class 2: 1 of 2, none too many.
  assert.equal(meanIou(3).measure(JUDGED), (2 / 4 + 2 / 3 + 1 / 2) / 3);
  assert.equal(meanDice(3).measure(JUDGED), (4 / 6 + 4 / 5 + 2 / 3) / 3);
  assert.equal(pixelAccuracy(3).measure(JUDGED), 5 / 7);
});

Deno.test("meanIou() of a picture leaves classes out that are neither in it nor in its answer", () => {
  assert.deepEqual([...meanIou(3).scores(JUDGED)], [(1 / 2 + 2 / 3) / 2, (1 / 2 + 1 / 2) / 2]);
  assert.deepEqual([...pixelAccuracy(3).scores(JUDGED)], [3 / 4, 2 / 3]);
  assert.equal(
    meanIou(9).measure({ ...JUDGED, answer: answering(GIVEN, { shape: [2, 2, 2], count: 9 }) }),
    meanIou(3).measure(JUDGED),
  );
});

Deno.test("metrics of pixels count what is no number as wrong, and are NaN where nothing counts", () => {
  const none = { ...JUDGED, answer: answering(GIVEN.map(() => -1), { shape: [2, 2, 2], count: 3 }) };
  assert.deepEqual([meanIou(3), meanDice(3), pixelAccuracy(3)].map(({ measure }) => measure(none)), [0, 0, 0]);
  const uncounted = { ...JUDGED, targets: Int32Array.from(TRUTH, () => -1) };
  assert.deepEqual([meanIou(3), pixelAccuracy(3)].map(({ measure }) => measure(uncounted)), [NaN, NaN]);
});

Deno.test("metrics of pixels know what naming the commonest class everywhere would reach", () => {
  const targets = Int32Array.from(TRUTH);
  const common = answering(TRUTH.map(() => 0), { shape: [2, 2, 2], count: 3 });
  for (const metric of [meanIou(3), meanDice(3), pixelAccuracy(3)]) {
    assert.equal(metric.chance!(targets, 12), metric.measure({ answer: common, targets }));
  }
});

Deno.test("classesOf() takes the first of equal numbers, and countPixels() the same of bytes as of numbers", () => {
  const values = Float32Array.of(1, 1, NaN, 2, -Infinity, -Infinity, NaN, NaN);
  assert.deepEqual([...classesOf({ values, shape: [1, 2, 2, 2] }).values], [0, 1, 0, 255]);
  const digested = { values: new Float32Array(0), shape: [0, 2, 2, 3], digest: classesOf(JUDGED.answer) };
  // -1 is 255 as a byte.
  const bytes = { answer: digested, targets: Uint8Array.from(TRUTH) };
  assert.deepEqual(countPixels(bytes, 3), countPixels(JUDGED, 3));
  assert.deepEqual([...countPixels(bytes, 3).matrix], [2, 1, 0, 0, 2, 0, 1, 0, 1]);
});

Deno.test("countPixels() is asked anew where the targets are others", () => {
  const { answer } = JUDGED;
  countPixels(JUDGED, 3);
  assert.equal(pixelAccuracy(3).measure({ answer, targets: Int32Array.from(GIVEN) }), 1);
});

Deno.test("compareModels() draws pictures of segmentation by their counts, as measuring each draw would", () => {
  const random = new Random(2);
  const pictures = 60;
  const truth = Array.from({ length: pictures * 4 }, () => random.below(3));
  const worse = (chance: number) => truth.map((k) => random.chance(chance) ? random.below(3) : k);
  const task = segmentation().bind([{ name: "map", shape: [2, 2, 3] }], "net");
  const models = [0.1, 0.5].map((chance) => {
    const answers = { map: answering(worse(chance), { shape: [pictures, 2, 2], count: 3 }) };
    const judged = { answers, targets: { map: Int32Array.from(truth) } };
    return { task, ...judged, metrics: measureAll(task, judged) };
  });
  // Unprepared, a metric is measured on each draw.
  const slow = models.map((model) => ({
    ...model,
    task: { metrics: task.metrics.map(({ measureDraws: _, ...metric }) => metric) },
  }));
  const [fast, plain] = [compareModels(models, { seed: 3 }), compareModels(slow, { seed: 3 })];
  assert.deepEqual(fast, plain);
  assert.ok(fast[1][0].change!.high < 0 && fast[1][0].change!.test === "bootstrap");
});

Deno.test("segmentation() shows classes, confused pixels, and the worst pictures with the truth and both models", () => {
  const task = segmentation({ classNames: ["a", "b", "c"] }).bind([{ name: "map", shape: [2, 2, 3] }], "net");
  const judged = { answers: { map: JUDGED.answer }, targets: { map: JUDGED.targets } };
  const [table, matrix, ...none] = task.sections(judged);
  assert.ok(table.kind === "table" && matrix.kind === "matrix" && none.length === 0);
  assert.deepEqual(table.rows[1], ["b", 2 / 3, 4 / 5, 2 / 3, 1, 2 / 7]);
  assert.deepEqual(matrix.values, [[2, 1, 0], [0, 2, 0], [1, 0, 1]]);
  const picture = { height: 2, width: 2, channels: 1, bytes: new Uint8Array(4) };
  const float = { map: answering(GIVEN.map(() => 0), { shape: [2, 2, 2], count: 3 }) };
  const [, , pictures] = task.sections(judged, { others: { float }, picture: () => picture });
  assert.ok(pictures.kind === "pictures");
  assert.deepEqual(pictures.groups, ["a", "b", "c"]);
  const [{ caption, panels }, ...others] = pictures.rows;
  assert.deepEqual([caption, others.length], ["Picture 1: 66.7 % of its pixels are right", 1]);
  const classes = panels.map(({ model, marks: [mark] }) => [model, mark.kind === "mask" ? [...mark.pixels] : []]);
  assert.deepEqual(classes, [["truth", [0, 2, 2, 255]], ["float", [0, 0, 0, 0]], ["deployed", [0, 2, 0, 1]]]);
  assert.deepEqual(task.agreement!(judged.answers, float), { what: "pixels", same: 3, of: 8 });
});

Deno.test("segmentation() shows the three worst pictures and the one of the middle, of those in which something counts", () => {
  const names = ["background", "b"];
  const task = segmentation({ classNames: names }).bind([{ name: "map", shape: [1, 4, 2] }], "net");
  // Of four pixels each: 4, 1, 3, none that count, 2, 0, 4 and 4 are right.
  const right = [4, 1, 3, 0, 2, 0, 4, 4];
  const truth = right.flatMap((_, picture) => picture === 3 ? [-1, -1, -1, -1] : [0, 1, 0, 1]);
  const given = truth.map((k, i) => i % 4 < right[Math.floor(i / 4)] ? k : 1 - k);
  const answer = answering(given, { shape: [8, 1, 4], count: 2 });
  const judged = { answers: { map: answer }, targets: { map: Int32Array.from(truth) } };
  const picture = { height: 1, width: 4, channels: 1, bytes: new Uint8Array(4) };
  const shown = (sample: number) => sample === 4 ? undefined : picture;
  const [, , masks] = task.sections(judged, { others: {}, picture: shown });
  assert.ok(masks.kind === "pictures");
  // The third of the worst cannot be shown; the fourth of seven is in the middle.
  assert.deepEqual(masks.rows.map(({ caption }) => caption), [
    "Picture 5: 0.0 % of its pixels are right",
    "Picture 1: 25.0 % of its pixels are right",
    "Picture 2: 75.0 % of its pixels are right",
  ]);
  // What is all that is left is not drawn.
  for (const { panels } of masks.rows) {
    assert.deepEqual(panels.map(({ model }) => model), ["truth", "deployed"]);
    for (const { marks: [mark] } of panels) assert.ok(mark.kind === "mask" && mark.clear === 0);
  }
  assert.equal(task.sections(judged, { others: {}, picture: () => undefined }).length, 2);
});

Deno.test("segmentation() shows no matrix of more than forty classes, and says nothing of classes that there are not", () => {
  const sectionsOf = (count: number) => {
    const task = segmentation().bind([{ name: "map", shape: [1, 2, count] }], "net");
    const answer = answering([1, 0], { shape: [1, 1, 2], count });
    return task.sections({ answers: { map: answer }, targets: { map: Int32Array.of(1, 1) } });
  };
  assert.deepEqual([40, 41].map((count) => sectionsOf(count).map(({ kind }) => kind)), [["table", "matrix"], [
    "table",
  ]]);
  const [table] = sectionsOf(3);
  assert.ok(table.kind === "table");
  assert.deepEqual(table.rows, [["0", 0, 0, 0, null, 0], ["1", 1 / 2, 2 / 3, 1, 1 / 2, 1], [
    "2",
    null,
    null,
    null,
    null,
    0,
  ]]);
});

Deno.test("segmentation() counts right pixels while it trains, of those that count", () => {
  const { heads: { map } } = segmentation().bind([{ name: "map", shape: [2, 2, 3] }], "net");
  const { values, shape } = JUDGED.answer;
  const sum = tf.tidy(() =>
    map.running!.sum(tf.tensor3d(TRUTH, [2, 2, 2], "int32"), tf.tensor(values, [...shape])).dataSync()[0]
  );
  assert.ok(Math.abs(sum - (3 / 4 + 2 / 3)) < 1e-6);
});

Deno.test("segmentation() refuses outputs that are no such map, and targets of one class", () => {
  const bind = (shape: readonly (number | null)[], options = {}) => () =>
    segmentation(options).bind([{ name: "map", shape }], "net");
  const message = 'Cannot train "net" by segmentation: its output "map" is ';
  assert.throws(bind([3]), {
    name: "TypeError",
    message: message + "[?,3], needed are 2 to 255 classes for each pixel [?,height,width,classes]",
  });
  assert.throws(bind([4, 4, 3], { classNames: ["a", "b"], size: [8, 8] }), {
    message: message + "[?,4,4,3], needed are 2 classes for each pixel [?,8,8,2]",
  });
  assert.throws(bind([4, 4, 256]), /needed are 2 to 255 classes for each pixel \[\?,4,4,classes\]/);
  assert.throws(bind([null, 4, 3]), TypeError);
  assert.throws(bind([4, 4, 3], { classWeights: [1, 2] }), /there are 2 weights of classes, 3 are needed/);
  const target = { kind: "masks", height: 1, width: 1, values: new Uint8Array(1), names: ["a"] } as const;
  assert.throws(() => segmentationRow.make(target, {}), /the data has 1 class of pixels, at least 2/);
});
