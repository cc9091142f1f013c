import { bytesOf } from "../pixels.ts";
import assert from "node:assert/strict";
import sharp from "sharp";
import type { SampleSet } from "../samples.ts";
import { type MasksOptions, readMasks } from "./masks.ts";
import { type PlainPng, plainPng } from "./_test_png.ts";

const SHAPE = { height: 2, width: 4, channels: 3 };

type Content = Uint8Array | string;

const picture = (width = 4, height = 2) =>
  sharp({ create: { width, height, channels: 3, background: "red" } }).png().toBuffer();

const mask = (values: readonly number[], options: Partial<PlainPng> = {}) => plainPng({ width: 4, values, ...options });

/** Eight pixels of two rows. */
const FIRST = [0, 1, 1, 255, 0, 0, 2, 2];

/** Runs `fn` on a folder with `files`. */
async function withFiles<T>(files: Readonly<Record<string, Content>>, fn: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${path}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
    }
    return await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Pairs a, b, … of these masks, below `folder`. */
async function pairs(masks: readonly Uint8Array[], folder = ""): Promise<Record<string, Content>> {
  const files: Record<string, Content> = {};
  for (const [i, bytes] of masks.entries()) {
    files[`${folder}images/${"abcdefgh"[i]}.png`] = await picture();
    files[`${folder}masks/${"abcdefgh"[i]}.png`] = bytes;
  }
  return files;
}

const read = (files: Readonly<Record<string, Content>>, options: Partial<MasksOptions> = {}) =>
  withFiles(files, (dir) => readMasks(dir, { shape: SHAPE, ...options }));

async function refused(files: Readonly<Record<string, Content>>, message: RegExp, options: Partial<MasksOptions> = {}) {
  await assert.rejects(read(files, options), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, message);
    return /^Cannot read |^Cannot split /.test(error.message) && !error.message.includes("\n");
  });
}

function classesOf({ targets: { mask } }: SampleSet): readonly number[] {
  assert.ok(mask.kind === "masks");
  return [...mask.values];
}

Deno.test("readMasks() reads values and indices of every depth as classes, whatever their colours", async () => {
  const forms = [1, 2, 4, 8, 16].flatMap((depth) => [{ depth, kind: "grey" }, { depth, kind: "palette" }] as const);
  for (const form of forms.filter(({ depth, kind }) => depth < 16 || kind === "grey")) {
    const values = form.depth === 1 ? [0, 1, 1, 0, 1, 0, 0, 1] : form.depth < 8 ? [0, 1, 2, 3, 3, 2, 1, 0] : FIRST;
    const { train, test } = await read(await pairs([mask(values, form), mask(values, form)]));
    assert.deepEqual([classesOf(train), classesOf(test)], [values, values], JSON.stringify(form));
  }
});

Deno.test("readMasks() takes the nearest pixel where masks are made smaller or larger", async () => {
  const files = await pairs([mask(FIRST), mask(FIRST)]);
  const smaller = await read(files, { shape: { height: 1, width: 2, channels: 3 } });
  // Centres at 1 and 3 of 4 columns and 1 of 2 rows lie between two pixels.
  assert.deepEqual(classesOf(smaller.train), [0, 2]);
  const larger = await read(files, { shape: { height: 4, width: 8, channels: 1 } });
  const row = (values: readonly number[]) => values.flatMap((value) => [value, value]);
  const [upper, lower] = [row(FIRST.slice(0, 4)), row(FIRST.slice(4))];
  assert.deepEqual(classesOf(larger.train), [...upper, ...upper, ...lower, ...lower]);
  assert.deepEqual(larger.train.inputs.image.kind === "pictures" && larger.train.inputs.image.bytes.length, 32);
});

Deno.test("readMasks() keeps pictures and masks together, in parts of their own or drawn at random", async () => {
  // Picture k is as bright as its mask has pixels of class 1.
  const files: Record<string, Content> = {};
  for (let k = 0; k < 8; k++) {
    const grey = { r: 20 * k, g: 20 * k, b: 20 * k };
    files[`images/${k}.png`] = await sharp({ create: { width: 4, height: 2, channels: 3, background: grey } }).png()
      .toBuffer();
    files[`masks/${k}.png`] = mask(Array.from({ length: 8 }, (_, i) => i < k ? 1 : 0));
  }
  const check = (
    { train, test }: { readonly train: SampleSet; readonly test: SampleSet },
    counts: readonly number[],
  ) => {
    assert.deepEqual([train.count, test.count], counts);
    for (const set of [train, test]) {
      const { image } = set.inputs;
      assert.ok(image.kind === "pictures");
      for (let i = 0; i < set.count; i++) {
        const ones = classesOf(set).slice(8 * i, 8 * i + 8).filter((value) => value === 1).length;
        assert.equal(bytesOf(image.bytes)[i * 24], 20 * ones);
      }
    }
  };
  const split = await read(files);
  check(split, [6, 2]);
  assert.deepEqual(classesOf((await read(files)).test), classesOf(split.test));
  assert.notDeepEqual(classesOf((await read(files, { seed: 1 })).test), classesOf(split.test));
  check(await read(files, { limit: 2, testFraction: 0.5 }), [2, 2]);
  check(await read(files, { learnLimit: 3, testFraction: 0.5 }), [3, 4]);
  const moved = Object.fromEntries(
    Object.entries(files).map(([path, content]) => [`${path.includes("/7.") ? "val" : "train"}/${path}`, content]),
  );
  check(await read(moved), [7, 1]);
  const three = await read({ ...moved, ...await pairs([mask(FIRST)], "test/") });
  assert.deepEqual([three.train.count, three.validation?.count, three.test.count], [7, 1, 1]);
});

