import assert from "node:assert/strict";
import { testWithShared } from "../../tests/_support/shared.ts";
import { readCifar10 } from "./cifar10.ts";
import { countClasses } from "../dataset.ts";

/** A record whose red, green and blue at pixel p are (p + shift) % 256, 100 and p >> 4. */
function record(label: number, shift = 0): Uint8Array {
  const bytes = new Uint8Array(3073);
  bytes[0] = label;
  for (let p = 0; p < 1024; p++) {
    bytes[1 + p] = p + shift;
    bytes[1025 + p] = 100;
    bytes[2049 + p] = p >> 4;
  }
  return bytes;
}

const concat = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

const FILES: Readonly<Record<string, Uint8Array>> = {
  "data_batch_1.bin": concat(record(3), record(9, 5)),
  "data_batch_4.bin": record(0, 9),
  "test_batch.bin": record(1),
};

async function read(change: Readonly<Record<string, Uint8Array | undefined>> = {}) {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of Object.entries({ ...FILES, ...change })) {
      if (bytes) await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    return await readCifar10(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("readCifar10() reads every batch that is there and interleaves the planes", async () => {
  const { train, test } = await read();
  assert.deepEqual([train.count, test.count], [3, 1]);
  assert.deepEqual([...train.labels], [3, 9, 0]);
  const pixel = (n: number, p: number) => [...train.images.subarray((n * 1024 + p) * 3, (n * 1024 + p) * 3 + 3)];
  assert.deepEqual(pixel(0, 0), [0, 100, 0]);
  assert.deepEqual(pixel(0, 33), [33, 100, 2]);
  assert.deepEqual(pixel(1, 1023), [(1023 + 5) % 256, 100, 63]);
  assert.deepEqual(pixel(2, 0), [9, 100, 0]);
  assert.equal(train.classNames[9], "truck");
});

Deno.test("readCifar10() takes class names from batches.meta.txt", async () => {
  const meta = (text: string) => ({ "batches.meta.txt": new TextEncoder().encode(text) });
  const { test } = await read(meta("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"));
  assert.deepEqual(test.classNames, [..."abcdefghij"]);
  await assert.rejects(read(meta("a\nb\n")), /batches\.meta\.txt": it has 2 class names, needed are 10/);
});

Deno.test("readCifar10() names the file and what is wrong with it", async () => {
  const cases: [Record<string, Uint8Array | undefined>, RegExp][] = [
    [{ "test_batch.bin": undefined }, /there is no "test_batch\.bin"/],
    [{ "data_batch_1.bin": undefined, "data_batch_4.bin": undefined }, /there is no "data_batch_1\.bin"/],
    [
      { "data_batch_4.bin": record(0).subarray(0, 3000) },
      /data_batch_4\.bin": its 3000 bytes are 0 records .* truncated/,
    ],
    [
      { "test_batch.bin": concat(record(0), Uint8Array.of(1)) },
      /test_batch\.bin": .* 1 records of 3073 and 1 bytes more/,
    ],
    [{ "test_batch.bin": new Uint8Array(0) }, /test_batch\.bin": .* it is empty/],
    [{ "data_batch_1.bin": concat(record(1), record(10)) }, /data_batch_1\.bin": the label of record 1 is 10/],
  ];
  for (const [change, message] of cases) await assert.rejects(read(change), message);
  await assert.rejects(readCifar10("/no/such/dir"), /Cannot read the folder/);
});

testWithShared("readCifar10() reads the real set", "data/cifar10", async (dir) => {
  const { train, test } = await readCifar10(dir);
  assert.deepEqual([train.count, test.count], [20000, 1000]);
  assert.deepEqual([...train.labels.subarray(0, 5)], [6, 9, 9, 4, 1], "frog, truck, truck, deer, automobile");
  assert.equal(countClasses(train).reduce((a, b) => a + b), 20000);
  // First record of data_batch_1: red 59, green 62, blue 63 in the corner.
  assert.deepEqual([...train.images.subarray(0, 3)], [59, 62, 63]);
});
