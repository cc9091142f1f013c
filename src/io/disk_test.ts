/** What goes down to the disk, and in which order: a kill of the machine leaves what was flushed before. */
import assert from "node:assert/strict";
import { makeLink } from "../../tests/_support/link.ts";
import { relative } from "node:path";
import { withTempDir } from "../../models/import/_test_models.ts";
import { shadow } from "../shadow.ts";
import { commitFiles, ensureWritableDirectory, writeFileAtomic } from "./atomic.ts";
import { disk, exists, removeQuietly } from "./disk.ts";
import { Snapshots } from "./snapshots.ts";

/** Returns what `work` does to the disk below `root`, with "*" for names made at random. */
function operationsOf(root: string, work: () => void): string[] {
  const seen: string[] = [];
  using stack = new DisposableStack();
  const show = (path: string) => relative(root, path).replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, "*") || ".";
  const note = (operation: string, ...paths: readonly string[]) =>
    void seen.push(`${operation} ${paths.map(show).join(" → ")}`);
  stack.defer(shadow(disk, "write", (next, ...args) => (note("write", args[0]), next(...args))));
  stack.defer(shadow(disk, "rename", (next, from, to) => (note("rename", from, to), next(from, to))));
  stack.defer(shadow(disk, "makeFolder", (next, path) => (note("make", path), next(path))));
  stack.defer(shadow(disk, "syncFolder", (next, path) => (note("sync", path), next(path))));
  work();
  return seen;
}

Deno.test("writeFileAtomic() writes, renames, and brings the name down to the disk", () =>
  withTempDir((root) => {
    assert.deepEqual(operationsOf(root, () => writeFileAtomic(`${root}/a`, "1")), [
      "write .a.*.tmp",
      "rename .a.*.tmp → a",
      "sync .",
    ]);
  }));

Deno.test("commitFiles() has all staged and flushed before its journal appears, and all moved before it goes", () =>
  withTempDir((root) => {
    const files = [{ path: `${root}/a`, bytes: "1" }, { path: `${root}/in/b`, bytes: "2" }];
    assert.deepEqual(operationsOf(root, () => commitFiles({ root, files })), [
      "make .commit-*",
      "write .commit-*/0",
      "write .commit-*/1",
      "make .",
      "make in",
      "write .commit-*/journal",
      "sync .commit-*",
      "rename .commit-*/journal → .commit.json",
      "sync .",
      "rename .commit-*/0 → a",
      "rename .commit-*/1 → in/b",
      "sync .",
      "sync in",
      "sync .",
    ]);
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["a", "in"]);
  }));

Deno.test("Snapshots.write() flushes a state and its names before it is called by its number", () =>
  withTempDir((root) => {
    const snapshots = Snapshots.open(root);
    const work = () => snapshots.write({ state: 1, blobs: { a: Uint8Array.of(1) } });
    assert.deepEqual(operationsOf(root, work), [
      "make .state.*.tmp",
      "write .state.*.tmp/data.bin",
      "write .state.*.tmp/state.json",
      "write .state.*.tmp/manifest.json",
      "sync .state.*.tmp",
      "rename .state.*.tmp → 000001",
      "sync .",
    ]);
    snapshots.close();
  }));

Deno.test("ensureWritableDirectory() proves by a file that the folder takes files", () =>
  withTempDir((root) => {
    assert.deepEqual(operationsOf(root, () => ensureWritableDirectory(`${root}/a`)), [
      "make a",
      "write a/.probe.*.tmp",
    ]);
    const restore = shadow(disk, "write", () => {
      throw new Deno.errors.PermissionDenied("x");
    });
    try {
      assert.throws(
        () => ensureWritableDirectory(`${root}/a`),
        { message: `Cannot write to "${root}/a": the operating system denies access` },
      );
    } finally {
      restore();
    }
  }));

Deno.test("disk.write() writes all of its bytes, flushes them, and never over a file that is there", () =>
  withTempDir((root) => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    const flushed: number[] = [];
    using stack = new DisposableStack();
    // A file system that takes 300 bytes at a time
    stack.defer(shadow(Deno.FsFile.prototype, "writeSync", (next, part) => next(part.subarray(0, 300))));
    stack.defer(shadow(Deno.FsFile.prototype, "syncSync", function (next) {
      flushed.push(this.statSync().size);
      next();
    }));
    disk.write(`${root}/a`, bytes);
    assert.deepEqual(flushed, [1000]);
    assert.deepEqual(Deno.readFileSync(`${root}/a`), bytes);
    assert.throws(() => disk.write(`${root}/a`, bytes), Deno.errors.AlreadyExists);
  }));

Deno.test("disk.syncFolder() flushes the folder's names", () =>
  withTempDir((root) => {
    let count = 0;
    const restore = shadow(Deno.FsFile.prototype, "syncSync", (next) => (count++, next()));
    disk.syncFolder(root);
    restore();
    assert.equal(count, Deno.build.os === "windows" ? 0 : 1);
  }));

Deno.test("exists() sees links to nothing, and nothing behind a file", () =>
  withTempDir((root) => {
    Deno.writeTextFileSync(`${root}/file`, "");
    makeLink(`${root}/nowhere`, `${root}/link`);
    assert.deepEqual(["file", "link", "nowhere"].map((name) => exists(`${root}/${name}`)), [true, true, false]);
    removeQuietly(`${root}/nowhere`);
    removeQuietly(`${root}/link`);
    assert.equal(exists(`${root}/link`), false);
  }));

Deno.test("disk.append() adds to a file that is there, and makes none", () =>
  withTempDir((root) => {
    disk.write(`${root}/a`, Uint8Array.of(1, 2));
    disk.append(`${root}/a`, Uint8Array.of(3));
    disk.append(`${root}/a`, new Uint8Array(0));
    assert.deepEqual([...Deno.readFileSync(`${root}/a`)], [1, 2, 3]);
    assert.throws(() => disk.append(`${root}/b`, Uint8Array.of(1)), Deno.errors.NotFound);
  }));
