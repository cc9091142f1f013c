import assert from "node:assert/strict";
import { makeLink } from "../../tests/_support/link.ts";
import { withTempDir } from "../../models/import/_test_models.ts";
import { shadow } from "../shadow.ts";
import { disk, exists } from "./disk.ts";
import { commitFiles, ensureWritableDirectory, OutputError, removeTemporaries, writeFileAtomic } from "./atomic.ts";

function namesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
}

Deno.test("writeFileAtomic() replaces a file's content and leaves no other file", () =>
  withTempDir((dir) => {
    writeFileAtomic(`${dir}/a.txt`, "long old content");
    writeFileAtomic(`${dir}/a.txt`, "né");
    assert.deepEqual(Deno.readFileSync(`${dir}/a.txt`), new Uint8Array([0x6e, 0xc3, 0xa9]));
    writeFileAtomic(`${dir}/a.txt`, new Uint8Array(0));
    assert.equal(Deno.statSync(`${dir}/a.txt`).size, 0);
    assert.deepEqual(namesIn(dir), ["a.txt"]);
  }));

Deno.test("writeFileAtomic() gives a reader with the old file open the old content to its end", () =>
  withTempDir((dir) => {
    const path = `${dir}/a.bin`;
    writeFileAtomic(path, new Uint8Array([1, 2, 3]));
    using reader = Deno.openSync(path);
    writeFileAtomic(path, new Uint8Array([9, 9, 9, 9]));
    const seen = new Uint8Array(8);
    assert.equal(reader.readSync(seen), 3);
    assert.deepEqual([...seen.subarray(0, 3)], [1, 2, 3]);
  }));

Deno.test("writeFileAtomic() names the target when its folder is missing", () =>
  withTempDir((dir) => {
    assert.throws(
      () => writeFileAtomic(`${dir}/no/a.txt`, "x"),
      new OutputError(`Cannot write to "${dir}/no/a.txt": there is no such file or folder`),
    );
    assert.deepEqual(namesIn(dir), []);
  }));

Deno.test("commitFiles() changes no target and leaves no temporary file when one target is a folder", () =>
  withTempDir((dir) => {
    Deno.writeTextFileSync(`${dir}/first`, "old");
    Deno.mkdirSync(`${dir}/second`);
    const files = [{ path: `${dir}/first`, bytes: "new" }, { path: `${dir}/second`, bytes: "new" }];
    assert.throws(
      () => commitFiles({ root: dir, files }),
      new OutputError(`Cannot write to "${dir}/second": it is a folder, a file is needed`),
    );
    assert.equal(Deno.readTextFileSync(`${dir}/first`), "old");
    assert.deepEqual(namesIn(dir), ["first", "second"]);
  }));

Deno.test("commitFiles() changes no target when a later file cannot be staged", () =>
  withTempDir((dir) => {
    Deno.writeTextFileSync(`${dir}/first`, "old");
    const files = [{ path: `${dir}/first`, bytes: "new" }, { path: `${dir}/first/below`, bytes: "new" }];
    assert.throws(() => commitFiles({ root: dir, files }), OutputError);
    assert.equal(Deno.readTextFileSync(`${dir}/first`), "old");
    assert.deepEqual(namesIn(dir), ["first"]);
  }));

Deno.test("ensureWritableDirectory() makes nested folders and leaves them empty", () =>
  withTempDir((dir) => {
    ensureWritableDirectory(`${dir}/a/b/c`);
    ensureWritableDirectory(`${dir}/a/b/c`);
    assert.deepEqual(namesIn(`${dir}/a/b/c`), []);
  }));

Deno.test("ensureWritableDirectory() says in one line what is wrong when the path is a file or goes through one", () =>
  withTempDir((dir) => {
    Deno.writeTextFileSync(`${dir}/file`, "");
    assert.throws(
      () => ensureWritableDirectory(`${dir}/file`),
      new OutputError(`Cannot write to "${dir}/file": a file of that name exists, a folder is needed`),
    );
    assert.throws(
      () => ensureWritableDirectory(`${dir}/file/below`),
      new OutputError(`Cannot write to "${dir}/file/below": a part of the path is a file, a folder is needed`),
    );
  }));

Deno.test({
  name: "ensureWritableDirectory() refuses a folder when Deno may not write there",
  permissions: "none",
  fn() {
    assert.throws(
      () => ensureWritableDirectory("out"),
      new OutputError('Cannot write to "out": Deno runs without the permission for it'),
    );
  },
});

Deno.test("commitFiles() writes through no link, and says so before anything is staged", () =>
  withTempDir((root) => {
    Deno.mkdirSync(`${root}/elsewhere`);
    Deno.mkdirSync(`${root}/out`);
    makeLink(`${root}/elsewhere`, `${root}/out/qat`);
    const files = [{ path: `${root}/out/a`, bytes: "a" }, { path: `${root}/out/qat/inner/model.json`, bytes: "{}" }];
    assert.throws(() => commitFiles({ root: `${root}/out`, files }), {
      name: "OutputError",
      message: `Cannot write to "${root}/out/qat/inner/model.json": "${root}/out/qat" is a link, a folder is needed`,
    });
    assert.deepEqual([...Deno.readDirSync(`${root}/elsewhere`)], []);
    assert.ok(!exists(`${root}/out/a`));
    // The folder itself may be one, and a link in a file's place is replaced.
    makeLink(`${root}/elsewhere`, `${root}/linked`);
    makeLink(`${root}/out`, `${root}/elsewhere/b`);
    commitFiles({ root: `${root}/linked`, files: [{ path: `${root}/linked/b`, bytes: "b" }] });
    assert.equal(Deno.readTextFileSync(`${root}/elsewhere/b`), "b");
  }));

Deno.test("writeFileAtomic() refuses a folder before it writes anything", () =>
  withTempDir((root) => {
    Deno.mkdirSync(`${root}/report.json`);
    let writes = 0;
    const restore = shadow(disk, "write", () => void writes++);
    try {
      assert.throws(() => writeFileAtomic(`${root}/report.json`, "{}"), {
        name: "OutputError",
        message: `Cannot write to "${root}/report.json": it is a folder, a file is needed`,
      });
    } finally {
      restore();
    }
    assert.equal(writes, 0);
  }));

Deno.test("removeTemporaries() removes what writing such files left, and nothing else", () =>
  withTempDir((root) => {
    const id = crypto.randomUUID();
    const stay = [
      "report.json",
      `.other.json.${id}.tmp`,
      ".report.json.tmp",
      `report.json.${id}.tmp`,
      `.report.json.${id}`,
    ];
    for (const name of [...stay, `.report.json.${id}.tmp`, `.probe.${id}.tmp`]) {
      Deno.writeTextFileSync(`${root}/${name}`, "");
    }
    Deno.mkdirSync(`${root}/.report.json.${crypto.randomUUID()}.tmp`);
    removeTemporaries(root, ["report.json"]);
    const left = [...Deno.readDirSync(root)];
    assert.deepEqual(
      left.filter(({ isFile }) => isFile).map(({ name }) => name).sort(),
      stay.toSorted(),
    );
    assert.equal(left.filter(({ isDirectory }) => isDirectory).length, 1);
    removeTemporaries(`${root}/none`, ["report.json"]);
    assert.ok(!exists(`${root}/none`));
  }));
