import assert from "node:assert/strict";
import { save, tinyModel, withFolder } from "../job/_test_support.ts";
import { type Seen, watchProgram } from "./_test_support.ts";
import { main } from "./main.ts";

/** Runs `deno task compare` with `args`. */
function run(args: readonly string[]): Promise<Seen> {
  return watchProgram({}, () => main(["compare", ...args]));
}

Deno.test("compare() prints what runs differ in, JSON or nothing, and writes its page", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const asked = ["--model", model, "--data", "generated", "--limit", "40", "--samples", "16", "--threads", "1"];
    for (const observer of ["min-max", "mse"]) {
      const own = ["--observer", observer, "--out", `${dir}/${observer}`, "--quiet"];
      await watchProgram({}, () => main(["ptq", ...asked, ...own]));
    }
    const args = [`${dir}/min-max`, `${dir}/mse`, "--out", `${dir}/compared`];
    const table = await run(args);
    assert.deepEqual([table.exit, table.stderr, table.stdout.length], [undefined, [], 1]);
    assert.match(table.stdout[0], /observer[^]*min-max[^]*mse/);
    assert.ok(Deno.statSync(`${dir}/compared/compare.html`).isFile);
    const again = await run(args);
    assert.deepEqual([again.exit, again.stderr.length], [1, 1]);
    const json = await run([...args, "--overwrite", "--json"]);
    assert.equal(JSON.parse(json.stdout[0]).runs.length, 2);
    const quiet = await run([...args, "--overwrite", "--quiet"]);
    assert.deepEqual([quiet.stdout, quiet.stderr, quiet.exit], [[], [], undefined]);
  }));

Deno.test("compare() says in one line what is wrong, and with --debug where", async () => {
  const alone = await run(["out"]);
  assert.deepEqual([alone.exit, alone.stderr.length], [1, 1]);
  assert.match(alone.stderr[0], /^error: Cannot compare/);
  assert.match((await run(["out", "--debug"])).stderr.join("\n"), /\n +at /);
  assert.equal((await run(["--epochs", "3"])).exit, 2);
});
