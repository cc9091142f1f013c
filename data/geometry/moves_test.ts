/** What is drawn into a picture is found again where its target says that it went, whatever the change. */
import assert from "node:assert/strict";
import { batches } from "../batches.ts";
import { parseNormalize } from "../normalize.ts";
import type { SampleSet, SampleTarget } from "../samples.ts";
import { imageSet } from "../dataset.ts";
import { moveBy, type Rect, WHOLE } from "./affine.ts";
import { type Augment, augmentFor } from "./augment.ts";
import { moveBoxes, NO_BOX } from "./targets.ts";

const BYTES = parseNormalize("0..255");
const SIDE = { height: 40, width: 60 };
const COUNT = 6;

/** Brightness of what is drawn into a sample: told apart from the ground, 0, from grey, and from that of others. */
const levelOf = (sample: number) => 150 + 20 * sample;

/** A rectangle for each sample, in shares. */
const RECTS = Array.from({ length: COUNT }, (_, i) => {
  const [left, top] = [0.2 + 0.05 * i, 0.3 + 0.04 * (i % 3)];
  return { left, top, right: left + 0.25, bottom: top + 0.3 };
});

/** Pictures with a filled rectangle each, and a target. */
function rectangles(target: SampleTarget): SampleSet {
  const { height, width } = SIDE;
  const bytes = Uint8Array.from({ length: COUNT * height * width }, (_, i) => {
    const sample = Math.floor(i / height / width);
    const [x, y] = [(i % width + 0.5) / width, (Math.floor(i / width) % height + 0.5) / height];
    const { left, top, right, bottom } = RECTS[sample];
    return x > left && x < right && y > top && y < bottom ? levelOf(sample) : 0;
  });
  return {
    name: "rectangles",
    count: COUNT,
    inputs: { image: { kind: "pictures", ...SIDE, channels: 1, bytes } },
    targets: { target },
  };
}

function boxes(): SampleTarget {
  const none = [0, 0, 0, 0, -1, 0];
  const values = RECTS.flatMap(({ left, top, right, bottom }, i) => [
    (left + right) / 2,
    (top + bottom) / 2,
    right - left,
    bottom - top,
    i,
    i % 2,
    ...none,
    ...none,
    ...none,
  ]);
  return { kind: "boxes", most: 4, names: RECTS.map((_, i) => `r${i}`), values: Float32Array.from(values) };
}

/** Every sample of some epochs, changed. */
function* changed(set: SampleSet, augment: Augment, epochs = 20) {
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const { inputs, targets, indices, size } of batches(set, { batchSize: 4, normalize: BYTES, augment, epoch })) {
      for (let k = 0; k < size; k++) {
        const part = (values: Float32Array | Int32Array) =>
          values.subarray(k * values.length / size, (k + 1) * values.length / size);
        yield { picture: part(inputs.image), target: part(targets.target), sample: indices[k] };
      }
    }
  }
}

/** Edges in pixels of what is about as bright as `level`. */
function find(picture: Float32Array | Int32Array, level: number) {
  const found = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity, count: 0 };
  picture.forEach((value, i) => {
    if (Math.abs(value - level) > 4) return;
    const [x, y] = [i % SIDE.width, Math.floor(i / SIDE.width)];
    found.left = Math.min(found.left, x);
    found.top = Math.min(found.top, y);
    found.right = Math.max(found.right, x + 1);
    found.bottom = Math.max(found.bottom, y + 1);
    found.count++;
  });
  return found;
}

function rowsOf(target: Float32Array | Int32Array) {
  const rows = Array.from({ length: target.length / 6 }, (_, row) => [...target.subarray(6 * row, 6 * row + 6)]);
  const used = rows.filter((row) => row[4] >= 0);
  assert.ok(rows.slice(used.length).every((row) => row.join() === "0,0,0,0,-1,0"));
  return used.map(([x, y, w, h, label, difficult]) => ({
    label,
    difficult,
    left: (x - w / 2) * SIDE.width,
    right: (x + w / 2) * SIDE.width,
    top: (y - h / 2) * SIDE.height,
    bottom: (y + h / 2) * SIDE.height,
  }));
}

