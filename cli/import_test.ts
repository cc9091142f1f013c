import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { toOnnx } from "../export/to_onnx.ts";
import { tinyModel, withFolder } from "../job/_test_support.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { type Seen, type Surroundings, watchProgram } from "./_test_support.ts";
import { main } from "./main.ts";

/** Runs `deno task import` with `args`. */
function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Seen> {
  return watchProgram(surroundings, () => main(["import", ...args]));
}

/** Writes a tiny model as an ONNX file into `dir`, and returns the words that import it. */
async function tinyFile(dir: string): Promise<string[]> {
  await registerBackend();
  await tf.setBackend("onnxruntime");
  await Deno.writeFile(`${dir}/net.onnx`, (await toOnnx(tinyModel(), { precision: "float32" })).bytes);
  return [`${dir}/net.onnx`, "--out", `${dir}/out`];
}

Deno.test("importCommand() says what became of a file in words, as JSON or not at all", () =>
  withFolder(async (dir) => {
    const args = await tinyFile(dir);
    const words = await run(args);
    assert.equal(words.exit, undefined, words.stderr.join("\n"));
    assert.match(words.stdout.join("\n"), /^\d+ nodes: .* 310 parameters\.$/m);
    const json = await run([...args, "--overwrite", "--json"]);
    assert.deepEqual([json.stdout.length, JSON.parse(json.stdout[0]).outputs[0].shape], [1, [10]]);
    assert.match(json.stderr.join("\n"), /310 parameters/);
    const quiet = await run([...args, "--overwrite", "--quiet"]);
    assert.deepEqual([quiet.stdout, quiet.stderr, quiet.exit], [[], [], undefined]);
  }));

Deno.test("importCommand() says in one line what is wrong, with --debug with its stack, and exits with 1 or 2", () =>
  withFolder(async (dir) => {
    const missing = await run([`${dir}/none.onnx`, "--out", `${dir}/out`]);
    assert.deepEqual([missing.exit, missing.stderr.length], [1, 1]);
    assert.match(missing.stderr[0], /^error: Cannot .*none\.onnx/);
    assert.match((await run([`${dir}/none.onnx`, "--out", `${dir}/out`, "--debug"])).stderr.join("\n"), /\n +at /);
    assert.equal((await run([])).exit, 2);
    assert.equal((await run(["a.onnx", "--epochs", "3"])).exit, 2);
    const { stdout } = await run(["--help"]);
    for (const heading of ["Model and data:", "Engine:", "Output:"]) {
      assert.ok(stdout.join().includes(heading));
    }
  }));

Deno.test("importCommand() says that nothing was written when a signal comes", () =>
  withFolder(async (dir) => {
    const { exit, stderr } = await run(await tinyFile(dir), { signals: ["SIGINT"], when: "nodes" });
    assert.deepEqual([exit, stderr.at(-1)], [130, "Stopped, nothing was written."]);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["net.onnx"]);
  }));
