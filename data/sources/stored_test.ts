import assert from "node:assert/strict";
import sharp from "sharp";
import { batches, batchesAhead, type BatchOptions } from "../batches.ts";
import { StoredPixels } from "../cache/stored_pixels.ts";
import { openData, type OpenedData, type OpenOptions } from "../open.ts";
import { parseNormalize } from "../normalize.ts";
import { bytesOf } from "../pixels.ts";
import type { SampleSet } from "../samples.ts";

const SHAPE = { height: 6, width: 5, channels: 3 };

/** Two classes of `count` pictures each, of any size. */
async function makePhotos(dir: string, count: number): Promise<void> {
  for (const [kind, name] of ["dark", "light"].entries()) {
    await Deno.mkdir(`${dir}/${name}`, { recursive: true });
    for (let i = 0; i < count; i++) {
      const background = { r: 100 * kind + i, g: 3 * i, b: 40 };
      const make = sharp({ create: { width: 7 + i, height: 9, channels: 3, background } });
      await make.png().toFile(`${dir}/${name}/${i}.png`);
    }
  }
}

function withFolder(fn: (dir: string) => Promise<void>): Promise<void> {
  const dir = Deno.makeTempDirSync();
  return fn(dir).finally(() => Deno.removeSync(dir, { recursive: true }));
}

const pixelsIn = ({ inputs: { image } }: SampleSet) => {
  assert.ok(image.kind === "pictures");
  return image.bytes;
};

/** A set as it is, in memory or not. */
const plain = (set: SampleSet) => ({
  ...set,
  inputs: { image: { ...set.inputs.image, bytes: bytesOf(pixelsIn(set)) } },
});

function close(...sets: readonly OpenedData[]): void {
  for (const { train, test } of sets) {
    for (const set of [train, test]) {
      const pixels = pixelsIn(set);
      if (pixels instanceof StoredPixels) pixels.close();
    }
  }
}

const named = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("openData() with a cache gives the very samples that it gives without, and decodes them once", () =>
  withFolder(async (dir) => {
    await makePhotos(`${dir}/photos`, 10);
    const notes: string[] = [];
    const cache = { dir: `${dir}/cache`, above: 0, onUse: (note: string) => notes.push(note) };
    const open = (options: OpenOptions = {}) => openData(`folder:${dir}/photos`, { shape: SHAPE, ...options });
    const memory = await open();
    const stored = await open({ cache });
    for (const part of ["train", "test"] as const) {
      assert.ok(pixelsIn(stored[part]) instanceof StoredPixels);
      assert.deepEqual(plain(stored[part]), plain(memory[part]));
    }
    assert.equal(notes.length, 2);
    assert.match(
      notes[0],
      /^The 16 pictures of ".*photos train" take 1.41 KiB: they are decoded once, to ".*\.pixels"\.$/,
    );
    const before = named(cache.dir);
    const again = await open({ cache });
    assert.deepEqual([named(cache.dir), notes.length], [before, 2]);
    assert.deepEqual(plain(again.train), plain(memory.train));
    // Too few to be kept there.
    const few = await open({ cache: { ...cache, above: 16 * 90 } });
    assert.ok(pixelsIn(few.train) instanceof Uint8Array);
    close(stored, again);
  }));

Deno.test("openData() decodes anew what has changed, and what is damaged, and removes what is stale", () =>
  withFolder(async (dir) => {
    await makePhotos(`${dir}/photos`, 5);
    const cache = { dir: `${dir}/cache`, above: 0 };
    const open = (options: OpenOptions = {}) => openData(`folder:${dir}/photos`, { shape: SHAPE, cache, ...options });
    const first = await open();
    const names = named(cache.dir);
    // Another shape is another set, and leaves the first.
    const other = await open({ shape: { ...SHAPE, width: 4 } });
    assert.equal(named(cache.dir).length, 2 * names.length);
    close(first);
    const picture = sharp({ create: { width: 30, height: 9, channels: 3, background: "white" } });
    for (const i of [0, 1, 2, 3, 4]) await picture.png().toFile(`${dir}/photos/dark/${i}.png`);
    const second = await open();
    assert.equal(named(cache.dir).length, 2 * names.length);
    assert.notDeepEqual(named(cache.dir).filter((name) => names.includes(name)), names);
    const expected = plain((await openData(`folder:${dir}/photos`, { shape: SHAPE })).train);
    assert.deepEqual(plain(second.train), expected);
    close(other, second);
    // What a process that died left, and files cut short.
    for (const name of named(cache.dir)) {
      Deno.truncateSync(`${cache.dir}/${name}`, 10);
      Deno.writeTextFileSync(`${cache.dir}/.${name}.0.tmp`, "half");
    }
    const third = await open();
    assert.deepEqual(plain(third.train), expected);
    assert.equal(named(cache.dir).filter((name) => name.endsWith(".tmp")).length, names.length);
    close(third);
  }));

Deno.test("openData() keeps what could not be read in mind, and tries it again", () =>
  withFolder(async (dir) => {
    await makePhotos(`${dir}/photos`, 5);
    const whole = Deno.readFileSync(`${dir}/photos/dark/2.png`);
    Deno.writeFileSync(`${dir}/photos/dark/2.png`, whole.slice(0, 60));
    const open = (cache?: OpenOptions["cache"]) =>
      openData(`folder:${dir}/photos`, {
        shape: SHAPE,
        skipBadImages: true,
        ...(cache === undefined ? {} : { cache }),
      });
    const cache = { dir: `${dir}/cache`, above: 0 };
    const memory = await open();
    assert.equal(memory.skipped.length, 1);
    for (const opened of [await open(cache), await open(cache)]) {
      assert.deepEqual(opened.skipped, memory.skipped);
      for (const part of ["train", "test"] as const) assert.deepEqual(plain(opened[part]), plain(memory[part]));
      close(opened);
    }
  }));

