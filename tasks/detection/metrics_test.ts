import assert from "node:assert/strict";
import type { Answers } from "../../models/answers.ts";
import { Random } from "../../src/numbers/random.ts";
import type { BoundMetric, JudgedAll, Shown } from "../task.ts";
import { averagePrecisions, meanOfClasses } from "./average_precision.ts";
import { type FoundBox, rectangleOf, type TrueBox } from "./boxes.ts";
import { detection } from "./detection.ts";
import { matchAll, type MatchRule } from "./match.ts";
import { THRESHOLDS } from "./metrics.ts";
import { countSame } from "./same_boxes.ts";

type Samples<T> = readonly (readonly T[])[];

interface Plain {
  readonly label: number;
  readonly threshold: number;
  readonly rule: MatchRule;
}

function iou(a: FoundBox | TrueBox, b: FoundBox | TrueBox): number {
  const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (w <= 0 || h <= 0) return 0;
  const area = (box: FoundBox | TrueBox) => (box.right - box.left) * (box.bottom - box.top);
  return w * h / (area(a) + area(b) - w * h);
}

/** Average precision by its definition: every precision down the ranking, and the largest of those at a recall or beyond. */
function plainPrecision(found: Samples<FoundBox>, truth: Samples<TrueBox>, { label, threshold, rule }: Plain): number {
  const taken = new Set<TrueBox>();
  const outcomes: boolean[] = [];
  const all = found.flatMap((boxes, sample) =>
    boxes.filter((box) => box.label === label).map((box) => ({ box, sample }))
  );
  for (const { box, sample } of all.toSorted((a, b) => b.box.score - a.box.score)) {
    const mine = truth[sample].filter((other) => other.label === label && iou(box, other) >= threshold);
    const byOverlap = mine.toSorted((a, b) => iou(box, b) - iou(box, a));
    const best = rule === "voc"
      ? byOverlap[0]
      : byOverlap.find((other) => !other.difficult && !taken.has(other)) ?? byOverlap.find((other) => other.difficult);
    if (best?.difficult) continue;
    outcomes.push(best !== undefined && !taken.has(best));
    if (best !== undefined) taken.add(best);
  }
  const there = truth.flat().filter((box) => box.label === label && !box.difficult).length;
  if (there === 0) return NaN;
  const right = (end: number) => outcomes.slice(0, end).filter(Boolean).length;
  const places = outcomes.map((_, i) => ({ right: right(i + 1), precision: right(i + 1) / (i + 1) }));
  /** In whole numbers of hundredths or of boxes: r / there ≥ asked. */
  const from = (isThere: (right: number) => boolean) =>
    Math.max(0, ...places.filter((place) => isThere(place.right)).map(({ precision }) => precision));
  return rule === "coco"
    ? Array.from({ length: 101 }, (_, i) => from((right) => 100 * right >= i * there)).reduce((a, b) => a + b) / 101
    : Array.from({ length: there }, (_, i) => from((right) => right >= i + 1)).reduce((a, b) => a + b) / there;
}

/** Boxes at random, many of which are near a true one; scores that are no two the same. */
function draw(random: Random, samples: number): { found: FoundBox[][]; truth: TrueBox[][] } {
  const truth = Array.from({ length: samples }, () =>
    Array.from({ length: random.below(5) }, () => ({
      ...rectangleOf(random.unit(), random.unit(), 0.1 + 0.3 * random.unit(), 0.1 + 0.3 * random.unit()),
      label: random.below(3),
      difficult: random.unit() < 0.25,
    })));
  const near = (x: number) => x + 0.08 * (random.unit() - 0.5);
  const found = truth.map((boxes) =>
    [...boxes, ...boxes, ...boxes].map((box) => ({
      left: near(box.left),
      top: near(box.top),
      right: near(box.right) + 0.05,
      bottom: near(box.bottom) + 0.05,
      label: random.unit() < 0.8 ? box.label : random.below(3),
      score: random.unit(),
    })).sort((a, b) => b.score - a.score)
  );
  return { found, truth };
}

