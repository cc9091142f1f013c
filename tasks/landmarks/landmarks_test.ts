import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { Random } from "../../src/numbers/random.ts";
import { taskRow } from "../mod.ts";
import { isPure } from "../loss.ts";
import type { BoundTask, Judged } from "../task.ts";
import { type LandmarkOptions, landmarks } from "./landmarks.ts";
import { landmarkSections } from "./sections.ts";

const POINTS = ["left eye", "right eye", "nose"];
const SIZE = [100, 200] as const;
const SCALES = { eyes: [[0], [1]] } as const;
const PORT = { name: "dense", shape: [6] };

function bound(options: Partial<Parameters<typeof landmarks>[0]> = {}): BoundTask {
  return landmarks({ points: POINTS, size: SIZE, scales: SCALES, ...options }).bind([PORT], "faces");
}

/** Faces of which all points are somewhere. */
function anywhere(count: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: 6 * count }, () => random.between(0, 1));
}

Deno.test("landmarks() counts while training what the metric says of the same answers", () => {
  const all: readonly NonNullable<LandmarkOptions["scales"]>[] = [SCALES, { pupils: [[0, 1], [2]] }, {}];
  for (const scales of all) {
    const { heads: { dense: { running } }, metrics: [nme] } = landmarks({ points: POINTS, size: SIZE, scales })
      .bind([PORT], "faces");
    const [targets, values] = [anywhere(5, 1), anywhere(5, 2)];
    assert.ok(running !== undefined && isPure(running.sum));
    assert.equal(running.name, nme.name);
    const sum = tf.tidy(() => running.sum(tf.tensor2d(targets, [5, 6]), tf.tensor2d(values, [5, 6])).dataSync()[0]);
    const expected = nme.measure({ answers: { dense: { values, shape: [5, 6] } }, targets: { dense: targets } });
    assert.ok(Math.abs(sum / 5 - expected) <= 1e-5 * expected, `${sum / 5} for ${expected}`);
  }
});

Deno.test("landmarks() refuses outputs of another width and scales of points that there are not", () => {
  assert.throws(
    () => landmarks({ points: POINTS }).bind([{ name: "dense", shape: [10] }], "faces"),
    /Cannot train "faces" by landmarks: its output "dense" is \[\?,10\], for 3 points 6 numbers are needed/,
  );
  assert.throws(() => landmarks({ points: POINTS, scales: { eyes: [[0], [3]] } }), /it names point 3, .* from 0 to 2/);
  assert.throws(() => landmarks({ points: POINTS, scales: { eyes: [[0], []] } }), /a group has no points/);
});

Deno.test("the agreement of two models counts points that are near each other in pixels", () => {
  const answer = (values: Float32Array) => ({ dense: { values, shape: [1, 6] } });
  const a = Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0.5);
  // 1 px is 0.5 % of 200: (0.9, 0), (0, 1.1), (0.8, 0.8) pixels away.
  const b = Float32Array.of(0.5045, 0.5, 0.5, 0.511, 0.504, 0.508);
  const { agreement } = bound();
  assert.deepEqual(agreement?.(answer(a), answer(b)), {
    what: "points within 0.5 % of the picture's side",
    same: 1,
    of: 3,
  });
  // Each point by itself: of two faces the second's last point alone has moved.
  const two = (values: Float32Array) => ({ dense: { values, shape: [2, 6] } });
  const faces = anywhere(2, 3);
  const moved = faces.with(10, faces[10] + 0.1);
  assert.deepEqual([agreement!(two(faces), two(faces)).same, agreement!(two(faces), two(moved)).same], [6, 5]);
});

Deno.test("a model that is built for points starts at their mean shape, and the file says what its numbers are", () => {
  const values = Float32Array.of(0, 0, 1, 1, 0, 0.5, 1, 0, 0, 1, 1, 0.5);
  const target = { kind: "points", names: POINTS, values, scales: SCALES, size: SIZE, margin: 0.2 } as const;
  const row = taskRow("landmarks");
  assert.deepEqual(row.bias(target), [0.5, 0, 0.5, 1, 0.5, 0.5]);
  const { heads: { dense } } = row.make(target, { pointLoss: "l2" }).bind([PORT], "faces");
  assert.deepEqual(dense.decoding.points, POINTS);
  assert.deepEqual(dense.decoding.crop, { to: "the box of the points", margin: 0.2 });
  assert.equal(dense.names?.[3], "right eye y");
  assert.deepEqual(dense.decoding.scales, SCALES);
  const { heads: { dense: plain } } = landmarks({ points: POINTS }).bind([PORT], "faces");
  assert.ok(!("scales" in plain.decoding) && !("crop" in plain.decoding));
  // Off by one pixel to the right of 200, by nothing else.
  const value = tf.tidy(() => dense.loss(tf.zeros([1, 6]), tf.tensor2d([[1 / 200, 0, 0, 0, 0, 0]])).dataSync()[0]);
  assert.ok(Math.abs(value - 1 / 6) < 1e-6);
  assert.throws(() => row.make({ kind: "reals", names: ["x"], values }, {}), /targets are real numbers, points are/);
});