Deno.test("openData() keeps sets that are fitted to a larger shape in files too", () =>
  withFolder(async (dir) => {
    const shape = { height: 40, width: 40, channels: 3 };
    const cache = { dir, above: 0 };
    const memory = await openData("generated", { limit: 300, shape });
    const stored = await openData("generated", { limit: 300, shape, cache });
    const again = await openData("generated", { limit: 300, shape, cache });
    assert.ok(pixelsIn(stored.train) instanceof StoredPixels);
    for (const set of [stored, again]) assert.deepEqual(plain(set.train), plain(memory.train));
    assert.equal(named(dir).length, 2);
    close(stored, again);
  }));

/** Sources that have pictures in files, with what they need beside them. */
const SOURCES: Readonly<Record<string, OpenOptions & { readonly files: (dir: string) => void }>> = {
  "csv:DIR/table.csv": {
    targets: "reals",
    files: (dir) => {
      const lines = Array.from({ length: 6 }, (_, i) => `dark/${i}.png,${i}`);
      Deno.writeTextFileSync(`${dir}/table.csv`, ["image,value", ...lines].join("\n"));
    },
  },
  "points:DIR/points.csv": {
    targets: "points",
    files: (dir) => {
      const lines = Array.from({ length: 6 }, (_, i) => `dark/${i}.png,1,1,5,${i + 2}`);
      Deno.writeTextFileSync(`${dir}/points.csv`, ["image,x0,y0,x1,y1", ...lines].join("\n"));
    },
  },
  "yolo:DIR/data.yaml": {
    targets: "boxes",
    files: (dir) => {
      for (const part of ["train", "val"]) {
        Deno.mkdirSync(`${dir}/images/${part}`, { recursive: true });
        Deno.mkdirSync(`${dir}/labels/${part}`, { recursive: true });
        for (const i of [0, 1, 2]) {
          const name = part === "train" ? i : i + 3;
          Deno.copyFileSync(`${dir}/dark/${name}.png`, `${dir}/images/${part}/${name}.png`);
          Deno.writeTextFileSync(`${dir}/labels/${part}/${name}.txt`, `0 0.5 0.5 0.${i + 2} 0.3\n`);
        }
      }
      Deno.writeTextFileSync(`${dir}/data.yaml`, "train: images/train\nval: images/val\nnames: [thing]\n");
    },
  },
};

for (const [name, { files, ...options }] of Object.entries(SOURCES)) {
  Deno.test(`openData("${name}") has the same samples from files and in memory`, () =>
    withFolder(async (dir) => {
      await makePhotos(`${dir}/photos`, 6);
      files(`${dir}/photos`);
      const spec = name.replace("DIR", `${dir}/photos`);
      const own = { shape: { height: 32, width: 32, channels: 3 }, ...options };
      const cache = { dir: `${dir}/cache`, above: 0 };
      const memory = await openData(spec, own);
      // Once decoded, once found.
      for (let i = 0; i < 2; i++) {
        const stored = await openData(spec, { ...own, cache });
        assert.ok(pixelsIn(stored.train) instanceof StoredPixels);
        for (const part of ["train", "test"] as const) assert.deepEqual(plain(stored[part]), plain(memory[part]));
        close(stored);
      }
    }));
}

Deno.test("openData() leaves a file alone that somebody reads, however stale", () =>
  withFolder(async (dir) => {
    await makePhotos(`${dir}/photos`, 5);
    const cache = { dir: `${dir}/cache`, above: 0 };
    const open = () => openData(`folder:${dir}/photos`, { shape: SHAPE, cache });
    const first = await open();
    const names = named(cache.dir);
    for (const name of ["dark", "light"]) Deno.utimeSync(`${dir}/photos/${name}/0.png`, 1, 1);
    const second = await open();
    assert.ok(names.every((name) => named(cache.dir).includes(name)));
    assert.deepEqual(plain(first.train), plain(second.train));
    close(first, second);
  }));

Deno.test("batchesAhead() gives the batches that batches() gives, whatever is changed, read from files or not", () =>
  withFolder(async (dir) => {
    await makePhotos(`${dir}/photos`, 23);
    const cache = { dir: `${dir}/cache`, above: 0 };
    const spec = `folder:${dir}/photos`;
    const [memory, stored] = [await openData(spec, { shape: SHAPE }), await openData(spec, { shape: SHAPE, cache })];
    const ways: readonly Partial<BatchOptions>[] = [
      {},
      { shuffle: true, dropRemainder: true },
      { shuffle: true, augment: { flip: true, pad: 2 } },
      { shuffle: true, augment: { flip: true, pad: 0, rotate: 20, scale: [0.8, 1.2] } },
      { batchSize: 50 },
    ];
    for (const way of ways) {
      const options = { batchSize: 7, normalize: parseNormalize("0..255"), seed: 3, epoch: 2, ...way };
      const expected = [...batches(memory.train, options)];
      for (const { train } of [stored, memory]) {
        assert.deepEqual(await Array.fromAsync(batchesAhead(train, options)), expected);
        assert.deepEqual([...batches(train, options)], expected);
      }
    }
    // Whoever stops early leaves nothing behind that is read for ever.
    for await (const _ of batchesAhead(stored.train, { batchSize: 5, normalize: parseNormalize("0..1") })) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
    close(stored);
  }));
