import assert from "node:assert/strict";
import fc from "fast-check";
import { drawChange } from "./geometry/change.ts";
import { writeImage } from "./geometry/copy.ts";
import { type Batch, batches, type BatchOptions, countBatches } from "./batches.ts";
import { type ImageSet, imageSet } from "./dataset.ts";
import { parseNormalize } from "./normalize.ts";
import { type SampleSet, selectSamples } from "./samples.ts";
import { packPlacements, placeIn, placementOf } from "./letterbox.ts";
import { Random } from "../src/numbers/random.ts";

const BYTES = parseNormalize("0..255");

/** A set whose image i holds the bytes i, i + 1, … */
function counting(count: number, { height = 2, width = 3, channels = 1 } = {}): ImageSet {
  const size = height * width * channels;
  const images = Uint8Array.from({ length: count * size }, (_, i) => Math.floor(i / size) + i % size);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  return imageSet("counting", { height, width, channels, images, labels, classNames: ["even", "odd"] });
}

/** All batches with the defaults of these tests. */
function epochOf(set: ImageSet, options: Partial<BatchOptions> = {}): Batch[] {
  return [...batches(set, { batchSize: 4, normalize: BYTES, ...options })];
}

const indicesOf = (all: readonly Batch[]) => all.flatMap((batch) => [...batch.indices]);
const valuesOf = (all: readonly Batch[]) => all.flatMap((batch) => [...batch.inputs.image]);

Deno.test("batches() gives each image once an epoch, with its own pixels and label", () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 20 }),
    fc.nat(),
    (n, size, seed) => {
      const set = counting(n);
      const all = epochOf(set, { batchSize: size, shuffle: true, seed });
      assert.deepEqual(indicesOf(all).sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
      assert.equal(all.length, countBatches(set, { batchSize: size, normalize: BYTES }));
      for (const { inputs: { image: x }, targets: { label: y }, indices, size } of all) {
        assert.equal(indices.length, size);
        for (let k = 0; k < size; k++) {
          assert.deepEqual([...x.subarray(6 * k, 6 * k + 6)], [0, 1, 2, 3, 4, 5].map((j) => indices[k] + j));
          assert.equal(y[k], indices[k] % 2);
        }
      }
    },
  );
  fc.assert(property, { numRuns: 50 });
});

Deno.test("batches() gives the same bytes for the same seed and epoch, and keeps order when not shuffling", () => {
  const set = counting(50, { channels: 3 });
  const options = { shuffle: true, augment: { flip: true, pad: 1 }, seed: 5, epoch: 2 };
  assert.deepEqual(epochOf(set, options), epochOf(set, options));
  const twice = batches(set, { batchSize: 8, normalize: BYTES, ...options });
  assert.deepEqual([...twice], [...twice], "walking again repeats the epoch");
  assert.deepEqual(indicesOf(epochOf(set)), Array.from({ length: 50 }, (_, i) => i));
});

Deno.test("batches() orders and augments differently for another epoch or seed", () => {
  const set = counting(50);
  const runs = [{}, { epoch: 1 }, { seed: 1 }, { seed: 1, epoch: 1 }].map((o) => epochOf(set, { shuffle: true, ...o }));
  assert.equal(new Set(runs.map((run) => indicesOf(run).join())).size, 4);
  const flips = [{}, { epoch: 1 }, { seed: 1 }].map((o) => epochOf(set, { augment: { flip: true, pad: 0 }, ...o }));
  assert.equal(new Set(flips.map((run) => valuesOf(run).join())).size, 3);
});

Deno.test("batches() keeps the order when augmentation or the batch size changes", () => {
  const set = counting(30);
  const plain = indicesOf(epochOf(set, { shuffle: true }));
  assert.deepEqual(indicesOf(epochOf(set, { shuffle: true, augment: { flip: true, pad: 2 } })), plain);
  assert.deepEqual(indicesOf(epochOf(set, { shuffle: true, batchSize: 7 })), plain);
});

Deno.test("batches() drops a last short batch only when asked to", () => {
  assert.deepEqual(epochOf(counting(10)).map((b) => b.size), [4, 4, 2]);
  assert.deepEqual(epochOf(counting(10), { dropRemainder: true }).map((b) => b.size), [4, 4]);
  assert.deepEqual(epochOf(counting(3), { dropRemainder: true }), []);
});

Deno.test("batches() shares no memory between batches", () => {
  const [first, second] = epochOf(counting(8));
  first.inputs.image.fill(-1);
  assert.ok(second.inputs.image.every((v) => v >= 0));
});

Deno.test("batches() normalizes by channel", () => {
  const set = counting(1, { height: 1, width: 2, channels: 3 });
  const normalize = parseNormalize("0,0.2,0.4:1,0.5,0.25");
  const expected = [0, 1, 2, 3, 4, 5].map((byte, i) =>
    Math.fround((byte / 255 - [0, 0.2, 0.4][i % 3]) / [1, 0.5, 0.25][i % 3])
  );
  assert.deepEqual(valuesOf(epochOf(set, { normalize })), expected);
});