const AUGMENTS: readonly Augment[] = [
  { flip: true, pad: 0 },
  { flip: true, pad: 6 },
  { flip: false, pad: 0, scale: [0.6, 1.6] },
  { flip: false, pad: 0, shift: 0.3 },
  { flip: true, pad: 3, scale: [0.7, 1.4], shift: 0.2 },
  { flip: true, pad: 0, scale: [0.7, 1.4], shift: 0.1, mosaic: 1 },
  { flip: true, pad: 0, mosaic: 0.5 },
];

Deno.test("batches() moves boxes as it moves pictures", () => {
  const set = rectangles(boxes());
  for (const augment of AUGMENTS) {
    let [seen, most] = [0, 0];
    for (const { picture, target, sample } of changed(set, augment)) {
      const rows = rowsOf(target);
      most = Math.max(most, rows.length);
      for (const row of rows) {
        const { label, left, top, right, bottom } = row;
        assert.equal(row.difficult, label % 2);
        assert.ok(left > -1e-4 && right < SIDE.width + 1e-4 && top > -1e-4 && bottom < SIDE.height + 1e-4);
        // What is in the box is what it is the box of; at its edges brightnesses mix.
        for (let y = Math.ceil(top + 1.5); y < bottom - 2.5; y++) {
          for (let x = Math.ceil(left + 1.5); x < right - 2.5; x++) {
            const value = picture[y * SIDE.width + x];
            assert.ok(Math.abs(value - levelOf(label)) <= 1, `${value} in ${JSON.stringify([augment, row])}`);
          }
        }
        seen++;
        if (augment.mosaic !== undefined) continue;
        const found = find(picture, levelOf(sample));
        const edges = [found.left - left, found.top - top, found.right - right, found.bottom - bottom];
        assert.ok(Math.max(...edges.map(Math.abs)) <= 2, `${edges}: ${JSON.stringify([augment, row])}`);
      }
      if (augment.mosaic === undefined) assert.ok(rows.every(({ label }) => label === sample));
    }
    assert.ok(seen > 90, `${seen} boxes of ${JSON.stringify(augment)}`);
    assert.ok(augment.mosaic === undefined ? most === 1 : most >= 3);
  }
});

Deno.test("moveBoxes() clips boxes to their part, and drops those with less than a third left, by hand", () => {
  const values = Float32Array.of(0.5, 0.5, 0.4, 0.2, 3, 1, ...NO_BOX);
  const { change } = { change: { dy: 0, dx: 0, mirror: false } };
  const rows = (x: number, area: Rect = WHOLE) =>
    moveBoxes({ values, most: 2 }, [{ from: 0, change, map: moveBy({ x, y: 0 }), area }]);
  const near = (a: readonly number[], b: readonly number[]) =>
    a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) < 1e-6);
  assert.ok(near(rows(0.1), [0.6, 0.5, 0.4, 0.2, 3, 1]));
  // It reaches from 0.56 to 0.96, then from 0.86 to 1: 0.14 of 0.4 is more than a third, 0.13 is less.
  assert.ok(near(rows(0.56), [0.93, 0.5, 0.14, 0.2, 3, 1]), String(rows(0.56)));
  assert.deepEqual(rows(0.57), []);
  assert.deepEqual(rows(2), []);
  const left = { ...WHOLE, right: 0.5 };
  assert.ok(near(rows(0, left), [0.4, 0.5, 0.2, 0.2, 3, 1]));
  assert.deepEqual(rows(0.1, left), []);
});

Deno.test("batches() turns the edges of boxes with what they are around", () => {
  const set = rectangles(boxes());
  for (const { picture, target, sample } of changed(set, { flip: true, pad: 0, rotate: 90 })) {
    const [row] = rowsOf(target);
    const found = find(picture, levelOf(sample));
    if (found.left < 1 || found.top < 1 || found.right > SIDE.width - 1 || found.bottom > SIDE.height - 1) continue;
    const edges = [found.left - row.left, found.top - row.top, found.right - row.right, found.bottom - row.bottom];
    // A corner that is turned up ends in less than a pixel's brightness.
    assert.ok(Math.max(...edges.map(Math.abs)) <= 3, String(edges));
  }
});

