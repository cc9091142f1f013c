import assert from "node:assert/strict";
import { save, SMALL, stopAfter, Stopped, tinyModel, withFolder } from "./_test_support.ts";
import { runQat } from "./qat.ts";

Deno.test("runQat() without a folder takes the first of out, out-2, out-3 that is free, and says so", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const { overwrite: _, ...options } = { ...SMALL, model };
    const home = Deno.cwd();
    Deno.chdir(dir);
    const lines: string[] = [];
    try {
      await runQat(options);
      await assert.rejects(runQat(options, stopAfter(1)), Stopped);
      await runQat(options, { log: (line) => lines.push(line) });
    } finally {
      Deno.chdir(home);
    }
    assert.deepEqual(lines.filter((line) => line.startsWith("Results go to")), [
      'Results go to "out-3", not to "out-2": it has a run that has not ended, --resume out-2 goes on with it, --overwrite replaces it.',
    ]);
    assert.ok(Deno.statSync(`${dir}/out-3/report.json`).isFile);
  }));
