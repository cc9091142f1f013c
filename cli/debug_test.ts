import assert from "node:assert/strict";
import { save, tinyModel, withFolder } from "../job/_test_support.ts";
import { type Seen, type Surroundings, watchProgram } from "./_test_support.ts";
import { main } from "./main.ts";

/** Runs `deno task debug` with `args`. */
function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Seen> {
  return watchProgram(surroundings, () => main(["debug", ...args]));
}

/** Flags that look at a tiny model, which is quantized in `dir` before. */
async function smallLook(dir: string): Promise<string[]> {
  const model = await save(tinyModel(), `${dir}/in`);
  const calibrated = ["--model", model, "--calibrate", "generated", "--samples", "16", "--threads", "1"];
  await watchProgram({}, () => main(["ptq", ...calibrated, "--out", `${dir}/ptq`, "--quiet"]));
  const samples = ["--data", "generated", "--limit", "40", "--samples", "8", "--threads", "1"];
  return ["--model", `${dir}/ptq/qat`, ...samples, "--out", `${dir}/out`];
}

Deno.test("debug() prints tables of all layers, JSON or nothing", () =>
  withFolder(async (dir) => {
    const args = await smallLook(dir);
    const table = await run(args);
    assert.equal(table.exit, undefined, table.stderr.join("\n"));
    assert.match(table.stdout.at(-1) ?? "", /^\n[^]*dB of signal to noise\n[^]*^conv2 /m);
    assert.ok(table.stdout.includes("Measuring layers on 8 samples …"));
    const json = await run([...args, "--overwrite", "--json"]);
    assert.deepEqual([json.stdout.length, JSON.parse(json.stdout[0]).data.samples], [1, 8]);
    assert.ok(json.stderr.includes("Measuring layers on 8 samples …"));
    const quiet = await run([...args, "--overwrite", "--quiet"]);
    assert.deepEqual([quiet.stdout, quiet.stderr, quiet.exit], [[], [], undefined]);
  }));

Deno.test("debug() says in one line what is wrong, with --debug with its stack, and exits with 1 or 2", async () => {
  const missing = await run(["--data", "generated"]);
  assert.deepEqual([missing.exit, missing.stderr.length], [1, 1]);
  assert.match(missing.stderr[0], /^error: Cannot .*--model/);
  assert.match((await run(["--data", "generated", "--debug"])).stderr.join("\n"), /\n +at /);
  assert.equal((await run(["--epochs", "3"])).exit, 2);
});

Deno.test("debug() says that nothing was written when a signal comes", () =>
  withFolder(async (dir) => {
    const { exit, stderr } = await run(await smallLook(dir), { signals: ["SIGINT"], when: "Measuring" });
    assert.deepEqual([exit, stderr.at(-1)], [130, "Stopped, nothing was written."]);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).toSorted(), ["in", "ptq"]);
  }));
