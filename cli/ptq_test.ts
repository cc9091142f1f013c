import assert from "node:assert/strict";
import { save, tinyModel, withFolder } from "../job/_test_support.ts";
import { type Seen, type Surroundings, watchProgram } from "./_test_support.ts";
import { main } from "./main.ts";

/** Runs `deno task ptq` with `args`. */
function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Seen> {
  return watchProgram(surroundings, () => main(["ptq", ...args]));
}

/** Flags of a job of 16 generated images on a tiny model that is saved in `dir`. */
async function smallJob(dir: string): Promise<string[]> {
  const model = await save(tinyModel(), `${dir}/in`);
  return ["--model", model, "--calibrate", "generated", "--samples", "16", "--threads", "1", "--precise"];
}

Deno.test("ptq() prints the report as a table, as JSON or not at all", () =>
  withFolder(async (dir) => {
    const args = [...await smallJob(dir), "--out", `${dir}/out`];
    const table = await run([...args, "--correct-bias"]);
    assert.equal(table.exit, undefined, table.stderr.join("\n"));
    assert.match(table.stdout.at(-1) ?? "", /^\n.*\n[^]*^Signal to noise against float, on 16 calibration samples$/m);
    assert.match(table.stdout.at(-1) ?? "", /^Step correct-bias: [\d.]+ dB → [\d.]+ dB on 16 samples/m);
    assert.match(table.stdout.at(-2) ?? "", /^To deploy: .*\/out\/model\.int8\.onnx$/);
    const json = await run([...args, "--overwrite", "--json", "--no-correct-bias"]);
    const { ptq, deploy } = JSON.parse(json.stdout[0]);
    assert.deepEqual([json.stdout.length, ptq.method, deploy], [1, "static", "model.int8.onnx"]);
    const quiet = await run([...args, "--overwrite", "--quiet"]);
    assert.deepEqual([quiet.stdout, quiet.stderr, quiet.exit], [[], [], undefined]);
  }));

Deno.test("ptq() prints what a dry run finds, and the targets on --target list", () =>
  withFolder(async (dir) => {
    const args = [...await smallJob(dir), "--out", `${dir}/out`, "--dry-run"];
    assert.match((await run(args)).stdout.at(-1) ?? "", /^Target "x86": [^]* layers$/m);
    assert.equal(JSON.parse((await run([...args, "--json", "--quiet"])).stdout[0]).layers[1].method, "static");
    assert.match((await run(["--target", "list"])).stdout[0], /simulation/);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
  }));

Deno.test("ptq() says in one line what is wrong, and exits with 1 or 2", async () => {
  const missing = await run(["--calibrate", "dummy"]);
  assert.deepEqual([missing.exit, missing.stderr.length], [1, 1]);
  assert.match(missing.stderr[0], /^error: Cannot quantize without --model/);
  assert.equal((await run(["--epochs", "3"])).exit, 2);
  assert.equal((await run(["--equalize", "--no-equalize"])).exit, 2);
});

Deno.test("ptq() says that nothing was written when a signal comes", () =>
  withFolder(async (dir) => {
    const args = [...await smallJob(dir), "--out", `${dir}/out`];
    const { exit, stderr } = await run(args, { signals: ["SIGINT"], when: "Before:" });
    assert.deepEqual([exit, stderr.at(-1)], [130, "Stopped, nothing was written."]);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
  }));
