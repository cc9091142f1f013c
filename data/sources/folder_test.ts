import assert from "node:assert/strict";
import sharp from "sharp";
import { bytesOf } from "../pixels.ts";
import type { SampleSet } from "../samples.ts";
import { type FolderOptions, readFolder } from "./folder.ts";

const RED = { r: 250, g: 0, b: 0 };
const BLUE = { r: 0, g: 0, b: 240 };
const SHAPE = { height: 4, width: 4, channels: 3 };

type Content = Uint8Array | Promise<Uint8Array>;

/** A PNG of one colour. */
function png(background: { r: number; g: number; b: number }, { width = 8, height = 8 } = {}): Promise<Uint8Array> {
  return sharp({ create: { width, height, channels: 3, background } }).png().toBuffer();
}

/** Runs `fn` on a folder with `files`. */
async function withFolder<T>(files: Readonly<Record<string, Content>>, fn: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${path}`, await content);
    }
    return await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const read = (files: Readonly<Record<string, Content>>, options: Partial<FolderOptions> = {}) =>
  withFolder(files, async (dir) => {
    const { train, validation, test, ...rest } = await readFolder(dir, { ...SHAPE, ...options });
    const own = validation === undefined ? {} : { validation: asImages(validation) };
    return { ...rest, train: asImages(train), ...own, test: asImages(test) };
  });

/** A set with its images, labels and names of classes. */
function asImages(set: SampleSet) {
  const { inputs: { image }, targets: { label } } = set;
  assert.ok(image.kind === "pictures" && label.kind === "classes");
  return { ...set, images: bytesOf(image.bytes), labels: label.labels, classNames: label.names };
}

/** Ten images of each of two classes, image i as bright as 10 i + 100. */
function twenty(): Record<string, Content> {
  const files: Record<string, Content> = {};
  for (let i = 0; i < 10; i++) {
    files[`sky/${i}.png`] = png({ r: 0, g: 0, b: 100 + 10 * i });
    files[`rose/${i}.png`] = png({ r: 100 + 10 * i, g: 0, b: 0 });
  }
  return files;
}

Deno.test("readFolder() reads classes in the order of their names and takes a fifth of each for the test", async () => {
  const { train, test, skipped } = await read(twenty());
  assert.deepEqual(train.classNames, ["rose", "sky"]);
  assert.deepEqual([train.count, test.count, skipped.length], [16, 4, 0]);
  assert.deepEqual([...test.labels].sort(), [0, 0, 1, 1]);
  const shades: number[] = [];
  for (const set of [train, test]) {
    for (let i = 0; i < set.count; i++) {
      const [r, g, b] = set.images.subarray(i * 48, i * 48 + 3);
      assert.deepEqual([g, set.labels[i] === 0 ? b : r], [0, 0]);
      shades.push(r + 1000 * b);
    }
  }
  assert.equal(new Set(shades).size, 20, "every image is in exactly one half");
});

Deno.test("readFolder() splits and orders by seed", async () => {
  const run = async (seed: number) => [...(await read(twenty(), { seed })).train.images].join();
  assert.equal(await run(1), await run(1));
  assert.notEqual(await run(1), await run(2));
});

Deno.test("readFolder() takes train and test or val folders as they are", async () => {
  for (const name of ["test", "val"]) {
    const files = {
      "train/a/1.png": png(RED),
      "train/b/1.png": png(BLUE),
      "train/b/2.png": png(BLUE),
      [`${name}/b/x.png`]: png(BLUE),
    };
    const { train, test } = await read(files);
    assert.deepEqual([[...train.labels].sort(), [...test.labels]], [[0, 1, 1], [1]]);
  }
  const unknown = { "train/a/1.png": png(RED), "test/c/1.png": png(RED) };
  await assert.rejects(read(unknown), /its class "c" is none of the training images' classes/);
});

Deno.test("readFolder() takes a val folder beside train and test to choose the best epoch by", async () => {
  for (const name of ["val", "valid", "validation"]) {
    const files = {
      "train/a/1.png": png(RED),
      "train/b/1.png": png(BLUE),
      [`${name}/a/1.png`]: png(RED),
      [`${name}/a/2.png`]: png(RED),
      [`${name}/b/bad.png`]: new Uint8Array(1),
      "test/b/1.png": png(BLUE),
    };
    const { train, validation, test, skipped } = await read(files, { skipBadImages: true });
    assert.deepEqual([train, validation!, test].map(({ labels }) => [...labels].sort()), [[0, 1], [0, 0], [1]]);
    assert.deepEqual([validation?.name.endsWith(" validation"), skipped.length], [true, 1]);
  }
  assert.equal((await read(twenty())).validation, undefined);
});

Deno.test("readFolder() takes classes called train and bus for classes", async () => {
  const files = { "train/1.png": png(RED), "train/2.png": png(RED), "bus/1.png": png(RED), "bus/2.png": png(RED) };
  assert.deepEqual((await read(files)).train.classNames, ["bus", "train"]);
  const both = Object.fromEntries(
    ["train", "test"].flatMap((name) => [1, 2, 3].map((i) => [`${name}/${i}.png`, png(i === 1 ? BLUE : RED)])),
  );
  assert.deepEqual((await read(both)).train.classNames, ["test", "train"]);
});

Deno.test("readFolder() decodes JPEG, grey, transparent, 16-bit and turned images alike", async () => {
  const left = sharp({ create: { width: 16, height: 8, channels: 3, background: RED } }).composite([
    { input: { create: { width: 8, height: 8, channels: 3, background: BLUE } }, left: 8, top: 0 },
  ]);
  const files = {
    "a/1.jpg": left.clone().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer(),
    // Turned by EXIF: stored as red | blue, meant to be seen turned clockwise, red on top.
    "b/1.JPEG": left.clone().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).withMetadata({ orientation: 6 })
      .toBuffer(),
    "c/1.png": sharp({ create: { width: 5, height: 5, channels: 4, background: { ...RED, alpha: 0 } } }).png()
      .toBuffer(),
    "d/1.png": sharp(new Uint8Array(9).fill(77), { raw: { width: 3, height: 3, channels: 1 } }).toColourspace("b-w")
      .png().toBuffer(),
    "e/1.png": sharp({ create: { width: 5, height: 5, channels: 3, background: BLUE } }).toColourspace("rgb16").png()
      .toBuffer(),
  };
  const twice = Object.fromEntries(
    Object.entries(files).flatMap(([path, c]) => [[path, c], [path.replace("1", "2"), c]]),
  );
  const { train } = await read(twice);
  const corners = [...train.labels].map((label, i) => {
    const at = (p: number) => [...train.images.subarray(i * 48 + 3 * p, i * 48 + 3 * p + 3)];
    return { label, first: at(0), last: at(15) };
  }).sort((a, b) => a.label - b.label);
  const near = (a: number[], b: number[]) =>
    a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) <= 3, `${a} is not ${b}`));
  near(corners[0].first, [250, 0, 0]);
  near(corners[0].last, [0, 0, 240]);
  near(corners[1].first, [250, 0, 0]);
  near(corners[1].last, [0, 0, 240]);
  const label1 = [...train.labels].indexOf(1);
  near([...train.images.subarray(label1 * 48 + 9, label1 * 48 + 12)], [250, 0, 0]);
  near(corners[2].first, [255, 255, 255]);
  near(corners[3].first, [77, 77, 77]);
  near(corners[4].first, [0, 0, 240]);
});

Deno.test("readFolder() turns colour to grey when asked for one channel", async () => {
  const { train } = await read({ "a/1.png": png(RED), "a/2.png": png(RED) }, { channels: 1 });
  assert.equal(train.images.length, 16);
  assert.equal(train.images[0], Math.round(0.299 * 250));
});

Deno.test("readFolder() names and counts images that cannot be read, and skips them when told to", async () => {
  const whole = await png(RED, { width: 64, height: 64 });
  const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: RED } }).jpeg().toBuffer();
  const files = {
    "a/bad.png": new TextEncoder().encode("no image"),
    "a/cut.png": whole.subarray(0, whole.length / 2),
    "a/cut.jpg": jpeg.subarray(0, jpeg.length / 2),
    "a/empty.jpg": new Uint8Array(0),
    "a/1.png": whole,
    "a/2.png": whole,
    "b/1.png": whole,
    "b/2.png": whole,
    "b/.hidden.png": new Uint8Array(3),
    "b/notes.txt": new Uint8Array(3),
  };
  await assert.rejects(read(files, { testFraction: 0.4 }), (error: Error) => {
    assert.match(error.message, /^Cannot read 4 images, the first of ".*": ".*\/a\/.*" \(.+\); needed are whole JPEG/);
    return !error.message.includes("\n");
  });
  const { train, test, skipped } = await read(files, { skipBadImages: true, testFraction: 0.4 });
  assert.equal(train.count + test.count, 4);
  assert.deepEqual(skipped.map(({ file }) => file.replace(/.*\//, "")).sort(), [
    "bad.png",
    "cut.jpg",
    "cut.png",
    "empty.jpg",
  ]);
  assert.ok(skipped.every(({ because }) => because.length > 5), JSON.stringify(skipped));
});

Deno.test("readFolder() limits both halves before decoding, from all classes", async () => {
  const files = { ...twenty(), "sky/bad.png": new Uint8Array(1) };
  const { train, test } = await read(files, { limit: 3, seed: 3, skipBadImages: true });
  assert.ok(train.count <= 3 && test.count <= 3 && train.count > 0);
});

Deno.test("readFolder() limits what is learned from by itself, and decodes no more than that", async () => {
  const parts = Object.entries(twenty()).flatMap(([p, c]) =>
    ["train", "val", "test"].map((part) => [`${part}/${p}`, c])
  );
  const files = Object.fromEntries(parts);
  const { train, validation, test, skipped } = await read(files, { learnLimit: 3 });
  assert.deepEqual([train, validation, test].map((set) => set?.count), [3, 3, 20]);
  assert.deepEqual(skipped, []);
  const less = await read(files, { learnLimit: 3, limit: 2 });
  assert.deepEqual([less.train.count, less.test.count], [2, 2]);
});

Deno.test("readFolder() mixes the classes, so that a limit keeps all of them", async () => {
  const files = Object.fromEntries(Object.entries(twenty()).flatMap(([p, c]) => [[`train/${p}`, c], [`test/${p}`, c]]));
  const { train, test } = await read(files, { limit: 8 });
  for (const set of [train, test]) assert.deepEqual([set.count, new Set(set.labels).size], [8, 2]);
});

Deno.test("readFolder() refuses folders without classes or images and options out of range", async () => {
  await assert.rejects(read({ "1.png": png(RED) }), /has no folders, needed is one folder of images for each class/);
  await assert.rejects(
    read({ "a/x.gif": new Uint8Array(1) }),
    /class folder ".*\/a": it has only others, such as "x.gif"/,
  );
  await assert.rejects(read({ "a/.x": new Uint8Array(1) }), /class folder ".*\/a": it is empty/);
  await assert.rejects(read({ "a/1.png": png(RED) }), /has no test image/);
  await assert.rejects(readFolder("/no/such", SHAPE), /Cannot read the folder "\/no\/such": it does not exist/);
  const files = { "a/1.png": png(RED), "a/2.png": png(RED) };
  for (
    const bad of [{ testFraction: 0 }, { testFraction: 1 }, { limit: 0 }, { seed: -1 }, { height: 0 }, { channels: 4 }]
  ) {
    await assert.rejects(read(files, bad), RangeError);
  }
});