Deno.test("batches() moves points as it moves pictures, and gives mirrored ones their own names", () => {
  const values = Float32Array.from(RECTS.flatMap(({ left, top, right, bottom }) => {
    const y = (top + bottom) / 2;
    return [left, y, right, y, (left + right) / 2, top];
  }));
  const points: SampleTarget = { kind: "points", names: ["left", "right", "top"], mirror: [1, 0, 2], values };
  const set = rectangles(points);
  const augments: readonly Augment[] = [
    { flip: true, pad: 5 },
    { flip: true, pad: 0, scale: [0.7, 1.2], shift: 0.1, border: "edge" },
    { flip: true, pad: 2, rotate: 25, border: "edge" },
  ];
  for (const augment of augments) {
    for (const { picture, target, sample } of changed(set, augment, 8)) {
      const [left, right, top] = [0, 2, 4].map((at) => ({
        x: target[at] * SIDE.width,
        y: target[at + 1] * SIDE.height,
      }));
      assert.ok(left.x < right.x, "the left one is at the left, in mirrored pictures too");
      assert.ok(top.y < (left.y + right.y) / 2);
      // Each point lies on the outline: a little inwards is the rectangle, a little outwards the ground.
      const middle = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 };
      for (const point of [left, right, top]) {
        for (const [factor, isIn] of [[0.7, true], [1.3, false]] as const) {
          const [x, y] = [middle.x + factor * (point.x - middle.x), middle.y + factor * (point.y - middle.y)].map(
            Math.floor,
          );
          if (x < 0 || x >= SIDE.width || y < 0 || y >= SIDE.height) continue;
          const level = picture[y * SIDE.width + x];
          assert.equal(level > levelOf(sample) / 2, isIn, `${level} at ${x}, ${y} of ${JSON.stringify(augment)}`);
        }
      }
    }
  }
});

Deno.test("batches() moves masks as it moves pictures, and uncovers what counts for nothing", () => {
  // Half as large as the pictures.
  const [height, width] = [SIDE.height / 2, SIDE.width / 2];
  const values = Uint8Array.from({ length: COUNT * height * width }, (_, i) => {
    const [x, y] = [(i % width + 0.5) / width, (Math.floor(i / width) % height + 0.5) / height];
    const { left, top, right, bottom } = RECTS[Math.floor(i / height / width)];
    return x > left && x < right && y > top && y < bottom ? 1 : 0;
  });
  const set = rectangles({ kind: "masks", names: ["ground", "thing"], height, width, values });
  for (
    const augment of [{ flip: true, pad: 4 }, {
      flip: true,
      pad: 0,
      scale: [0.6, 1.5],
      shift: 0.2,
      rotate: 30,
    }] as const
  ) {
    let [same, of, uncovered] = [0, 0, 0];
    for (const { picture, target, sample } of changed(set, augment, 6)) {
      target.forEach((label, i) => {
        const [x, y] = [2 * (i % width), 2 * Math.floor(i / width)];
        const values = [0, 1, SIDE.width, SIDE.width + 1].map((step) => picture[y * SIDE.width + x + step]);
        if (label === -1) uncovered++;
        // Edges of the mask lie between pixels of the picture.
        if (new Set(values).size > 1 || label === -1) return;
        of++;
        const expected = values[0] === 114 ? -1 : values[0] > levelOf(sample) / 2 ? 1 : 0;
        same += Number(expected === label);
      });
    }
    assert.ok(same > 0.98 * of, `${same} of ${of}`);
    assert.ok(uncovered > 0);
  }
});

Deno.test("batches() shows a sample alone where a mosaic has more boxes than there are rows, and from an epoch on", () => {
  const target = boxes();
  assert.ok(target.kind === "boxes");
  const tight: SampleTarget = {
    ...target,
    most: 1,
    values: Float32Array.from(RECTS.flatMap((_, i) => [...target.values.subarray(24 * i, 24 * i + 6)])),
  };
  for (const { picture } of changed(rectangles(tight), { flip: false, pad: 0, mosaic: 1 })) {
    const whole = 0.25 * 0.3 * SIDE.width * SIDE.height;
    const shown = RECTS.filter((_, i) => find(picture, levelOf(i)).count > 0.4 * whole);
    assert.ok(shown.length <= 1, `${shown.length} are shown, and one has a row`);
  }
  const set = rectangles(target);
  const options = { batchSize: 6, normalize: BYTES, augment: { flip: false, pad: 0, mosaic: 1 }, mosaicUntil: 2 };
  const counts = (epoch: number) => {
    const [{ targets }] = batches(set, { ...options, epoch });
    return RECTS.map((_, i) => rowsOf(targets.target.subarray(24 * i, 24 * i + 24)).length);
  };
  assert.deepEqual([counts(2), counts(3)], [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]);
  assert.ok(counts(1).some((count) => count > 1));
});

