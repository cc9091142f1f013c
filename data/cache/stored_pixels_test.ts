import assert from "node:assert/strict";
import { OutputError } from "../../src/io/errors.ts";
import { disk, exists } from "../../src/io/disk.ts";
import { shadow } from "../../src/shadow.ts";
import { openPictureFile, PictureFileWriter } from "./picture_file.ts";
import { StoredPixels } from "./stored_pixels.ts";

const [COUNT, WIDTH] = [40, 50];

/** Picture i is all i, but for its last byte. */
const picture = (i: number) => Uint8Array.from({ length: WIDTH }, (_, at) => at === WIDTH - 1 ? 255 - i : i);

function withFile(fn: (path: string) => void | Promise<void>): Promise<void> {
  const dir = Deno.makeTempDirSync();
  const path = `${dir}/cache/a.pixels`;
  const writer = new PictureFileWriter(path, { count: COUNT, width: WIDTH });
  // They come in any order, and some not at all.
  for (let i = COUNT - 1; i >= 0; i--) if (i !== 7) writer.put(i, picture(i));
  assert.equal(exists(path), false);
  writer.finish({ skipped: [7] });
  return Promise.resolve(fn(path)).finally(() => Deno.removeSync(dir, { recursive: true }));
}

function open(path: string): StoredPixels {
  const file = openPictureFile(path, { count: COUNT, width: WIDTH });
  assert.ok(file !== undefined);
  return StoredPixels.of(file);
}

Deno.test("StoredPixels gives the pictures that were written, by places and selections", () =>
  withFile((path) => {
    const all = open(path);
    assert.equal(all.length, COUNT * WIDTH);
    assert.deepEqual(all.subarray(3 * WIDTH, 5 * WIDTH), Uint8Array.of(...picture(3), ...picture(4)));
    const some = all.select([5, 0, 5]).select([2, 1]);
    assert.deepEqual(some.subarray(0, some.length), Uint8Array.of(...picture(5), ...picture(0)));
    assert.deepEqual(openPictureFile(path, { count: COUNT, width: WIDTH })?.notes, { skipped: [7] });
    for (const [start, end] of [[1, WIDTH], [0, WIDTH + 1], [WIDTH - 1, WIDTH]]) {
      assert.throws(() => all.subarray(start, end), {
        name: "RangeError",
        message: `Cannot read bytes ${start} to ${end} of pictures: each has ${WIDTH}, whole ones are needed`,
      });
    }
    assert.equal(all.subarray(0, 0).length, 0);
    assert.notEqual(all.digest, all.select([1, 0]).digest);
    assert.equal(all.digest, open(path).digest);
    all.close();
  }));

Deno.test("StoredPixels.lease() reads in the background, more pictures than readers and several leases at once", () =>
  withFile(async (path) => {
    const all = open(path);
    const indices = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i !== 7);
    const leases = [indices, indices.toReversed(), [3, 3, 4]].map((pictures) => all.lease(pictures));
    assert.equal(leases[0].get(0), undefined);
    for (const lease of leases) await lease.ready;
    for (const i of indices) assert.deepEqual([leases[0].get(i), leases[1].get(i)], [picture(i), picture(i)]);
    assert.deepEqual(leases[2].get(3), picture(3));
    leases.forEach((lease) => lease.release());
    // The memory goes to others, and nobody sees what was in it.
    const again = all.lease([9]);
    await again.ready;
    assert.deepEqual(again.get(9), picture(9));
    assert.equal(again.get(8), undefined);
    again.release();
    all.close();
  }));

Deno.test("StoredPixels refuses a picture that was damaged, and removes its file", () =>
  withFile(async (path) => {
    for (const read of ["subarray", "lease"]) {
      const bytes = Deno.readFileSync(path);
      bytes[11 * WIDTH + 3] ^= 1;
      Deno.writeFileSync(`${path}.copy`, bytes);
      const all = open(`${path}.copy`);
      const failing = async () =>
        read === "lease" ? await all.lease([10, 11]).ready : void all.subarray(11 * WIDTH, 12 * WIDTH);
      await assert.rejects(
        failing,
        /^Error: Cannot read picture 11 of the cache ".*\.copy": it is damaged, and was removed/,
      );
      assert.equal(exists(`${path}.copy`), false);
      all.close();
    }
  }));

