import assert from "node:assert/strict";
import { sha256 } from "../src/io/hash.ts";
import { openRunFolder } from "./_open_run.ts";
import { versionsNow, writeRun } from "./_run_record.ts";
import { withFolder } from "./_test_support.ts";

const REPORT = "{}\n";

/** Opens an ended run, with what `change` puts in the place of its files, and reads its report. */
function readReport(dir: string, change: Readonly<Record<string, string | undefined>>): unknown {
  const hash = "a".repeat(64);
  const record = { asked: {}, out: "out", replaces: [], versions: versionsNow(), data: hash, model: hash };
  const files: Record<string, string | undefined> = {
    "run/run.json": writeRun(record),
    "run/results.json": JSON.stringify({ files: { "report.json": sha256(REPORT) } }),
    "report.json": REPORT,
    ...change,
  };
  Deno.mkdirSync(`${dir}/run`, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) Deno.removeSync(`${dir}/${path}`);
    else Deno.writeTextFileSync(`${dir}/${path}`, text);
  }
  const run = openRunFolder({ resume: dir }, () => {});
  try {
    return run.readReport();
  } finally {
    run.close();
  }
}

Deno.test("RunFolder.readReport() returns the report that was written, and refuses any other in one line", () =>
  withFolder(async (dir) => {
    assert.deepEqual(await Promise.resolve(readReport(dir, {})), {});
    for (const results of ["", "{", "[]", "null", '{"files": null}', '{"files": {"report.json": {}}}']) {
      assert.throws(() => readReport(dir, { "run/results.json": results }), {
        name: "RunError",
        message: `Cannot go on with "${dir}": it has ended, and its report.json was changed since`,
      });
    }
    assert.throws(() => readReport(dir, { "report.json": "{ }\n" }), /it has ended, and its report.json was changed/);
    assert.throws(() => readReport(dir, { "report.json": undefined }), /it has ended, and its report.json was changed/);
    const nowhere = writeRun({ asked: {}, out: "", replaces: [], versions: {}, data: "a", model: "b" });
    assert.throws(() => readReport(dir, { "run/run.json": nowhere }), /run.json": it is damaged$/);
  }));
