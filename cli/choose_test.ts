import assert from "node:assert/strict";
import { save, tinyModel, withFolder } from "../job/_test_support.ts";
import { type Seen, type Surroundings, watchProgram } from "./_test_support.ts";
import { main } from "./main.ts";

/** Runs `deno task choose` with `args`. */
function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Seen> {
  return watchProgram(surroundings, () => main(["choose", ...args]));
}

/** Flags of a search on 40 generated images, for a tiny model that is saved in `dir`: the first rung is good enough. */
async function smallSearch(dir: string): Promise<string[]> {
  const model = await save(tinyModel(), `${dir}/in`);
  const samples = ["--data", "generated", "--limit", "40", "--samples", "16", "--threads", "1", "--precise"];
  return ["--model", model, ...samples, "--tolerance", "100", "--speedup", "0", "--out", `${dir}/out`];
}

Deno.test("choose() prints the ladder as a table, as JSON or not at all", () =>
  withFolder(async (dir) => {
    const args = await smallSearch(dir);
    const table = await run(args);
    assert.equal(table.exit, undefined, table.stderr.join("\n"));
    assert.match(table.stdout.at(-1) ?? "", /^\n[^]*weights[^]*within 100 points of float/);
    assert.ok(table.stdout.length > 1, "says what it tries");
    const json = await run([...args, "--json"]);
    const { rungs, tolerance, options } = JSON.parse(json.stdout[0]);
    assert.deepEqual([json.stdout.length, rungs.length, tolerance], [1, 1, 100]);
    assert.ok(!JSON.stringify(options ?? {}).includes("debug"));
    const quiet = await run([...args, "--quiet"]);
    assert.deepEqual([quiet.stdout, quiet.stderr, quiet.exit], [[], [], undefined]);
  }));

Deno.test("choose() says in one line what is wrong, with --debug with its stack, and exits with 1 or 2", async () => {
  const missing = await run(["--data", "generated"]);
  assert.deepEqual([missing.exit, missing.stderr.length], [1, 1]);
  assert.match(missing.stderr[0], /^error: Cannot choose .*--model/);
  assert.match((await run(["--data", "generated", "--debug"])).stderr.join("\n"), /\n +at /);
  assert.equal((await run(["--epochs", "3"])).exit, 2);
});

Deno.test("choose() says how to go on when a signal comes", () =>
  withFolder(async (dir) => {
    const { exit, stderr } = await run(await smallSearch(dir), { signals: ["SIGINT"], when: "weights" });
    assert.deepEqual([exit, stderr.at(-1)], [130, "Stopped. The same command goes on where it was."]);
  }));
