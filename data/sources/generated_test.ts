import assert from "node:assert/strict";
import { type Shape, SHAPES } from "./_shapes.ts";
import { countClasses, type ImageSet, take } from "../dataset.ts";
import { generate } from "./generated.ts";

const hash = async (bytes: Uint8Array) => {
  const digest = await crypto.subtle.digest("SHA-256", bytes.slice());
  return new Uint8Array(digest).toHex().slice(0, 16);
};

Deno.test("generate() gives the same bytes for a seed, others for another, and those that were measured", async () => {
  const bytes = async (seed: number) => await hash(generate({ train: 30, test: 20, seed }).train.images);
  assert.equal(await bytes(1), await bytes(1));
  assert.notEqual(await bytes(1), await bytes(2));
  // Recorded with the accuracies beside HARDNESS: whoever changes the recipe measures those again.
  assert.equal(await bytes(0), "19de008a2aad3c3c");
});

Deno.test("generate() makes 2,000 pictures to train on and 1,000 to judge by when nothing is said", () => {
  const { train, test } = generate();
  assert.deepEqual([train.count, test.count], [2000, 1000]);
});

Deno.test("generate() gives the same first pictures however many are asked for, and balanced classes", () => {
  const few = generate({ train: 20, test: 10 });
  const more = generate({ train: 45, test: 10 });
  assert.deepEqual(few.train.images, take(more.train, 20).images);
  assert.deepEqual(few.train.labels, take(more.train, 20).labels);
  assert.deepEqual(countClasses(few.train), new Array(10).fill(2));
  assert.deepEqual([Math.min(...countClasses(more.train)), more.train.count], [4, 45]);
});

Deno.test("generate() shows other pictures in the test set than in the training set", () => {
  const { train, test } = generate({ train: 50, test: 50 });
  const pictures = (set: ImageSet) =>
    Array.from({ length: 50 }, (_, i) => set.images.slice(i * 3072, (i + 1) * 3072).join());
  assert.equal(new Set([...pictures(train), ...pictures(test)]).size, 100);
});

Deno.test("generate() draws pictures that a linear classifier cannot read off the brightness of pixels", () => {
  const { train, test } = generate({ train: 400, test: 200 });
  // Nearest mean picture of a class: the simplest linear classifier. Chance is 10 %.
  const means = Array.from({ length: 10 }, () => new Float64Array(3072));
  for (let i = 0; i < train.count; i++) {
    for (let j = 0; j < 3072; j++) means[train.labels[i]][j] += train.images[i * 3072 + j] / 40;
  }
  let right = 0;
  for (let i = 0; i < test.count; i++) {
    const gaps = means.map((mean) => mean.reduce((sum, m, j) => sum + (m - test.images[i * 3072 + j]) ** 2, 0));
    if (gaps.indexOf(Math.min(...gaps)) === test.labels[i]) right++;
  }
  assert.ok(right / test.count < 0.4, `${right} of ${test.count}`);
});

Deno.test("generate() leaves out noise and clutter at hardness 0", () => {
  const roughness = (hardness: number) => {
    const { images } = generate({ train: 10, test: 10, hardness }).train;
    let sum = 0;
    for (let i = 3; i < images.length; i++) sum += Math.abs(images[i] - images[i - 3]);
    return sum / images.length;
  };
  assert.ok(roughness(0) < 12 && roughness(1) > 25, `${roughness(0)}, ${roughness(1)}`);
});

Deno.test("generate() refuses counts, seeds and hardness out of range", () => {
  for (const bad of [{ train: 0 }, { test: 1.5 }, { train: NaN }, { seed: -1 }, { hardness: 2 }, { hardness: NaN }]) {
    assert.throws(() => generate({ train: 1, test: 1, ...bad }), RangeError, JSON.stringify(bad));
  }
});

/** Points of a grid over [-1.2, 1.2], and the shape's values there. */
function* grid(shape: Shape, step = 0.05): Generator<{ x: number; y: number; d: number }> {
  for (let x = -1.2; x <= 1.2; x += step) for (let y = -1.2; y <= 1.2; y += step) yield { x, y, d: shape(x, y) };
}

for (const [name, shape] of Object.entries<Shape>(SHAPES)) {
  Deno.test(`SHAPES.${name} lies in the unit circle, has an inside, and no distance that jumps near its edge`, () => {
    let inside = 0;
    for (const { x, y, d } of grid(shape)) {
      if (d < 0) {
        inside++;
        assert.ok(Math.hypot(x, y) < 1.02, `${x}, ${y}`);
      }
    }
    // Of 49 x 49 points, 1,256 lie in the unit circle; no shape is a sliver or all of it.
    assert.ok(inside > 250 && inside < 1200, `${inside}`);
    for (const { x, y, d } of grid(shape)) {
      // A signed distance changes no faster than the place; spiral measures along the radius and may be a little off.
      if (Math.abs(d) < 0.05) assert.ok(Math.abs(shape(x + 1e-4, y) - d) < 1.5e-4, `${x}, ${y}`);
    }
  });
}

Deno.test("SHAPES has known points on its edges", () => {
  const near = (value: number, name: string) => assert.ok(Math.abs(value) < 1e-9, name);
  near(SHAPES.disc(0, 0.95), "disc");
  near(SHAPES.ring(0.5, 0), "ring");
  near(SHAPES.triangle(0, 1), "triangle's tip is up");
  near(SHAPES.triangle(0, -0.5), "triangle's base is below");
  near(SHAPES.square(0.7, 0.3), "square");
  near(SHAPES.star(0, 1), "star's tip is up");
  near(SHAPES.star(0, -0.45), "star's notch is below");
  near(SHAPES.cross(0.3, 0.92), "cross");
  assert.ok(SHAPES.arrow(0.9, 0) < 0 && SHAPES.arrow(-0.9, 0.3) > 0, "arrow points right");
  assert.ok(
    SHAPES.heart(0, -0.7) < 0 && SHAPES.heart(0.6, -0.7) > 0 && SHAPES.heart(0.5, 0.4) < 0,
    "heart's tip is below",
  );
  assert.ok(SHAPES.crescent(-0.7, 0) < 0 && SHAPES.crescent(0.7, 0) > 0, "crescent opens to the right");
});
