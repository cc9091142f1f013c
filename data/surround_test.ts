import assert from "node:assert/strict";
import { batches } from "./batches.ts";
import type { Augment } from "./geometry/augment.ts";
import { parseNormalize } from "./normalize.ts";
import { middleOf, type SampleSet, selectSamples, storedShape } from "./samples.ts";

const SIZE = { height: 20, width: 30, channels: 1 };
const SURROUND = 9;
const COUNT = 12;

/** What a pixel's middle at (x, y) of the picture shows, also beside it. */
const shown = (x: number, y: number) => 60 + 2 * x + 3 * y;

/** Ramps that go on beyond their pictures, and the pictures' corners as points. */
function ramps(): SampleSet {
  const { height, width } = storedShape({ ...SIZE, surround: SURROUND });
  const one = Uint8Array.from(
    { length: height * width },
    (_, i) => Math.round(shown(i % width + 0.5 - SURROUND, Math.floor(i / width) + 0.5 - SURROUND)),
  );
  const bytes = new Uint8Array(COUNT * one.length);
  for (let i = 0; i < COUNT; i++) bytes.set(one, i * one.length);
  const values = Float32Array.from(Array.from({ length: COUNT }, () => [0, 0, 1, 0, 0, 1]).flat());
  return {
    name: "ramps",
    count: COUNT,
    inputs: { image: { kind: "pictures", ...SIZE, bytes, surround: SURROUND } },
    targets: { corners: { kind: "points", values, names: ["origin", "right", "below"], mirror: [0, 1, 2] } },
  };
}

const CHANGES: readonly (readonly [string, Partial<Augment>])[] = [
  ["nothing", {}],
  ["mirrors", { flip: true }],
  ["poses", { scale: [0.9, 1.1], shift: 0.05, rotate: 10 }],
  ["all", { flip: true, pad: 1, scale: [0.9, 1.1], shift: 0.05, rotate: 10 }],
];

for (const [what, augment] of CHANGES) {
  Deno.test(`batches() bring in what surrounds pictures, moved as their points are: ${what}`, () => {
    const options = {
      batchSize: COUNT,
      normalize: parseNormalize("0..255"),
      augment: { flip: false, pad: 0, ...augment },
    };
    const [{ inputs: { image }, targets: { corners } }] = batches(ramps(), options);
    const { height, width } = SIZE;
    for (let sample = 0; sample < COUNT; sample++) {
      const [ox, oy, rx, ry, bx, by] = Array.from(
        corners.subarray(6 * sample, 6 * sample + 6),
        (share, i) => share * (i % 2 === 0 ? width : height),
      );
      // Where the picture's axes went, a pixel each; the place that a pixel shows solves two equations.
      const [xx, yx, xy, yy] = [(rx - ox) / width, (ry - oy) / width, (bx - ox) / height, (by - oy) / height];
      for (let at = 0; at < width * height; at++) {
        const [dx, dy] = [at % width + 0.5 - ox, Math.floor(at / width) + 0.5 - oy];
        const area = xx * yy - xy * yx;
        const expected = shown((yy * dx - xy * dy) / area, (xx * dy - yx * dx) / area);
        const value = image[sample * width * height + at];
        assert.ok(
          Math.abs(value - expected) <= 1.5,
          `${what}, sample ${sample}, pixel ${at}: ${value} for ${expected}`,
        );
      }
    }
  });
}

Deno.test("selectSamples() keeps what surrounds pictures, and middleOf() leaves it out", () => {
  const { inputs: { image } } = selectSamples(ramps(), { indices: [3, 1], name: "two" });
  assert.ok(image.kind === "pictures" && image.surround === SURROUND);
  assert.equal(image.bytes.length, 2 * 38 * 48);
  const middle = middleOf(Uint8Array.from(image.bytes.subarray(0, 38 * 48)), image);
  assert.deepEqual([middle.length, middle[0], middle[31]], [
    600,
    Math.round(shown(0.5, 0.5)),
    Math.round(shown(1.5, 1.5)),
  ]);
});