Deno.test("readMasks() names classes by classes.txt, else by their numbers, and says what it saw", async () => {
  const files = await pairs([mask(FIRST), mask(FIRST)]);
  const plain = await read(files);
  assert.deepEqual([plain.train.targets.mask.names, plain.notes], [["0", "1", "2"], [
    "12.5 % of the pixels count for nothing (255).",
  ]]);
  const named = await read({ ...files, "classes.txt": "ground\r\nroad\nsky\ntree\n\n" });
  assert.deepEqual(named.train.targets.mask.names, ["ground", "road", "sky", "tree"]);
  assert.equal(named.notes[0], "No mask has a pixel of the class tree.");
  await refused({ ...files, "classes.txt": "a\nb\n" }, /pixel at column 2, row 1 is 2, needed is 0 to 1, or 255/);
  await refused({ ...files, "classes.txt": "a\n\nb\n" }, /its line 2 is empty/);
  await refused({ ...files, "classes.txt": "a\nb\na\n" }, /it names the class "a" twice/);
  await refused({ ...files, "classes.txt": "a" }, /it names 1 classes, needed are 2 to 255/);
});

Deno.test("readMasks() names what is wrong, counts it, and leaves it out where asked", async () => {
  const sound = await pairs(Array<Uint8Array>(7).fill(mask(FIRST)));
  const bad: readonly (readonly [Record<string, Content>, RegExp])[] = [
    [{ "images/x.jpg": await picture() }, /1 file of .*x\.jpg" \(it has no mask "x\.png" in "masks"\)/],
    [{ "masks/x.png": mask(FIRST) }, /1 file of .*x\.png" \(it has no picture "x\.\*" in "images"\)/],
    [{ "images/x.png": await picture(), "images/x.jpg": await picture(), "masks/x.png": mask(FIRST) }, /same name/],
    [{ "images/x.png": await picture(3, 2), "masks/x.png": mask(FIRST) }, /it is 4x2, its picture 3x2/],
    [{ "images/x.png": await picture(), "masks/x.png": await picture() }, /is a PNG of colours without a palette/],
    [{ "images/x.png": await picture(), "masks/x.png": await sharp(await picture()).jpeg().toBuffer() }, /is a JPEG/],
    [{ "images/x.png": await picture(), "masks/x.png": mask(FIRST).subarray(0, 60) }, /is a PNG that is cut off/],
    [{ "images/x.png": await picture(), "masks/x.png": new Uint8Array() }, /it is empty/],
    [{ "images/x.png": "no picture", "masks/x.png": mask(FIRST) }, /it is no picture/],
    [
      { "images/x.png": await picture(), "masks/x.png": mask(FIRST.with(5, 300), { depth: 16 }) },
      /column 1, row 1 is 300, needed is 0 to 254/,
    ],
  ];
  for (const [files, message] of bad) {
    await refused({ ...sound, ...files }, message);
    const { train, test, skipped } = await read({ ...sound, ...files }, { skipBadImages: true });
    assert.deepEqual([train.count + test.count, skipped.length], [7, 1]);
  }
  const many = { "images/y.png": await picture(), "masks/z.png": mask(FIRST) };
  await refused({ ...sound, ...many }, /^Cannot read 2 files, the first of /);
});

Deno.test("readMasks() says what a folder must have, and when there is nothing to learn", async () => {
  await refused({ "other/a.txt": "" }, /it has the folders other, needed are "images" and "masks", or "train"/);
  await refused({ "a.txt": "" }, /it has no folders/);
  await refused(await pairs([mask(FIRST)]), /^Cannot split .*: it has 1 pair of a picture and a mask, at least 2/);
  await refused({ "images/a.txt": "", "masks/a.txt": "" }, /"images" has no pictures and "masks" no masks/);
  const halves = await pairs([0, 1].map(() => mask([0, 255, 0, 255, 0, 255, 0, 255])));
  await refused(
    halves,
    /its masks have the values 0 and 255 alone, of which 255 counts for nothing; needed are 2 classes/,
  );
  await refused(await pairs([0, 1].map(() => mask(Array(8).fill(0)))), /the value 0 alone/);
  await refused(await pairs([0, 1].map(() => mask(Array(8).fill(255)))), /no pixel that counts/);
  await refused(await pairs([mask(FIRST), mask(FIRST)]), /the test fraction is 1/, { testFraction: 1 });
});
