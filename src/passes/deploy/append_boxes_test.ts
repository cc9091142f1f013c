import assert from "node:assert/strict";
import { Random } from "../../numbers/random.ts";
import { type DecodeOptions, decodeSample } from "../../../tasks/detection/decode.ts";
import type { Grids } from "../../../tasks/detection/grids.ts";
import { assertLegal } from "../../onnx/check/check.ts";
import type { Graph } from "../../onnx/graph.ts";
import { encodeModel } from "../../onnx/file/mod.ts";
import { DeployedModel } from "../../../export/deployed.ts";
import { appendBoxes, type SuppressOptions } from "./append_boxes.ts";

const INPUT = [64, 96] as const;
const CLASSES = 3;

/** Two outputs that are inputs passed on, of three anchors and of one whose centres reach out of its cell, and one that has nothing to do with boxes. */
const GRIDS = [
  { output: "coarse", rows: 2, columns: 3, anchors: [[20, 30], [60, 40], [90, 9]] },
  { output: "fine", rows: 4, columns: 6, anchors: [[8, 12]], reach: 1.2 },
] as const;

function passing(batch: number | string): Graph {
  const shapes = GRIDS.map(({ rows, columns, anchors }) => [batch, rows, columns, anchors.length * (5 + CLASSES)]);
  const types = GRIDS.flatMap(({ output }, i) =>
    [`${output}_in`, output].map((name) => [name, { dtype: "float32", shape: shapes[i] }] as const)
  );
  return {
    name: "passing",
    inputs: GRIDS.map(({ output }) => `${output}_in`),
    outputs: [...GRIDS.map(({ output }) => output), "other"],
    initializers: new Map(),
    nodes: [
      ...GRIDS.map(({ output }) => ({
        op: "Identity",
        name: output,
        inputs: [`${output}_in`],
        outputs: [output],
        attrs: {},
      })),
      { op: "Neg", name: "other", inputs: ["fine_in"], outputs: ["other"], attrs: {} },
    ],
    types: new Map([...types, ["other", { dtype: "float32", shape: shapes[1] }]]),
  };
}

/** Numbers of two pictures, as an output gives them. */
function draw({ rows, columns, anchors }: typeof GRIDS[number], random: Random): Float32Array {
  return Float32Array.from({ length: 2 * rows * columns * anchors.length * 8 }, () => 12 * (random.unit() - 0.5));
}

/** What TypeScript reads of the same numbers: in shares of the picture, a class each, with nothing left out. */
function boxesOf(
  values: readonly Float32Array[],
  kind: Grids["kind"],
  options: DecodeOptions = { scoreThreshold: 0, nmsIou: 1 },
) {
  const grids: Grids = {
    kind,
    classes: CLASSES,
    grids: GRIDS.map(({ rows, columns, anchors, ...reach }) => ({
      ...reach,
      height: rows,
      width: columns,
      anchors: anchors.map(([w, h]) => [w / INPUT[1], h / INPUT[0]] as const),
    })),
  };
  return decodeSample(values, grids, options);
}

for (const kind of ["yolov3", "region"] as const) {
  for (const batch of ["batch", 2]) {
    Deno.test(`appendBoxes() gives the boxes and scores that decodeSample() reads, ${kind}, batch ${batch}`, () => {
      const random = new Random(2);
      const graph = passing(batch);
      const { graph: after } = appendBoxes({ kind, grids: GRIDS, classes: CLASSES, input: INPUT }).run(graph);
      assertLegal(after, { opset: 13 });
      assert.deepEqual(after.outputs, ["boxes", "scores", "other"]);
      const feeds = GRIDS.map((grid) => draw(grid, random));
      // Sizes without end are cut off.
      feeds[0][2] = 1e9;
      feeds[1][3] = -1e9;
      const model = new DeployedModel(encodeModel(after, { opset: 13 }));
      const answers = model.predict({ coarse_in: feeds[0], fine_in: feeds[1] });
      model.dispose();
      const [boxes, scores] = [answers.boxes.values, answers.scores.values];
      const all = 6 * 3 + 24;
      assert.deepEqual([boxes.length, scores.length], [2 * all * 4, 2 * CLASSES * all]);
      for (const sample of [0, 1]) {
        const rows = feeds.map((values) =>
          values.subarray(sample * values.length / 2, (sample + 1) * values.length / 2)
        );
        const expected = boxesOf(rows, kind).map(({ left, top, right, bottom, label, score }) =>
          [left * INPUT[1], top * INPUT[0], right * INPUT[1], bottom * INPUT[0], label, score] as const
        );
        const actual = Array.from({ length: all * CLASSES }, (_, i) => {
          const [label, anchor] = [Math.floor(i / all), i % all];
          const corners = boxes.subarray((sample * all + anchor) * 4, (sample * all + anchor + 1) * 4);
          return [...corners, label, scores[(sample * CLASSES + label) * all + anchor]];
        }).sort((a, b) => b[5] - a[5]);
        assert.equal(expected.length, actual.length);
        expected.forEach((box, i) => box.forEach((value, k) => assert.ok(Math.abs(value - actual[i][k]) < 1e-4)));
      }
    });
  }
}