Deno.test("averagePrecisions() equals the definition, written plainly, by both rules at all overlaps", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { found, truth } = draw(new Random(seed), 8);
    for (const rule of ["coco", "voc"] as const) {
      const thresholds = [0.3, 0.5, 0.75];
      matchAll(found, truth, { classes: 3, rule, thresholds }).forEach((ranked, label) =>
        thresholds.forEach((threshold, at) => {
          const actual = averagePrecisions(ranked, { thresholds: 3, rule })[at];
          const expected = plainPrecision(found, truth, { label, threshold, rule });
          assert.ok(Object.is(actual, expected) || Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
        })
      );
    }
  }
});

Deno.test("averagePrecisions() of weighted samples is that of as many copies", () => {
  for (let seed = 0; seed < 10; seed++) {
    const random = new Random(seed, [1]);
    const { found, truth } = draw(random, 6);
    const weights = Int32Array.from(found, () => random.below(4));
    const copies = <T>(samples: Samples<T>) =>
      samples.flatMap((sample, i) => Array.from({ length: weights[i] }, () => sample.map((box) => ({ ...box }))));
    for (const rule of ["coco", "voc"] as const) {
      matchAll(found, truth, { classes: 3, rule, thresholds: [0.5] }).forEach((ranked, label) => {
        const [actual] = averagePrecisions(ranked, { thresholds: 1, rule, weights });
        const expected = plainPrecision(copies(found), copies(truth), { label, threshold: 0.5, rule });
        assert.ok(Object.is(actual, expected) || Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
      });
    }
  }
});

const BOX = { left: 0, top: 0, right: 0.4, bottom: 0.4, label: 0 };
const FAR = { left: 0.6, top: 0.6, right: 1, bottom: 1, label: 0 };

function close(actual: readonly number[], expected: readonly number[]): void {
  assert.deepEqual(actual.map((x) => x.toFixed(12)), expected.map((x) => x.toFixed(12)));
}

function precisionsOf(found: readonly FoundBox[], truth: readonly TrueBox[]): readonly number[] {
  return (["coco", "voc"] as const).map((rule) =>
    averagePrecisions(matchAll([found], [truth], { classes: 1, rule, thresholds: [0.5] })[0], {
      thresholds: 1,
      rule,
    })[0]
  );
}

Deno.test("averagePrecisions() is what hands compute", () => {
  const there = [{ ...BOX, difficult: false }, { ...FAR, difficult: false }];
  // Right, wrong, right: precision 1 at recall 1/2, 2/3 at recall 1. COCO asks for 51 recalls up to 1/2, and 50 beyond.
  const found = [{ ...BOX, score: 0.9 }, { ...BOX, left: 0.5, right: 0.9, score: 0.8 }, { ...FAR, score: 0.7 }];
  close(precisionsOf(found, there), [(51 + 50 * 2 / 3) / 101, 1 / 2 + 1 / 2 * 2 / 3]);
  assert.deepEqual(precisionsOf(found.slice(0, 1), there), [51 / 101, 0.5]);
  assert.deepEqual(precisionsOf([], there), [0, 0]);
  assert.deepEqual(precisionsOf(found, []), [NaN, NaN]);
});

Deno.test("averagePrecisions() counts a second box of a thing as wrong, and one of a difficult thing not at all", () => {
  const twice = [{ ...BOX, score: 0.9 }, { ...BOX, score: 0.8 }, { ...FAR, score: 0.7 }];
  const easy = [{ ...BOX, difficult: false }, { ...FAR, difficult: false }];
  close(precisionsOf(twice, easy), [(51 + 50 * 2 / 3) / 101, 1 / 2 + 1 / 2 * 2 / 3]);
  const difficult = [{ ...BOX, difficult: true }, { ...FAR, difficult: false }];
  assert.deepEqual(precisionsOf(twice, difficult), [1, 1]);
});

Deno.test("matchAll() gives a box what is free by COCO's rule, and what it overlaps most by VOC's", () => {
  // Both are nearest the first thing; the second box overlaps the other one by 0.55, too.
  const truth = [
    { left: 0, top: 0, right: 1, bottom: 0.5, label: 0, difficult: false },
    { left: 0, top: 0.2, right: 1, bottom: 0.75, label: 0, difficult: false },
  ];
  const found = [0.9, 0.8].map((score) => ({ left: 0, top: 0.1, right: 1, bottom: 0.55, label: 0, score }));
  const verdicts = (["coco", "voc"] as const).map((
    rule,
  ) => [...matchAll([found], [truth], { classes: 1, rule, thresholds: [0.5] })[0].verdicts[0]]);
  assert.deepEqual(verdicts, [[1, 1], [1, 0]]);
});

Deno.test("matchAll() takes an overlap that is just enough, and of equal ones the last by COCO's rule, the first by VOC's", () => {
  const there = { left: 0, top: 0, right: 1, bottom: 0.5, label: 0 };
  const half = [{ ...there, bottom: 0.25, score: 0.9 }];
  // One of them is difficult: which of the two is taken shows in the verdict.
  const twins = [{ ...there, difficult: true }, { ...there, difficult: false }];
  for (const [truth, coco, voc] of [[[twins[1]], 1, 1], [twins, 1, 2], [twins.toReversed(), 1, 1]] as const) {
    const verdicts = (["coco", "voc"] as const).map((rule) =>
      matchAll([half], [truth], { classes: 1, rule, thresholds: [0.5] })[0].verdicts[0][0]
    );
    assert.deepEqual(verdicts, [coco, voc]);
  }
  // Two boxes of one thing, and two things that the first overlaps as much: the second finds the one that is left.
  const above = { left: 0, top: 0, right: 1, bottom: 0.5, label: 0, difficult: false };
  const below = { ...above, top: 0.25, bottom: 0.75 };
  const middle = { ...above, top: 0.125, bottom: 0.625, score: 0.9 };
  const found = [[middle, { ...above, score: 0.8 }]];
  const verdictsOf = (
    truth: readonly TrueBox[],
  ) => [...matchAll(found, [truth], { classes: 1, rule: "coco", thresholds: [0.5] })[0].verdicts[0]];
  assert.deepEqual([verdictsOf([above, below]), verdictsOf([below, above])], [[1, 1], [1, 0]]);
});

Deno.test("meanOfClasses() leaves out classes of which nothing is there", () => {
  assert.equal(meanOfClasses([0.5, NaN, 1]), 0.75);
  assert.ok(Number.isNaN(meanOfClasses([NaN])));
});

/** One output of 4 × 4 cells, an anchor each: what it finds are squares of a quarter of the picture's side. */
const TASK = detection({ classes: ["a", "b"], most: 3, anchors: [[[8, 8]]], inputSize: [32, 32] });
const PORTS = [{ name: "boxes_8", shape: [4, 4, 7] }];

/** A square in a cell, of a class; with a score where a model says so. */
interface Square {
  readonly cell: number;
  readonly label: number;
  readonly score?: number;
}

function judgedOf(found: readonly (readonly Square[])[], there: readonly (readonly Square[])[]): JudgedAll {
  const values = new Float32Array(found.length * 16 * 7).fill(-20);
  found.forEach((squares, sample) =>
    squares.forEach(({ cell, label, score = 0.5 }) => {
      const logit = Math.log(score / (1 - score));
      values.set([0, 0, 0, 0, logit, label === 0 ? 20 : -20, label === 1 ? 20 : -20], (sample * 16 + cell) * 7);
    })
  );
  const targets = Float32Array.from(there.flatMap((squares) =>
    Array.from({ length: 3 }, (_, i) => {
      if (i >= squares.length) return [0, 0, 0, 0, -1, 0];
      const { cell, label } = squares[i];
      return [(cell % 4 + 0.5) / 4, (Math.floor(cell / 4) + 0.5) / 4, 0.25, 0.25, label, 0];
    }).flat()
  ));
  return { answers: { boxes_8: { values, shape: [found.length, 4, 4, 7] } }, targets: { boxes_8: targets } };
}

const THERE = [[{ cell: 0, label: 0 }, { cell: 5, label: 1 }], [{ cell: 3, label: 0 }], []];
const FOUND = [
  [{ cell: 0, label: 0, score: 0.9 }, { cell: 5, label: 0, score: 0.3 }],
  [{ cell: 3, label: 0, score: 0.7 }, { cell: 8, label: 0, score: 0.8 }],
  [{ cell: 1, label: 1, score: 0.2 }],
];

function metricsOf(metrics: readonly BoundMetric[], judged: JudgedAll): Readonly<Record<string, number>> {
  return Object.fromEntries(metrics.map(({ name, measure }) => [name, measure(judged)]));
}

Deno.test("detection() measures boxes of answers as hands do", () => {
  const bound = TASK.bind(PORTS, "net");
  // Of class a: right, wrong, right, wrong, of two that are there; of class b nothing is found of one.
  const judged = judgedOf(FOUND, THERE);
  const precision = (51 + 50 * 2 / 3) / 101 / 2;
  const near = (actual: Readonly<Record<string, number>>, expected: Readonly<Record<string, number>>) => {
    assert.deepEqual(Object.keys(actual), Object.keys(expected));
    for (const name in expected) assert.ok(Math.abs(actual[name] - expected[name]) < 1e-9, `${name}: ${actual[name]}`);
  };
  const voc = (1 / 2 + 1 / 2 * 2 / 3) / 2;
  const areas = { "mAP@0.5": precision, "mAP@0.5:0.95": precision, "VOC mAP@0.5": voc };
  near(metricsOf(bound.metrics, judged), { ...areas, precision: 2 / 3, recall: 2 / 3, F1: 2 / 3 });
  // Above 0.2 and below 0.3 nothing better is found; 0.8 and above leave one right box of three.
  const settled = bound.settle!(judged);
  assert.equal(settled.heads.boxes_8.decoding.scoreThreshold, 0.5);
  near(metricsOf(settled.metrics, judged), { ...areas, precision: 2 / 3, recall: 2 / 3, F1: 2 / 3 });
  const fixed = detection({
    classes: ["a", "b"],
    most: 3,
    anchors: [[[8, 8]]],
    inputSize: [32, 32],
    scoreThreshold: 0.85,
  }).bind(PORTS, "net");
  near(metricsOf(fixed.settle!(judged).metrics, judged), { ...areas, precision: 1, recall: 1 / 3, F1: 1 / 2 });
});

Deno.test("detection() scores samples by themselves, and measures draws as the samples drawn", () => {
  const { metrics } = TASK.bind(PORTS, "net");
  const judged = judgedOf(FOUND, THERE);
  const scores = Object.fromEntries(metrics.map(({ name, scores }) => [name, [...scores(judged)]]));
  assert.deepEqual(scores.F1, [2 / 3, 2 / 3, 1]);
  assert.deepEqual(scores.precision, [1, 1 / 2, 1]);
  assert.deepEqual(scores["mAP@0.5"].map((score) => score.toFixed(6)), ["0.500000", "0.500000", "1.000000"]);
  const rows = Int32Array.of(1, 1, 0);
  const drawn = judgedOf([...rows].map((row) => FOUND[row]), [...rows].map((row) => THERE[row]));
  for (const { name, measure, measureDraws } of metrics) {
    assert.equal(measureDraws!(judged).measure(rows), measure(drawn), name);
    assert.ok(measureDraws!(judged).cost > 0);
  }
});

Deno.test("detection() has no precision only where nothing is found and nothing is there", () => {
  const { metrics } = TASK.bind(PORTS, "net");
  const valuesOf = (there: readonly Square[]) => metricsOf(metrics, judgedOf([[]], [there]));
  const { precision, recall, F1 } = valuesOf([{ cell: 0, label: 0 }]);
  assert.deepEqual([precision, recall, F1], [0, 0, 0]);
  const nothing = valuesOf([]);
  assert.deepEqual([nothing.precision, nothing.recall, nothing.F1, nothing["mAP@0.5"]], [NaN, NaN, 1, NaN]);
});

Deno.test("detection() counts boxes that two models have in common", () => {
  const { agreement, decode } = TASK.bind(PORTS, "net");
  const { answers: a } = judgedOf([[{ cell: 5, label: 0, score: 0.9 }, { cell: 2, label: 1, score: 0.8 }]], [[]]);
  const { answers: b } = judgedOf([[{ cell: 5, label: 0, score: 0.6 }, { cell: 2, label: 0, score: 0.8 }]], [[]]);
  assert.deepEqual(agreement!(a, b), { what: "boxes at IoU 0.99", same: 1, of: 3 });
  assert.deepEqual(agreement!(a, a), { what: "boxes at IoU 0.99", same: 2, of: 2 });
  // A box is the same as one box of the other model, not as two.
  const box = { left: 0, top: 0, right: 1, bottom: 1, label: 0, score: 1 };
  assert.deepEqual(countSame([[box, box]], [[box]], 0.99), { same: 1, of: 2 });
  const moved = (by: number): Answers => ({
    boxes_8: { ...a.boxes_8, values: a.boxes_8.values.map((value, i) => i === 5 * 7 + 2 ? value + by : value) },
  });
  // e^0.009 wider is an IoU of 0.991, e^0.011 one of 0.989.
  assert.deepEqual([0.009, 0.011].map((by) => agreement!(a, moved(by)).same), [2, 1]);
  assert.deepEqual((decode!(a) as FoundBox[][])[0].map(({ label }) => label), [0, 1]);
});

Deno.test("detection() shows curves, classes, and pictures in which models differ", () => {
  const bound = TASK.bind(PORTS, "net");
  const judged = judgedOf(FOUND, THERE);
  const picture = { height: 1, width: 1, channels: 1, bytes: Uint8Array.of(9) };
  const float = judgedOf(THERE.map((squares) => squares.map((square) => ({ ...square, score: 0.9 }))), THERE).answers;
  const sections = bound.sections(judged, { others: { float }, picture: () => picture });
  assert.deepEqual(sections.map(({ kind, heading }) => [kind, heading]), [
    ["table", "Classes"],
    ["curve", "Precision over recall"],
    ["curve", "F1 over the threshold"],
    ["pictures", "Boxes"],
    ["pictures", "Where int8 differs from float"],
  ]);
  const [classes, precision, f1, , different] = sections;
  assert.ok(classes.kind === "table" && f1.kind === "curve" && different.kind === "pictures");
  assert.ok(precision.kind === "curve");
  assert.deepEqual([precision.x, precision.y].map(({ min, max }) => [min, max]), [[0, 1], [0, 1]]);
  assert.deepEqual(classes.rows.map((row) => row.slice(0, 2)), [["a", 2], ["b", 1]]);
  assert.deepEqual(f1.series.map(({ name }) => name), ["float", "deployed"]);
  // The second picture has a box too many, the first one too few; the third has none.
  assert.deepEqual(different.rows.map(({ caption }) => caption), ["sample 0", "sample 1"]);
  const [{ panels }] = different.rows;
  assert.deepEqual(panels.map(({ name, marks }) => [name, marks.length]), [["truth", 2], ["float", 2], [
    "deployed",
    1,
  ]]);
  assert.equal(bound.sections(judged).length, 3);
});

Deno.test("detection() shows each model's boxes above the score that is its own, and names it", () => {
  const bound = TASK.bind(PORTS, "net");
  const judged = judgedOf(FOUND, THERE);
  // The float model finds all that is there, less surely than the deployed one's threshold asks for.
  const float = judgedOf(THERE.map((squares) => squares.map((square) => ({ ...square, score: 0.25 }))), THERE);
  const { answers } = float;
  const settled = bound.settle!(float);
  const { scoreThreshold } = settled.heads.boxes_8.decoding;
  assert.equal(scoreThreshold, 0.12);
  const shown = {
    others: { float: answers, simulated: judged.answers },
    picture: () => ({ height: 1, width: 1, channels: 1, bytes: Uint8Array.of(9) }),
  };
  const own = { boxes_8: settled.heads.boxes_8.decoding };
  const leads = (decodings: Shown["decodings"]) =>
    bound.sections(judged, { ...shown, ...(decodings && { decodings }) }).map(({ lead }) => lead).filter((lead) =>
      /0\.\d+\b.*\.$/.test(lead) && !lead.startsWith("How much")
    );
  const table =
    "How the deployed model finds each class. Precision, recall and F1 are those of boxes above a score of 0.5.";
  const curve = "F1 of all boxes above a score, at an IoU of 0.5. The report's is that at";
  const pictures = "What is there, and what was found with a score";
  const different = "The pictures in which most boxes of one model are none of the other's, of those with a score";
  assert.deepEqual(leads({ float: own, simulated: { boxes_8: bound.heads.boxes_8.decoding } }), [
    table,
    `${curve} 0.12 for float, at 0.5 for simulated and deployed.`,
    `${pictures} above 0.12 for float, above 0.5 for deployed.`,
    `${different} above 0.12 for float, above 0.5 for deployed.`,
  ]);
  assert.deepEqual(leads(undefined), [
    table,
    `${curve} 0.5.`,
    `${pictures} above 0.5.`,
    `${different} above 0.5.`,
  ]);
  const sections = bound.sections(judged, { ...shown, decodings: { float: own } });
  const [, , f1, boxes, differing] = sections;
  assert.ok(f1.kind === "curve" && boxes.kind === "pictures" && differing.kind === "pictures");
  // What the curve has there is what the metrics say.
  const [, said] = f1.series[0].points.find(([score]) => score === scoreThreshold)!;
  assert.equal(said, metricsOf(settled.metrics, float).F1);
  const marks = boxes.rows.map(({ panels }) => panels.map(({ name, marks }) => [name, marks.length]));
  assert.deepEqual(marks[0], [["truth", 2], ["float", 2], ["deployed", 1]]);
  assert.deepEqual(differing.rows.map(({ caption }) => caption), ["sample 0", "sample 1"]);
});

Deno.test("THRESHOLDS are all hundredths between 0 and 1", () => {
  assert.deepEqual([THRESHOLDS.length, THRESHOLDS[0], THRESHOLDS[49], THRESHOLDS[98]], [99, 0.01, 0.5, 0.99]);
});

Deno.test("detection() refuses outputs that are no boxes of its anchors", () => {
  assert.throws(() => TASK.bind([{ name: "y", shape: [4, 4, 8] }], "net"), {
    name: "TypeError",
    message: 'Cannot train "net" by detection: its output "y" is [?,4,4,8], for 1 anchors and 2 classes ' +
      "[?,rows,columns,7] is needed",
  });
  assert.throws(() => TASK.bind([...PORTS, ...PORTS], "net"), {
    name: "TypeError",
    message: 'Cannot train "net" by detection: its outputs are "boxes_8" [?,4,4,7] and "boxes_8" [?,4,4,7], ' +
      "there are anchors for 1, needed are as many outputs",
  });
});
