import assert from "node:assert/strict";
import { openResultFolder, openRunFolder } from "./_open_run.ts";
import { withFolder } from "./_test_support.ts";

/** Opens `dir` and closes it; says why it is refused, or nothing. */
function tryToOpen(dir: string, overwrite = false): string | undefined {
  try {
    openResultFolder({ out: dir, overwrite, log: () => {} }).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replaceAll(dir, "DIR") : String(error);
  }
}

Deno.test("openResultFolder() takes a folder that is new, empty or has files of others, and leaves it so", () =>
  withFolder(async (dir) => {
    assert.equal(tryToOpen(`${dir}/new`), undefined);
    await assert.rejects(Deno.stat(`${dir}/new`));
    assert.equal(tryToOpen(dir), undefined);
    Deno.writeTextFileSync(`${dir}/notes.txt`, "mine");
    Deno.mkdirSync(`${dir}/pictures`);
    assert.equal(tryToOpen(dir), undefined);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), ["notes.txt", "pictures"]);
  }));

Deno.test("openResultFolder() refuses a folder with results or with a run that has not ended, unless it may replace them", () =>
  withFolder((dir) => {
    Deno.writeTextFileSync(`${dir}/model.int8.onnx`, "");
    assert.equal(
      tryToOpen(dir),
      'Cannot write to "DIR": it has results already (model.int8.onnx), --overwrite replaces them',
    );
    assert.equal(tryToOpen(dir, true), undefined);
    Deno.removeSync(`${dir}/model.int8.onnx`);
    Deno.mkdirSync(`${dir}/run`);
    Deno.writeTextFileSync(`${dir}/run/run.json`, "{}");
    assert.match(tryToOpen(dir) ?? "", /it has a run that has not ended, --resume DIR goes on with it, --overwrite/);
    Deno.writeTextFileSync(`${dir}/run/results.json`, "{}");
    assert.match(tryToOpen(dir) ?? "", /it has results already \(run\), --overwrite replaces them, --resume DIR shows/);
    return Promise.resolve();
  }));

Deno.test("openResultFolder() refuses a folder that another holds", () =>
  withFolder((dir) => {
    const held = openResultFolder({ out: dir, overwrite: false, log: () => {} });
    assert.equal(tryToOpen(dir, true), 'Cannot write to "DIR": another run is writing there');
    held.close();
    assert.equal(tryToOpen(dir, true), undefined);
    return Promise.resolve();
  }));

Deno.test("openRunFolder() begins a run once, when it is known what it is of", () =>
  withFolder((dir) => {
    const run = openRunFolder({ out: dir }, () => {});
    try {
      assert.equal(run.begin(), false);
      assert.throws(() => Deno.statSync(`${dir}/run/run.json`), Deno.errors.NotFound);
      run.identify({ data: "a", model: "b" });
      assert.equal(run.begin(), true);
      assert.ok(Deno.statSync(`${dir}/run/run.json`).isFile);
      Deno.mkdirSync(`${run.stageDir("float")}/000001`, { recursive: true });
      assert.equal(run.begin(), false);
      // States that are there by now are this run's own.
      assert.ok(Deno.statSync(`${run.stageDir("float")}/000001`).isDirectory);
    } finally {
      run.close();
    }
    return Promise.resolve();
  }));
