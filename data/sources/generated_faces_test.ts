import assert from "node:assert/strict";
import { generateFaces } from "./generated_faces.ts";
import type { SampleSet } from "../samples.ts";

function partsOf({ inputs: { image }, targets: { points }, groups }: SampleSet) {
  assert.ok(image.kind === "pictures" && points.kind === "points" && groups !== undefined);
  return { image, points, groups };
}

Deno.test("generateFaces() gives the same for one seed, the first ones however many are asked for", () => {
  const [few, more, other] = [{ train: 5 }, { train: 9 }, { train: 5, seed: 1 }]
    .map((options) => partsOf(generateFaces({ ...options, test: 1 }).train));
  assert.deepEqual(more.image.bytes.subarray(0, few.image.bytes.length), few.image.bytes);
  assert.deepEqual(more.points.values.subarray(0, few.points.values.length), few.points.values);
  assert.notDeepEqual(other.image.bytes, few.image.bytes);
  assert.deepEqual(more.groups, [0, 0, 0, 0, 1, 1, 1, 1, 2].map((person) => `person ${person}`));
});

Deno.test("generateFaces() puts points where eyes and mouth are", () => {
  const side = 96;
  const shape = { height: side, width: side, channels: 3 };
  const { image, points } = partsOf(generateFaces({ train: 20, test: 1, shape }).train);
  const at = (sample: number, names: readonly string[]) => {
    const [x, y] = [0, 1].map((axis) =>
      names.reduce((sum, name) => sum + points.values[2 * (22 * sample + points.names.indexOf(name)) + axis], 0) /
      names.length * side
    );
    const pixel = side * side * 3 * sample + 3 * (side * Math.floor(y) + Math.floor(x));
    return image.bytes.subarray(pixel, pixel + 3);
  };
  const eye = ["left eye's outer corner", "left eye's inner corner"];
  const rim = [
    "left eye's outer corner",
    "left eye's outer corner",
    "left eye's outer corner",
    "left eye's inner corner",
  ];
  for (let sample = 0; sample < 20; sample++) {
    const [pupil, white] = [eye, rim].map((names) => at(sample, names).reduce((a, b) => a + b));
    assert.ok(pupil < white, `the pupil of face ${sample} is darker than the white beside it: ${pupil}, ${white}`);
    const [red, green] = at(sample, [
      "mouth's left corner",
      "mouth's right corner",
      "mouth's right corner",
      "mouth's right corner",
    ]);
    assert.ok(red > green, `the mouth of face ${sample} is red`);
  }
});

Deno.test("generateFaces() fits other shapes, and a mirrored point is where its counterpart was", () => {
  const shape = { height: 32, width: 48, channels: 1 };
  const { image, points } = partsOf(generateFaces({ train: 3, test: 1, shape }).train);
  assert.equal(image.bytes.length, 3 * 32 * 48);
  assert.deepEqual(points.size, [32, 48]);
  const { mirror = [], names } = points;
  mirror.forEach((to, from) => assert.equal(mirror[to], from));
  const swapped = (name: string) => name.replace(/left|right/g, (word) => word === "left" ? "right" : "left");
  names.forEach((name, point) => {
    if (!name.startsWith("outline")) assert.equal(names[mirror[point]], swapped(name));
  });
  // A face that looks straight ahead is its own mirror: over many faces the means are.
  const many =
    partsOf(generateFaces({ train: 200, test: 1, shape: { height: 8, width: 8, channels: 1 } }).train).points;
  const mean = (point: number, axis: number) =>
    Array.from({ length: 200 }, (_, i) => many.values[2 * (22 * i + point) + axis]).reduce((a, b) => a + b) / 200;
  mirror.forEach((to, from) => {
    assert.ok(Math.abs(mean(from, 0) + mean(to, 0) - 1) < 0.05, `x of ${names[from]}`);
    assert.ok(Math.abs(mean(from, 1) - mean(to, 1)) < 0.05, `y of ${names[from]}`);
  });
});

Deno.test("generateFaces() refuses counts and shapes that are none", () => {
  assert.throws(() => generateFaces({ train: 0 }), /the count is 0, needed is a positive integer/);
  assert.throws(() => generateFaces({ shape: { height: 8, width: 8, channels: 2 } }), /1 or 3 channels/);
});