Deno.test("openPictureFile() takes no file that ends early, is of something else, or says another thing than was written", () =>
  withFile((path) => {
    const whole = Deno.readFileSync(path);
    const size = { count: COUNT, width: WIDTH };
    assert.equal(openPictureFile(`${path}.none`, size), undefined);
    assert.equal(openPictureFile(path, { ...size, count: COUNT + 1 }), undefined);
    assert.equal(openPictureFile(path, { count: COUNT / 2, width: 2 * WIDTH }), undefined);
    for (const length of [0, 10, COUNT * WIDTH, whole.length - 1]) {
      Deno.writeFileSync(path, whole.subarray(0, length));
      assert.equal(openPictureFile(path, size), undefined, `${length} bytes`);
    }
    // Whatever is behind the pictures is vouched for.
    for (let at = COUNT * WIDTH; at < whole.length; at++) {
      const bytes = whole.slice();
      bytes[at] ^= 4;
      Deno.writeFileSync(path, bytes);
      assert.equal(openPictureFile(path, size), undefined, `byte ${at}`);
    }
  }));

Deno.test("PictureFileWriter says in one line where there is no room or no folder, and leaves nothing", () => {
  const dir = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${dir}/file`, "");
  assert.throws(() => new PictureFileWriter(`${dir}/file/a`, { count: 1, width: 1 }), OutputError);
  const writer = new PictureFileWriter(`${dir}/a.pixels`, { count: 1, width: 4 });
  const { writeSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.writeSync = () => {
    throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
  };
  try {
    assert.throws(() => writer.put(0, new Uint8Array(4)), (error: Error) => {
      assert.ok(error instanceof OutputError && !error.message.includes("\n"), error.message);
      assert.match(error.message, /no space|full/i);
      return true;
    });
  } finally {
    Deno.FsFile.prototype.writeSync = writeSync;
  }
  writer.abandon();
  assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["file"]);
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("StoredPixels and PictureFileWriter go on where the system writes or reads a part at a time", async () => {
  using stack = new DisposableStack();
  const file = Deno.FsFile.prototype;
  stack.defer(shadow(file, "writeSync", (next, bytes) => next(bytes.subarray(0, 7))));
  stack.defer(shadow(file, "readSync", (next, into) => next(into.subarray(0, 7))));
  stack.defer(shadow(file, "read", (next, into) => next(into.subarray(0, 7))));
  await withFile(async (path) => {
    const all = open(path);
    assert.deepEqual(all.subarray(3 * WIDTH, 5 * WIDTH), Uint8Array.of(...picture(3), ...picture(4)));
    const lease = all.lease([1, 2]);
    await lease.ready;
    assert.deepEqual([lease.get(1), lease.get(2)], [picture(1), picture(2)]);
    lease.release();
    all.close();
  });
});

Deno.test("StoredPixels refuses pictures of a file that has become shorter, and removes it", () =>
  withFile(async (path) => {
    for (const read of ["subarray", "lease"]) {
      Deno.copyFileSync(path, `${path}.copy`);
      const all = open(`${path}.copy`);
      Deno.truncateSync(`${path}.copy`, 5 * WIDTH + 3);
      assert.deepEqual(all.subarray(4 * WIDTH, 5 * WIDTH), picture(4));
      const failing = async () =>
        read === "lease" ? await all.lease([5]).ready : void all.subarray(5 * WIDTH, 6 * WIDTH);
      await assert.rejects(failing, /^Error: Cannot read picture 5 of the cache/);
      assert.equal(exists(`${path}.copy`), false);
      all.close();
    }
  }));

Deno.test("StoredPixels lets a lease be given up, and lends no memory that is still being read into", () =>
  withFile(async (path) => {
    const bytes = Deno.readFileSync(path);
    bytes[11 * WIDTH] ^= 1;
    Deno.writeFileSync(`${path}.copy`, bytes);
    const damaged = open(`${path}.copy`);
    // Nobody waits for it, so nobody is told.
    damaged.lease([11]).release();
    const all = open(path);
    const indices = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i !== 7);
    const givenUp = all.lease(indices);
    givenUp.release();
    const next = all.lease(indices.toReversed());
    await givenUp.ready;
    await next.ready;
    for (const i of indices) assert.deepEqual(next.get(i), picture(i));
    assert.equal(givenUp.get(0), undefined);
    next.release();
    all.close();
    await new Promise((resolve) => setTimeout(resolve, 10));
    damaged.close();
  }));

Deno.test("PictureFileWriter has a file on the disk before it has its name, and then the name", () => {
  using stack = new DisposableStack();
  const done: string[] = [];
  stack.defer(shadow(Deno.FsFile.prototype, "syncSync", (next) => {
    next();
    done.push("file");
  }));
  stack.defer(shadow(disk, "rename", (next, from, to) => {
    done.push("name");
    next(from, to);
  }));
  stack.defer(shadow(disk, "syncFolder", (next, path) => {
    done.push("folder");
    next(path);
  }));
  // The folder is one that is synchronized as files are.
  return withFile(() => assert.deepEqual(done.slice(-4), ["file", "name", "folder", "file"]));
});
