import assert from "node:assert/strict";
import { save, tinyModel, withFolder } from "../job/_test_support.ts";
import { type Seen, type Surroundings, watchProgram } from "./_test_support.ts";
import { main } from "./main.ts";

/** Runs `deno task sweep` with `args`. */
function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Seen> {
  return watchProgram(surroundings, () => main(["sweep", ...args]));
}

/** Flags of a sweep over two ways to calibrate a tiny model. */
async function smallSweep(dir: string): Promise<string[]> {
  const model = await save(tinyModel(), `${dir}/in`);
  const calibrated = ["--model", model, "--data", "generated", "--limit", "40", "--samples", "16", "--threads", "1"];
  return ["ptq", ...calibrated, "--over", "observer=default,min-max", "--out", `${dir}/out`];
}

Deno.test("sweep() prints a table of its rows, JSON or nothing", () =>
  withFolder(async (dir) => {
    const args = await smallSweep(dir);
    const table = await run(args);
    assert.equal(table.exit, undefined, table.stderr.join("\n"));
    assert.match(table.stdout.at(-1) ?? "", /^\n[^]*observer=default[^]*observer=min-max/);
    assert.ok(table.stdout.length > 1);
    // What is done is not done again.
    const json = await run([...args, "--json"]);
    assert.deepEqual([json.stdout.length, JSON.parse(json.stdout[0]).rows.length], [1, 2]);
    const quiet = await run([...args, "--quiet"]);
    assert.deepEqual([quiet.stdout, quiet.stderr, quiet.exit], [[], [], undefined]);
    const weights = await run([...args, "--quiet", "--per-tensor"]);
    assert.deepEqual([weights.exit, weights.stderr.length], [1, 1]);
    assert.match(weights.stderr[0], /another sweep/);
  }));

Deno.test("sweep() says which jobs there are, helps, and exits with 2 where the first word is none", async () => {
  for (const args of [[], ["debug"], ["--over", "lr=1e-4"], ["debug", "--lr", "1"]]) {
    const { exit, stdout, stderr } = await run(args);
    assert.deepEqual([exit, stdout, stderr.length], [2, [], 1], args.join(" "));
    assert.match(stderr[0], /^error: Cannot sweep: the first word must be qat or ptq/);
  }
  for (const args of [["--help"], ["debug", "-h"]]) {
    const { exit, stdout, stderr } = await run(args);
    assert.deepEqual([exit, stderr], [0, []]);
    assert.match(stdout.join(""), /^Usage: deno task sweep qat\|ptq --over/);
  }
  for (const job of ["qat", "ptq"]) {
    const { stdout } = await run([job, "--help"]);
    assert.match(stdout.join(""), new RegExp(`^Usage: deno task sweep ${job} --over`));
    // A sweep has a folder of its own, and goes on by itself.
    assert.doesNotMatch(stdout.join(""), /--dry-run|--resume/);
  }
});

Deno.test("sweep() says in one line what is wrong, and with --debug where", async () => {
  const plain = await run(["ptq", "--over", "observer=mse"]);
  assert.deepEqual([plain.exit, plain.stderr.length], [1, 1]);
  assert.match(plain.stderr[0], /^error: Cannot .*--model/);
  assert.match((await run(["ptq", "--over", "observer=mse", "--debug"])).stderr.join("\n"), /\n +at /);
});
