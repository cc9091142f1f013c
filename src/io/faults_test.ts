import assert from "node:assert/strict";
import { withTempDir } from "../../models/import/_test_models.ts";
import { Death, FAULTS, textsIn, withFault } from "./_test_faults.ts";
import { commitFiles, describeUnfinished, finishCommit, OutputError, writeFileAtomic } from "./atomic.ts";
import { FileLock } from "./lock.ts";
import { Snapshots } from "./snapshots.ts";

const OLD = { "foreign": "-", "gone": "old", "qat/model.json": "old", "qat/weights.bin": "old" };
const NEW = { "foreign": "-", "more/a": "new", "qat/model.json": "new", "qat/weights.bin": "new" };

function makeOld(root: string): void {
  Deno.mkdirSync(`${root}/qat`, { recursive: true });
  for (const [name, text] of Object.entries(OLD)) Deno.writeTextFileSync(`${root}/${name}`, text);
}

function commitNew(root: string): void {
  const file = (name: string) => ({ path: `${root}/${name}`, bytes: "new" });
  commitFiles({
    root,
    files: ["qat/weights.bin", "qat/model.json", "more/a"].map(file),
    remove: [`${root}/gone`, `${root}/never`],
  });
}

/** Calls `work` for every fault at every operation that it comes to. */
function forEachFault(run: (at: number, fault: typeof FAULTS[number]) => boolean): number {
  let cases = 0;
  for (const fault of FAULTS) for (let at = 0; run(at, fault); at++) cases++;
  return cases;
}

Deno.test("commitFiles() leaves all files old, or all new once it is finished, whatever happens at whichever operation", () =>
  withTempDir((dir) => {
    const cases = forEachFault((at, fault) => {
      const root = `${dir}/${fault}${at}`;
      makeOld(root);
      const isReached = withFault({ at, fault }, () => commitNew(root));
      const where = `${fault} operation ${at}`;
      const seen = textsIn(root);
      const pair = ["qat/weights.bin", "qat/model.json"].map((name) => seen[name]).filter((text) => text !== undefined);
      assert.ok(pair.length < 2 || pair[0] === pair[1], `${where}: the model is mixed`);
      const unfinished = describeUnfinished(`${root}/qat`);
      assert.equal(finishCommit(root) && unfinished === undefined, false, `${where}: nobody would have noticed`);
      const finished = textsIn(root);
      assert.deepEqual(finished, finished.gone === undefined ? NEW : OLD, where);
      assert.equal(describeUnfinished(`${root}/qat`), undefined);
      return isReached;
    });
    assert.ok(cases > 60, `${cases}`);
  }));

Deno.test("commitFiles() finishes what somebody else left before it writes its own", () =>
  withTempDir((root) => {
    makeOld(root);
    for (let at = 0; withFault({ at, fault: "before" }, () => commitNew(root)); at++);
    assert.deepEqual(textsIn(root), NEW);
  }));