Deno.test("batches() is the same for the same seed, epoch and changes, and as it was for flips and shifts", async () => {
  const set = rectangles(boxes());
  const augment = augmentFor(set.targets);
  const bytes = (options: object) =>
    [...batches(set, { batchSize: 4, normalize: BYTES, ...(augment && { augment }), ...options })]
      .map(({ inputs, targets }) => `${inputs.image} ${targets.target}`).join();
  assert.equal(bytes({ seed: 3, epoch: 1 }), bytes({ seed: 3, epoch: 1 }));
  assert.notEqual(bytes({ seed: 3, epoch: 1 }), bytes({ seed: 3, epoch: 2 }));
  // Digests of what these gave before there were other changes.
  const golden = [
    [{ flip: true, pad: 4 }, "5ed0219befb6629c"],
    [{ flip: false, pad: 2 }, "e733e474b7da3fa2"],
    [{ flip: true, pad: 0 }, "5a99f99e86139c22"],
  ] as const;
  const images = new Uint8Array(10 * 9 * 7 * 3).map((_, i) => i * 31 + (i >> 5));
  const shape = { height: 9, width: 7, channels: 3 };
  const old = imageSet("g", { ...shape, images, labels: new Int32Array(10), classNames: ["a"] });
  for (const [augment, digest] of golden) {
    const options = { batchSize: 4, normalize: parseNormalize("imagenet"), shuffle: true, augment, seed: 5, epoch: 3 };
    const parts = [...batches(old, options)].map(({ inputs: { image } }) => new Uint8Array(image.slice().buffer));
    const hash = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
    const found = [...new Uint8Array(hash).subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    assert.equal(found, digest);
  }
});

Deno.test("batches() refuses changes that are none, or that targets cannot follow", () => {
  const set = rectangles(boxes());
  const bad: readonly (readonly [Partial<Augment>, RegExp])[] = [
    [{ pad: 0.5 }, /the padding is 0\.5 pixels/],
    [{ scale: [2, 1] }, /the scale is 2 to 1, needed are two factors/],
    [{ scale: [0, 1] }, /the scale is 0 to 1/],
    [{ scale: [1, 11] }, /the scale is 1 to 11/],
    [{ shift: 2 }, /the shift is 2, needed is 0 to 1/],
    [{ rotate: -1 }, /the rotation is -1, needed is 0 to 180/],
    [{ colour: { hue: NaN } }, /the hue is NaN/],
    [{ mosaic: 1.5 }, /the chance of a mosaic is 1\.5/],
  ];
  const make = (set: SampleSet, augment: Partial<Augment>) => () =>
    batches(set, { batchSize: 1, normalize: BYTES, augment: { flip: false, pad: 0, ...augment } });
  for (const [augment, because] of bad) assert.throws(make(set, augment), because);
  const points = rectangles({ kind: "points", names: ["a"], values: new Float32Array(2 * COUNT) });
  assert.throws(make(points, { flip: true }), /its "target" are points of which nobody says what they become/);
  assert.throws(make(points, { mosaic: 0.5 }), /its "target" are points, a mosaic is for boxes/);
  assert.equal(augmentFor(points.targets)?.flip, false);
  const most = { scale: [0.1, 10], shift: 1, rotate: 180, mosaic: 1, colour: { brightness: 1, hue: 180 } } as const;
  assert.doesNotThrow(make(set, most));
  assert.doesNotThrow(make(points, { mosaic: 0 }));
  for (const colour of [{ brightness: 1.1 }, { contrast: 1.1 }, { saturation: 1.1 }, { hue: 181 }]) {
    assert.throws(make(set, { colour }), RangeError);
  }
});
