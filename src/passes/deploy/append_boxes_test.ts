import assert from "node:assert/strict";
import { Random } from "../../numbers/random.ts";
import { decodeSample } from "../../../tasks/detection/decode.ts";
import type { Grids } from "../../../tasks/detection/grids.ts";
import { assertLegal } from "../../onnx/check/check.ts";
import type { Graph } from "../../onnx/graph.ts";
import { encodeModel } from "../../onnx/file/mod.ts";
import { DeployedModel } from "../../../export/deployed.ts";
import { appendBoxes } from "./append_boxes.ts";

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

/** What TypeScript reads of the same numbers: in shares of the picture, a class each, with nothing left out. */
function boxesOf(values: readonly Float32Array[], kind: Grids["kind"]) {
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
  return decodeSample(values, grids, { scoreThreshold: 0, nmsIou: 1 });
}

for (const kind of ["yolov3", "region"] as const) {
  for (const batch of ["batch", 2]) {
    Deno.test(`appendBoxes() gives the boxes and scores that decodeSample() reads, ${kind}, batch ${batch}`, () => {
      const random = new Random(2);
      const graph = passing(batch);
      const { graph: after } = appendBoxes({ kind, grids: GRIDS, classes: CLASSES, input: INPUT }).run(graph);
      assertLegal(after, { opset: 13 });
      assert.deepEqual(after.outputs, ["boxes", "scores", "other"]);
      const draw = ({ rows, columns, anchors }: typeof GRIDS[number]) =>
        Float32Array.from({ length: 2 * rows * columns * anchors.length * 8 }, () => 12 * (random.unit() - 0.5));
      const feeds = GRIDS.map(draw);
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
