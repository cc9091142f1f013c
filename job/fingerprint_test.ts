import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { openPictureFile, PictureFileWriter } from "../data/cache/picture_file.ts";
import { StoredPixels } from "../data/cache/stored_pixels.ts";
import { openData } from "../data/open.ts";
import type { Pictures, SampleSet, SampleTarget } from "../data/samples.ts";
import { hashSamples } from "./_fingerprint.ts";
import { dealTargets } from "./_task.ts";
import { SIDE, smallDetector } from "./_test_detector.ts";
import { withFolder } from "./_test_support.ts";

const LABELS: SampleTarget = { kind: "classes", labels: Int32Array.of(0, 1, 1), names: ["a", "b"] };
const REALS: SampleTarget = { kind: "reals", values: Float32Array.of(1, 2, 3), names: ["x"] };

/** Three pictures of 2 × 2 pixels, stored with one around each side. */
const BYTES = Uint8Array.from({ length: 3 * 16 }, (_, i) => 7 * i);

function setOf(own: Partial<Pictures>, targets: SampleSet["targets"] = { label: LABELS }): SampleSet {
  const image = { kind: "pictures", height: 2, width: 2, channels: 1, surround: 1, bytes: BYTES, ...own } as const;
  return { name: "three", count: 3, inputs: { image }, targets };
}

Deno.test("hashSamples() gives the same of pictures in memory and in a file, whole and in part", () =>
  withFolder((dir) => {
    const path = `${dir}/three.pixels`;
    const writer = new PictureFileWriter(path, { count: 3, width: 16 });
    for (let i = 0; i < 3; i++) writer.put(i, BYTES.subarray(16 * i, 16 * (i + 1)));
    writer.finish([]);
    const stored = StoredPixels.of(openPictureFile(path, { count: 3, width: 16 })!);
    const placements = Int32Array.from({ length: 18 }, (_, i) => i);
    try {
      assert.equal(hashSamples(setOf({ bytes: stored })), hashSamples(setOf({})));
      // In whichever order a source lists what belongs to a picture.
      const { bytes: _, ...rest } = setOf({ placements }).inputs.image as Pictures;
      const inputs = { image: { placements, ...rest, bytes: stored } };
      assert.equal(hashSamples({ ...setOf({}), inputs }), hashSamples(setOf({ placements })));
      assert.notEqual(hashSamples(setOf({ placements })), hashSamples(setOf({})));
      const swapped = Uint8Array.from([1, 0, 2].flatMap((i) => [...BYTES.subarray(16 * i, 16 * (i + 1))]));
      assert.equal(hashSamples(setOf({ bytes: stored.select([1, 0, 2]) })), hashSamples(setOf({ bytes: swapped })));
      assert.notEqual(hashSamples(setOf({ bytes: swapped })), hashSamples(setOf({})));
    } finally {
      stored.close();
    }
    return Promise.resolve();
  }));

Deno.test("hashSamples() tells any picture, target, name of a class and number of samples from another", () => {
  const hashes = [
    setOf({}),
    setOf({ bytes: BYTES.with(47, 0) }),
    setOf({}, { label: { ...LABELS, names: ["a", "c"] } }),
    setOf({}, { label: { ...LABELS, labels: Int32Array.of(0, 1, 0) } }),
    setOf({}, { label: REALS }),
    { ...setOf({}), count: 2 },
  ].map(hashSamples);
  assert.equal(new Set(hashes).size, hashes.length);
});

Deno.test("hashSamples() takes a target that outputs share once, and targets of their own by their order", () => {
  const hash = (targets: SampleSet["targets"]) => hashSamples(setOf({}, targets));
  const one = hash({ label: LABELS });
  assert.equal(hash({ head: LABELS }), one);
  assert.equal(hash({ coarse: LABELS, fine: { ...LABELS } }), one);
  const both = hash({ a: LABELS, b: REALS });
  assert.equal(hash({ c: LABELS, d: REALS }), both);
  const others = [
    one,
    both,
    hash({ a: REALS, b: LABELS }),
    hash({ a: REALS }),
    hash({ a: LABELS, b: REALS, c: REALS }),
  ];
  assert.equal(new Set(others).size, others.length);
});

Deno.test("hashSamples() gives the same for detectors of one output and of two, on the same pictures", async () => {
  const shape = { height: SIDE, width: SIDE, channels: 3 };
  const opened = await openData("generated:shapes", { limit: 4, shape });
  const two = smallDetector();
  const one = tfl.model({ name: "one", inputs: two.inputs, outputs: two.outputs[0] });
  const [a, b] = [one, two].map((model) => dealTargets(opened, model, { task: "detection", name: model.name }).test);
  assert.deepEqual([a, b].map(({ targets }) => Object.keys(targets).length), [1, 2]);
  assert.equal(hashSamples(a), hashSamples(b));
  two.dispose();
});
