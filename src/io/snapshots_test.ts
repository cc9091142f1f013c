import assert from "node:assert/strict";
import { withTempDir } from "../../models/import/_test_models.ts";
import { CheckpointError } from "./errors.ts";
import { hasSnapshot, Snapshots } from "./snapshots.ts";

const STATE = { state: { step: 1 }, blobs: { a: Uint8Array.of(1, 2), b: Uint8Array.of(3) } };

Deno.test("Snapshots.read() refuses a manifest that is another program's, or of another form, in one line", () =>
  withTempDir((dir) => {
    const snapshots = Snapshots.open(dir);
    snapshots.write(STATE);
    const path = `${dir}/000001/manifest.json`;
    const manifest = JSON.parse(Deno.readTextFileSync(path));
    const { format: _, ...nameless } = manifest;
    const { files: __, ...empty } = manifest;
    const others = [nameless, empty, { ...manifest, format: "other" }, { ...manifest, files: { length: 2 } }, null, []];
    for (const other of others) {
      Deno.writeTextFileSync(path, JSON.stringify(other));
      assert.throws(() => snapshots.read(), (error) => {
        assert.ok(error instanceof CheckpointError);
        assert.equal(error.message, `Cannot go on from "${dir}/000001": its manifest.json is missing or damaged`);
        return true;
      });
    }
    for (const files of [[], [null], manifest.files.map((file: object) => ({ ...file, name: "x" }))]) {
      Deno.writeTextFileSync(path, JSON.stringify({ ...manifest, files }));
      assert.throws(() => snapshots.read(), CheckpointError);
    }
    Deno.writeTextFileSync(path, JSON.stringify(manifest));
    assert.deepEqual(snapshots.read(), STATE);
    snapshots.close();
  }));

Deno.test("Snapshots keep the newest state alone, count on, and take nothing else in the folder for one", () =>
  withTempDir((dir) => {
    assert.equal(hasSnapshot(dir), false);
    assert.equal(hasSnapshot(`${dir}/none`), false);
    Deno.mkdirSync(`${dir}/12345`);
    Deno.writeTextFileSync(`${dir}/999999`, "no folder");
    const snapshots = Snapshots.open(dir);
    assert.equal(snapshots.read(), undefined);
    const sizes = [1, 2, 3].map((step) => snapshots.write({ ...STATE, state: { step } }));
    assert.ok(sizes.every((size) => size === sizes[0] && size > 3));
    assert.deepEqual(snapshots.read()?.state, { step: 3 });
    assert.equal(hasSnapshot(dir), true);
    snapshots.close();
    const names = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["000003", "12345", "999999"]);
  }));