/** Runs a file that leaves boxes out itself, and returns [left, top, right, bottom, score, class] of each picture's. */
function detect(
  feeds: readonly Float32Array[],
  { kind, batch, suppress }: {
    readonly kind: Grids["kind"];
    readonly batch: number | string;
    readonly suppress: SuppressOptions;
  },
): readonly (readonly (readonly number[])[])[] {
  const pass = appendBoxes({ kind, grids: GRIDS, classes: CLASSES, input: INPUT, suppress });
  const { graph } = pass.run(passing(batch));
  assertLegal(graph, { opset: 13 });
  assert.deepEqual(graph.outputs, ["detections", "other"]);
  const model = new DeployedModel(encodeModel(graph, { opset: 13 }));
  const { detections: { values, shape } } = model.predict({ coarse_in: feeds[0], fine_in: feeds[1] });
  model.dispose();
  const most = Math.min(suppress.most ?? 300, CLASSES * (6 * 3 + 24));
  assert.deepEqual(shape, [2, most, 6]);
  return [0, 1].map((sample) =>
    Array.from(
      { length: most },
      (_, row) => [...values.subarray(6 * (sample * most + row), 6 * (sample * most + row + 1))],
    )
  );
}

/** Whether two numbers are the same but for what float32 and a processor's kernels make of them. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(a));
}

Deno.test("appendBoxes() leaves out the boxes that decodeSample() leaves out, the surest first, in front of rows of score 0", () => {
  const random = new Random(3);
  for (let round = 0; round < 12; round++) {
    const kind = round % 2 === 0 ? "yolov3" : "region";
    const options = { scoreThreshold: [0, 0.1, 0.5, 0.999999][round % 4], nmsIou: [0.1, 0.45, 1][round % 3] };
    const feeds = GRIDS.map((grid) => draw(grid, random));
    const found = detect(feeds, { kind, batch: round < 6 ? "batch" : 2, suppress: options });
    for (const sample of [0, 1]) {
      const rows = feeds.map((values) => values.subarray(sample * values.length / 2, (sample + 1) * values.length / 2));
      const expected = boxesOf(rows, kind, options).map(({ left, top, right, bottom, score, label }) =>
        [left * INPUT[1], top * INPUT[0], right * INPUT[1], bottom * INPUT[0], score, label] as const
      );
      const kept = found[sample].filter(([, , , , score]) => score > 0);
      assert.equal(kept.length, expected.length);
      expected.forEach((box, i) => assert.ok(Math.abs(box[4] - kept[i][4]) < 1e-5));
      // Scores that are equal in float32 may come in another order.
      const left = [...kept];
      for (const box of expected) {
        const at = left.findIndex((other) => box.every((value, k) => isNear(value, other[k])));
        assert.ok(at >= 0, `${box} is not among ${left.join("; ")}`);
        left.splice(at, 1);
      }
      assert.deepEqual(found[sample].slice(kept.length).filter(([, , , , score]) => score !== 0), []);
    }
  }
});

Deno.test("appendBoxes() keeps the surest of a class, and of a picture", () => {
  const random = new Random(4);
  const feeds = GRIDS.map((grid) => draw(grid, random));
  const options = { scoreThreshold: 0, nmsIou: 1 };
  const all = detect(feeds, { kind: "yolov3", batch: 2, suppress: options });
  const few = detect(feeds, { kind: "yolov3", batch: 2, suppress: { ...options, most: 5 } });
  const ofClass = detect(feeds, { kind: "yolov3", batch: 2, suppress: { ...options, mostOfClass: 2 } });
  for (const sample of [0, 1]) {
    assert.deepEqual(few[sample], all[sample].slice(0, 5));
    const surest = [0, 1, 2].flatMap((label) => all[sample].filter((row) => row[5] === label).slice(0, 2));
    const kept = ofClass[sample].filter(([, , , , score]) => score > 0);
    assert.deepEqual(kept, surest.toSorted((a, b) => b[4] - a[4]));
  }
});