Deno.test("landmarkSections() show each landmark's error, both models' curves, and pictures with what they found", () => {
  const targets = Float32Array.from([0, 1, 2].flatMap(() => [0.25, 0.5, 0.75, 0.5, 0.5, 0.8]));
  // The second face is off by (16, 0) px of 100 at its nose, the third by (3, 0) at an eye.
  const deployed = targets.with(10, 0.58).with(12, 0.265);
  const judged = (values: Float32Array): Judged => ({ answer: { values, shape: [3, 6] }, targets });
  const picture = { height: 1, width: 1, channels: 3, bytes: Uint8Array.of(1, 2, 3) };
  const shown = { points: POINTS, layout: { count: 3, size: SIZE }, scale: { name: "eyes", groups: SCALES.eyes } };
  const [bars, curve, pictures] = landmarkSections(judged(deployed), {
    ...shown,
    float: judged(targets).answer,
    picture: () => picture,
  });
  assert.ok(bars.kind === "bars" && curve.kind === "curve" && pictures.kind === "pictures");
  assert.deepEqual(bars.labels, POINTS);
  assert.deepEqual(bars.series.map(({ values }) => values.map((value) => Math.round(1e4 * value))), [
    [0, 0, 0],
    [100, 0, 533],
  ]);
  // Mean errors of 0, 5.33 % and 1 %.
  const at = (error: number) => curve.series[1].points.find(([x]) => Math.abs(x - error) < 1e-9)?.[1];
  assert.deepEqual([at(0), at(0.012), at(0.052), at(0.054)], [1 / 3, 2 / 3, 2 / 3, 1]);
  assert.ok(curve.series[0].points.every(([, share]) => share === 1));
  assert.deepEqual(pictures.rows.map(({ caption }) => caption), [
    "Picture 1, the best: float 0.00 %, int8 0.00 %",
    "Picture 3, the middle one: float 0.00 %, int8 1.00 %",
    "Picture 2, the worst: float 0.00 %, int8 5.33 %",
  ]);
  const [, , { panels }] = pictures.rows;
  assert.deepEqual(panels.map(({ name, model }) => `${name} ${model}`), [
    "truth truth",
    "float float",
    "int8 deployed",
  ]);
  const [nose] = panels.map(({ marks: [mark] }) => mark.kind === "points" ? mark.points[2]?.[0] ?? NaN : NaN);
  assert.ok(Math.abs(nose - 0.5) < 1e-6);
  // Without pictures and without the float model there is as much as can be said.
  assert.deepEqual(landmarkSections(judged(deployed), shown).map(({ kind }) => kind), ["bars", "curve"]);
});

Deno.test("landmarkSections() show the pictures in which float and int8 differ the most, each once, with their own points", () => {
  const face = [0.25, 0.5, 0.75, 0.5, 0.5, 0.75];
  // The nose alone moves, down by so many of 100 pixels; the eyes are 100 apart.
  const downBy = [0, 3, 1, 7, 2, 6, 4, 5];
  const targets = Float32Array.from(downBy.flatMap(() => face));
  const answer = (values: Float32Array) => ({ values, shape: [8, 6] });
  const deployed = Float32Array.from(downBy.flatMap((pixels) => face.with(5, 0.75 + pixels / 100)));
  const [bars, curve, pictures] = landmarkSections({ answer: answer(deployed), targets }, {
    points: POINTS,
    layout: { count: 3, size: SIZE },
    scale: { name: "eyes", groups: SCALES.eyes },
    float: answer(targets),
    picture: () => ({ height: 1, width: 1, channels: 3, bytes: new Uint8Array(3) }),
  });
  assert.ok(bars.kind === "bars" && curve.kind === "curve" && pictures.kind === "pictures");
  assert.match(curve.lead, /those beyond 8 % count as failures\.$/);
  assert.deepEqual(bars.series[1].values.map((value) => Math.round(1e6 * value)), [0, 0, 35_000]);
  assert.deepEqual(pictures.rows.map(({ caption }) => caption), [
    "Picture 1, the best: float 0.00 %, int8 0.00 %",
    "Picture 7, the middle one: float 0.00 %, int8 1.33 %",
    "Picture 4, the worst: float 0.00 %, int8 2.33 %",
    "Picture 6, float and int8 differ: float 0.00 %, int8 2.00 %",
    "Picture 8, float and int8 differ: float 0.00 %, int8 1.67 %",
  ]);
  const [, , , { panels }] = pictures.rows;
  const points = panels.map(({ marks: [mark] }) => mark.kind === "points" ? mark.points.flat().map(Number) : []);
  assert.deepEqual(points.map((values) => values.map((value) => value.toFixed(2)).join(" ")), [
    "0.25 0.50 0.75 0.50 0.50 0.75",
    "0.25 0.50 0.75 0.50 0.50 0.75",
    "0.25 0.50 0.75 0.50 0.50 0.81",
  ]);
});