Deno.test("batches() refuses sizes, epochs, seeds and padding out of range before the first batch", () => {
  const set = counting(3);
  const bad = [{ batchSize: 0 }, { batchSize: 1.5 }, { epoch: -1 }, { seed: -1 }, {
    augment: { flip: false, pad: 0.5 },
  }];
  for (const options of bad) {
    assert.throws(() => batches(set, { batchSize: 1, normalize: BYTES, ...options }), RangeError);
  }
  assert.throws(() => batches(set, { batchSize: 1, normalize: parseNormalize("imagenet") }), /images have 1/);
});

/** A 2x3 image of two channels' worth of digits through `writeImage`. */
function changed(change: { dy?: number; dx?: number; mirror?: boolean }, channels = 1): number[] {
  const set = counting(1, { channels });
  const table = new Float32Array(256 * channels).map((_, i) => i % 256 + 1000 * Math.floor(i / 256));
  const out = new Float32Array(6 * channels);
  writeImage({ shape: set, images: set.images, from: 0, table, out, to: 0 }, {
    dy: 0,
    dx: 0,
    mirror: false,
    ...change,
  });
  return [...out];
}

Deno.test("writeImage() moves and mirrors pixels and leaves black behind", () => {
  // The image is 0 1 2 / 3 4 5.
  assert.deepEqual(changed({ mirror: true }), [2, 1, 0, 5, 4, 3]);
  assert.deepEqual(changed({ dy: 1 }), [0, 0, 0, 0, 1, 2]);
  assert.deepEqual(changed({ dx: -1 }), [1, 2, 0, 4, 5, 0]);
  assert.deepEqual(changed({ dx: 1, dy: -1 }), [0, 3, 4, 0, 0, 0]);
  assert.deepEqual(changed({ dx: 1, mirror: true }), [1, 0, 0, 4, 3, 0]);
});

Deno.test("writeImage() keeps a pixel's channels together", () => {
  assert.deepEqual(changed({ mirror: true }, 3).slice(0, 6), [6, 1007, 2008, 3, 1004, 2005]);
});

Deno.test("drawChange() draws every shift and both sides, and nothing that was not asked for", () => {
  const random = new Random(0);
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const { dy, dx, mirror } = drawChange(random, { flip: true, pad: 2 });
    seen.add(`${dy} ${dx} ${mirror}`);
  }
  assert.equal(seen.size, 5 * 5 * 2);
  assert.deepEqual(drawChange(random, { flip: false, pad: 0 }), { dy: 0, dx: 0, mirror: false });
});

Deno.test("batches() gives every input and target of a sample set by name, in one order", () => {
  const set: SampleSet = {
    name: "mixed",
    count: 5,
    inputs: {
      picture: {
        kind: "pictures",
        height: 1,
        width: 2,
        channels: 1,
        bytes: Uint8Array.from({ length: 10 }, (_, i) => i),
      },
      row: { kind: "rows", names: ["a", "b", "c"], values: Float32Array.from({ length: 15 }, (_, i) => 100 + i) },
    },
    targets: {
      kind: { kind: "classes", names: ["x", "y"], labels: Int32Array.of(0, 1, 0, 1, 1) },
      point: { kind: "reals", names: ["u", "v"], values: Float32Array.from({ length: 10 }, (_, i) => 200 + i) },
      tag: { kind: "flags", names: ["t"], values: Float32Array.of(1, 0, 0, 1, 0) },
    },
  };
  const options = { batchSize: 2, normalize: parseNormalize("0..255"), shuffle: true, seed: 3 };
  const all = [...batches(set, options)];
  assert.deepEqual(all.map(({ size }) => size), [2, 2, 1]);
  const order = all.flatMap(({ indices }) => [...indices]);
  assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
  assert.notDeepEqual(order, [0, 1, 2, 3, 4]);
  for (const { inputs, targets, indices } of all) {
    const rows = (width: number, from: number) =>
      [...indices].flatMap((i) => Array.from({ length: width }, (_, k) => from + i * width + k));
    assert.deepEqual([...inputs.picture], rows(2, 0));
    assert.deepEqual([...inputs.row], rows(3, 100));
    assert.deepEqual([...targets.point], rows(2, 200));
    assert.deepEqual(targets.kind, Int32Array.from(indices, (i) => [0, 1, 0, 1, 1][i]));
    assert.deepEqual(targets.tag, Float32Array.from(indices, (i) => [1, 0, 0, 1, 0][i]));
  }
});

Deno.test("selectSamples() takes where originals lie along with their pictures", () => {
  const size = { height: 2, width: 2 };
  const placements = packPlacements([1, 2, 3].map((height) => placeIn(size, { height, width: 2 })));
  const set: SampleSet = {
    name: "three",
    count: 3,
    inputs: { image: { kind: "pictures", ...size, channels: 1, bytes: new Uint8Array(12), placements } },
    targets: {},
  };
  const { image } = selectSamples(set, { indices: [2, 0], name: "two" }).inputs;
  assert.ok(image.kind === "pictures");
  assert.deepEqual([0, 1].map((i) => placementOf(image, i).original.height), [3, 1]);
});