Deno.test("finishCommit() refuses a damaged journal or file in one line, and touches nothing", () =>
  withTempDir((root) => {
    makeOld(root);
    // The first rename is the commit.
    for (let at = 0; describeUnfinished(root) === undefined; at++) {
      withFault({ at, fault: "after" }, () => commitNew(root));
    }
    const journal = Deno.readTextFileSync(`${root}/.commit.json`);
    for (
      const damage of [
        "{",
        "[]",
        journal.replace("qat/model.json", "../model.json"),
        journal.replace("qat/model.json", "/tmp/model.json"),
        journal.replace(/"staged":"[^"]*"/, '"staged":"qat"'),
        journal.replace(/"sha256":"\w{10}/, '"sha256":"0123456789'),
        journal.replace(/"sha256":"\w+"/, '"sha256":{"toString":null}'),
      ]
    ) {
      Deno.writeTextFileSync(`${root}/.commit.json`, damage);
      const before = textsIn(root);
      assert.throws(() => finishCommit(root), (error) => error instanceof OutputError && !error.message.includes("\n"));
      assert.deepEqual(textsIn(root), before);
    }
    Deno.writeTextFileSync(`${root}/.commit.json`, journal);
    assert.equal(finishCommit(root), true);
    assert.deepEqual(textsIn(root), NEW);
  }));

Deno.test("commitFiles() says how many bytes a full disk lacked, and where", () =>
  withTempDir((root) => {
    makeOld(root);
    let said = "";
    withFault({ at: 2, fault: "full" }, () => {
      try {
        commitNew(root);
      } catch (error) {
        said = String(error);
        throw error;
      }
    });
    assert.equal(said, `OutputError: Cannot write to "${root}": the disk is full, 9 bytes are needed there`);
    assert.deepEqual(textsIn(root), OLD);
  }));

Deno.test("writeFileAtomic() leaves the old file or the new one, whatever happens at whichever operation", () =>
  withTempDir((dir) => {
    forEachFault((at, fault) => {
      const path = `${dir}/file`;
      Deno.writeTextFileSync(path, "old");
      const isReached = withFault({ at, fault }, () => writeFileAtomic(path, "new"));
      assert.match(Deno.readTextFileSync(path), /^(old|new)$/);
      return isReached;
    });
  }));

Deno.test("Snapshots.write() leaves the state before it or the new one, whatever happens at whichever operation", () =>
  withTempDir((dir) => {
    const state = (number: number) => ({ state: { number }, blobs: { bytes: Uint8Array.of(number, 7) } });
    const cases = forEachFault((at, fault) => {
      const root = `${dir}/${fault}${at}`;
      const first = Snapshots.open(root);
      first.write(state(1));
      let written = false;
      const isReached = withFault({ at, fault }, () => {
        first.write(state(2));
        written = true;
      });
      first.close();
      const next = Snapshots.open(root);
      const found = next.read();
      assert.deepEqual(found, state(Object(found?.state).number === 2 ? 2 : 1), `${fault} operation ${at}`);
      if (written) assert.deepEqual(found, state(2));
      next.write(state(3));
      assert.deepEqual(next.read(), state(3));
      next.close();
      assert.deepEqual([...Deno.readDirSync(root)].length, 1, "leftovers");
      return isReached;
    });
    assert.ok(cases > 25, `${cases}`);
  }));

Deno.test("Snapshots.read() refuses what is damaged, cut short, missing or of another version, in one line", () =>
  withTempDir((dir) => {
    const snapshots = Snapshots.open(dir);
    assert.equal(snapshots.read(), undefined);
    const saved = { state: { score: NaN }, blobs: { a: new Uint8Array(0), b: Uint8Array.of(1, 2, 3) } };
    snapshots.write(saved);
    for (const name of ["data.bin", "state.json", "manifest.json"]) {
      const path = `${dir}/000001/${name}`;
      const bytes = Deno.readFileSync(path);
      for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
        Deno.writeFileSync(path, bytes.map((byte, i) => i === at ? byte ^ 1 : byte));
        assert.throws(() => snapshots.read(), /^CheckpointError: Cannot go on from "[^\n]*$/);
      }
      Deno.writeFileSync(path, bytes.subarray(1));
      assert.throws(() => snapshots.read(), /is missing or damaged$/);
      Deno.removeSync(path);
      assert.throws(() => snapshots.read(), /is missing or damaged$/);
      Deno.writeFileSync(path, bytes);
      assert.deepEqual(snapshots.read(), saved);
    }
    const manifest = `${dir}/000001/manifest.json`;
    Deno.writeTextFileSync(manifest, Deno.readTextFileSync(manifest).replace('"version":1', '"version":2'));
    assert.throws(() => snapshots.read(), /it is of version 2, needed is 1$/);
    snapshots.close();
  }));

Deno.test("Snapshots.open() refuses a folder that is open already, and one that is a file", () =>
  withTempDir((dir) => {
    const open = Snapshots.open(`${dir}/a`);
    assert.throws(() => Snapshots.open(`${dir}/a`), /another process is writing there/);
    open.close();
    Snapshots.open(`${dir}/a`).close();
    Deno.writeTextFileSync(`${dir}/file`, "");
    assert.throws(() => Snapshots.open(`${dir}/file`), OutputError);
  }));

Deno.test("FileLock.take() finds the lock of a process that was killed free", async () =>
  await withTempDir(async (dir) => {
    const script = `${dir}/hold.ts`;
    Deno.writeTextFileSync(
      script,
      `import { FileLock } from "${import.meta.resolve("./lock.ts")}";
      FileLock.take(Deno.args[0]);
      console.log("held");
      setInterval(() => {}, 1000);`,
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-read", "--allow-write", script, `${dir}/lock`],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    assert.equal(FileLock.take(`${dir}/lock`), undefined);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assert.ok(Deno.statSync(`${dir}/lock`).isFile, "its file is left");
    FileLock.take(`${dir}/lock`)!.release();
    assert.throws(() => Deno.statSync(`${dir}/lock`), Deno.errors.NotFound);
  }));

Deno.test("withFault() lets nothing happen after a death", () =>
  withTempDir((dir) => {
    withFault({ at: 0, fault: "before" }, () => {
      assert.throws(() => writeFileAtomic(`${dir}/a`, ""), (error: Error) => error.cause instanceof Death);
      throw new Death();
    });
    assert.deepEqual(textsIn(dir), {});
  }));
