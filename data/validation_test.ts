import assert from "node:assert/strict";
import { bytesOf } from "./pixels.ts";
import fc from "fast-check";
import type { SampleSet } from "./samples.ts";
import { splitValidation } from "./validation.ts";

/** Samples whose row and picture say which they are. */
function labelled(labels: readonly number[]): SampleSet {
  const count = labels.length;
  return {
    name: "set",
    count,
    inputs: {
      row: { kind: "rows", names: ["a", "b"], values: Float32Array.from({ length: 2 * count }, (_, i) => i >> 1) },
      image: {
        kind: "pictures",
        height: 1,
        width: 1,
        channels: 3,
        bytes: Uint8Array.from({ length: 3 * count }, (_, i) => i / 3),
      },
    },
    targets: { label: { kind: "classes", labels: Int32Array.from(labels), names: ["x", "y", "z"] } },
  };
}

/** Reads which samples of `labelled` a set has, and checks that inputs and targets belong together. */
function samplesIn(set: SampleSet | undefined, labels: readonly number[]): number[] {
  if (set === undefined) return [];
  const { inputs: { row, image }, targets: { label } } = set;
  assert.ok(row.kind === "rows" && image.kind === "pictures" && label.kind === "classes");
  const samples = Array.from({ length: set.count }, (_, i) => row.values[2 * i]);
  assert.deepEqual([...row.values], samples.flatMap((i) => [i, i]));
  assert.deepEqual([...bytesOf(image.bytes)], samples.flatMap((i) => [i, i, i]));
  assert.deepEqual([...label.labels], samples.map((i) => labels[i]));
  assert.deepEqual([row.values.length, image.bytes.length], [2 * set.count, 3 * set.count]);
  return samples;
}

const countOf = (labels: readonly number[], samples: readonly number[], label: number) =>
  samples.filter((i) => labels[i] === label).length;

Deno.test("splitValidation() puts the same share of each class aside, and keeps the order", () => {
  const labels = Array.from({ length: 100 }, (_, i) => i < 60 ? 0 : i < 90 ? 1 : 2);
  const { train, validation } = splitValidation(labelled(labels), { fraction: 0.1, seed: 0 });
  const [kept, aside] = [samplesIn(train, labels), samplesIn(validation, labels)];
  assert.deepEqual([0, 1, 2].map((label) => countOf(labels, aside, label)), [6, 3, 1]);
  for (const part of [kept, aside]) assert.deepEqual(part, part.toSorted((a, b) => a - b));
  assert.deepEqual([train.name, validation?.name], ["set", "set, put aside"]);
});

Deno.test("splitValidation() gives the same for one seed and another for another", () => {
  const labels = Array.from({ length: 60 }, (_, i) => i % 3);
  const aside = (seed: number) =>
    samplesIn(splitValidation(labelled(labels), { fraction: 0.2, seed }).validation, labels);
  assert.deepEqual(aside(3), aside(3));
  assert.notDeepEqual(aside(3), aside(4));
});

Deno.test("splitValidation() parts any set: nothing lost, nothing twice, a sample of each class to learn from", () => {
  const sets = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 60 });
  fc.assert(fc.property(sets, fc.double({ min: 0, max: 0.9, noNaN: true }), fc.nat(99), (labels, fraction, seed) => {
    const { train, validation } = splitValidation(labelled(labels), { fraction, seed });
    const [kept, aside] = [samplesIn(train, labels), samplesIn(validation, labels)];
    assert.deepEqual([...kept, ...aside].sort((a, b) => a - b), labels.map((_, i) => i));
    for (const label of new Set(labels)) {
      assert.ok(countOf(labels, kept, label) >= 1);
      // As near to the share as whole samples allow, one sample of each class being kept.
      const size = labels.filter((other) => other === label).length;
      assert.ok(countOf(labels, aside, label) <= Math.floor(fraction * size) + 1);
      assert.ok(countOf(labels, aside, label) >= Math.min(Math.floor(fraction * size), size - 1));
    }
    assert.ok(aside.length <= Math.round(fraction * labels.length));
  }));
});

Deno.test("splitValidation() puts nothing aside where nothing can be spared", () => {
  for (const labels of [[0], [0, 1], [0, 1, 2], [0, 0, 0, 0]]) {
    const set = labelled(labels);
    assert.deepEqual(splitValidation(set, { fraction: 0.1, seed: 0 }), { train: set });
  }
  const set = labelled([0, 1, 2, 0]);
  assert.deepEqual(splitValidation(set, { fraction: 0, seed: 0 }), { train: set });
  // One can be spared of the only class that has two.
  const { validation } = splitValidation(set, { fraction: 0.9, seed: 0 });
  assert.deepEqual(samplesIn(validation, [0, 1, 2, 0]).map((i) => [0, 1, 2, 0][i]), [0]);
});

Deno.test("splitValidation() takes numbers as they come", () => {
  const values = Float32Array.from({ length: 40 }, (_, i) => i);
  const target = { kind: "reals", names: ["p", "q"], values } as const;
  const set: SampleSet = { name: "set", count: 20, inputs: {}, targets: { target } };
  const { train, validation } = splitValidation(set, { fraction: 0.25, seed: 0 });
  assert.deepEqual([train.count, validation?.count], [15, 5]);
  const { target: aside } = validation!.targets;
  assert.ok(aside.kind === "reals");
  for (let i = 0; i < 5; i++) assert.equal(aside.values[2 * i] + 1, aside.values[2 * i + 1]);
});

Deno.test("splitValidation() refuses what is no share", () => {
  for (const fraction of [-0.1, 1, NaN]) {
    assert.throws(() => splitValidation(labelled([0, 0]), { fraction, seed: 0 }), {
      name: "RangeError",
      message: `Cannot put samples of "set" aside: the share is ${fraction}, needed is a number from 0 to below 1`,
    });
  }
});

Deno.test("splitValidation() puts whole groups aside, whatever their sizes, and leaves one to learn from", () => {
  const sets = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sets, fc.double({ min: 0, max: 0.9, noNaN: true }), (numbers, fraction) => {
      const groups = numbers.map((number) => `person ${number}`);
      const labels = numbers.map((number) => number % 3);
      const { train, validation } = splitValidation({ ...labelled(labels), groups }, { fraction, seed: 1 });
      assert.deepEqual(
        [...samplesIn(train, labels), ...samplesIn(validation, labels)].sort((a, b) => a - b),
        numbers.map((_, i) => i),
      );
      const people = new Set(train.groups);
      assert.ok(people.size >= 1 && train.groups?.length === train.count);
      assert.ok(validation === undefined || validation.groups?.every((group) => !people.has(group)));
      // As many as are asked for, and no group more than it takes.
      const asked = Math.round(fraction * numbers.length);
      const least = Math.min(
        asked,
        numbers.length - Math.max(...Map.groupBy(groups, (g) => g).values().map((g) => g.length)),
      );
      assert.ok((validation?.count ?? 0) >= least);
    }),
    { seed: 1, numRuns: 100 },
  );
});
