import assert from "node:assert/strict";
import { bytesOf } from "../pixels.ts";
import type { SampleSet } from "../samples.ts";
import { generateMasks } from "./generated_masks.ts";

function partsOf({ inputs: { image }, targets: { mask } }: SampleSet) {
  assert.ok(image.kind === "pictures" && mask.kind === "masks");
  return { image, mask };
}

Deno.test("generateMasks() gives the same first pictures however many are asked for, and others for another seed", () => {
  const [few, many, other] = [{ train: 2 }, { train: 5 }, { train: 2, seed: 1 }].map((options) =>
    partsOf(generateMasks({ test: 1, ...options }).train)
  );
  assert.deepEqual(many.image.bytes.subarray(0, few.image.bytes.length), few.image.bytes);
  assert.deepEqual(many.mask.values.subarray(0, few.mask.values.length), few.mask.values);
  assert.notDeepEqual(other.image.bytes, few.image.bytes);
  const { train, test } = generateMasks({ train: 2, test: 2 });
  assert.notDeepEqual(partsOf(train).image.bytes, partsOf(test).image.bytes);
});

Deno.test("generateMasks() shows every class, shapes brighter than the ground beneath them", () => {
  const { train } = generateMasks({ train: 40, test: 1 });
  const { image, mask } = partsOf(train);
  assert.deepEqual(mask.names, ["ground", "disc", "triangle", "cross"]);
  const pixels = [0, 0, 0, 0];
  for (let i = 0; i < train.count; i++) {
    const sums = { ground: 0, things: 0 };
    const counts = { ground: 0, things: 0 };
    for (let at = i * 48 * 48; at < (i + 1) * 48 * 48; at++) {
      pixels[mask.values[at]]++;
      const kind = mask.values[at] === 0 ? "ground" : "things";
      const [r, g, b] = bytesOf(image.bytes).subarray(3 * at, 3 * at + 3);
      sums[kind] += 0.299 * r + 0.587 * g + 0.114 * b;
      counts[kind]++;
    }
    assert.ok(sums.things / counts.things > sums.ground / counts.ground + 20, `picture ${i}`);
  }
  // No class is rare, and the ground is the most.
  assert.ok(pixels.every((count) => count > 0.01 * 40 * 48 * 48) && pixels[0] > 0.5 * 40 * 48 * 48, `${pixels}`);
});

Deno.test("generateMasks() fits pictures and masks to the shape that is asked for", () => {
  const { image, mask } = partsOf(
    generateMasks({ train: 1, test: 1, shape: { height: 24, width: 32, channels: 1 } }).train,
  );
  assert.deepEqual([image.bytes.length, mask.values.length, mask.height, mask.width], [24 * 32, 24 * 32, 24, 32]);
  const whole = partsOf(generateMasks({ train: 1, test: 1 }).train).mask.values;
  // Row 5 of 24 lies at 11 of 48, column 7 of 32 at 11.25 of 48.
  assert.equal(mask.values[5 * 32 + 7], whole[11 * 48 + 11]);
  assert.throws(() => generateMasks({ train: 0 }), /the count is 0, needed is a positive integer/);
});
