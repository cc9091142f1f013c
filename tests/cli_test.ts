/** The command line as it is started: with the task's own permissions, in a process of its own. */
import assert from "node:assert/strict";
import { contentsOf, save, tinyModel, withFolder } from "../job/_test_support.ts";
import config from "../deno.json" with { type: "json" };

/** What `deno task qat` runs, without "deno" and the script. */
const FLAGS = config.tasks.qat.command.split(" ").slice(1, -1);
const SCRIPT = new URL("../cli.ts", import.meta.url).pathname;

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), { args: [...FLAGS, SCRIPT, ...args], stdout: "piped", stderr: "piped" })
    .spawn();
}

async function run(...args: readonly string[]): Promise<Run> {
  const { code, stdout, stderr } = await start(args).output();
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A job of about a second. */
async function smallJob(dir: string): Promise<readonly string[]> {
  const model = await save(tinyModel(), `${dir}/in`);
  return ["--model", model, "--limit", "40", "--batch-size", "20", "--epochs", "2", "--out", `${dir}/out`];
}

Deno.test("qat --help lists every option of the job, and exits with 0", async () => {
  const { code, stdout, stderr } = await run("--help");
  assert.deepEqual([code, stderr], [0, ""]);
  const options =
    "model arch data normalize float-epochs epochs batch-size lr optimizer seed swap per-channel per-tensor " +
    "freeze-observers-after freeze-bn-after threads out limit quiet json skip-bad-images input-layout";
  for (const option of options.split(" ")) assert.match(stdout, new RegExp(`^ +--${option}\\b`, "m"));
});

Deno.test("qat suggests the nearest option when one is unknown", async () => {
  const { code, stdout, stderr } = await run("--epoch", "3");
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^error: unknown option '--epoch'\n\(Did you mean --epochs\?\)\n$/);
});

Deno.test("qat refuses what is no number", async () => {
  const { code, stdout, stderr } = await run("--lr", "fast");
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(stderr, "error: option '--lr <rate>' argument 'fast' is invalid. A number is needed.\n");
});

Deno.test("qat says what is wrong in one line, and with --debug where", () =>
  withFolder(async (dir) => {
    const args = ["--model", `${dir}/none`, "--out", `${dir}/out`];
    const message = `Cannot load "${dir}/none": there is no such file or folder, a model.json is needed`;
    const { code, stdout, stderr } = await run(...args);
    assert.deepEqual([code, stdout, stderr], [1, "", `error: ${message}\n`]);
    const debug = await run(...args, "--debug", "--json");
    assert.deepEqual([debug.code, debug.stdout], [1, ""]);
    assert.match(debug.stderr, /Cannot load[^]*\n +at /);
    assert.deepEqual(contentsOf(dir), {});
  }));

Deno.test("qat prints plain lines and a table when it is no terminal", () =>
  withFolder(async (dir) => {
    const { code, stdout, stderr } = await run(...await smallJob(dir));
    assert.equal(code, 0);
    assert.match(stdout, /^Float accuracy: \d+\.\d\d %\.$/m);
    assert.match(stdout, /^deployed +\d+\.\d\d%/m);
    assert.match(stderr, /^qat epoch 1\/2: loss .*, simulated .*, deployed .* left\nqat epoch 2\/2: .*\n$/);
    assert.ok(![stdout, stderr].some((text) => text.includes("\x1b")), "no colours, no cursor movement");
    await assertQuietAndJson(dir);
  }));

async function assertQuietAndJson(dir: string): Promise<void> {
  const args = await smallJob(dir);
  const json = await run(...args, "--json");
  assert.equal(json.code, 0);
  assert.deepEqual(JSON.parse(json.stdout), JSON.parse(Deno.readTextFileSync(`${dir}/out/report.json`)));
  assert.match(json.stderr, /^Float accuracy: /m);
  assert.deepEqual(await run(...args, "--quiet"), { code: 0, stdout: "", stderr: "" });
}

/** Starts a job and sends SIGINT as soon as its output says `when`. */
async function interrupt(when: string, args: readonly string[]): Promise<number> {
  const child = start(args);
  let seen = "";
  let sent = false;
  const watch = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      seen += text;
      if (sent || !seen.includes(when)) continue;
      sent = true;
      child.kill("SIGINT");
    }
  };
  await Promise.all([watch(child.stdout), watch(child.stderr)]);
  assert.ok(sent, seen);
  return (await child.status).code;
}

Deno.test("qat ends with 130 and writes nothing when Ctrl-C comes in training", () =>
  withFolder(async (dir) => {
    const args = await smallJob(dir);
    const before = contentsOf(dir);
    assert.equal(await interrupt("qat epoch 1/9999", [...args, "--epochs", "9999"]), 130);
    assert.deepEqual(contentsOf(dir), before);
  }));

Deno.test("qat leaves all old files or all new ones when Ctrl-C comes while it finishes", () =>
  withFolder(async (dir) => {
    const args = await smallJob(dir);
    assert.equal((await run(...args, "--quiet")).code, 0);
    const old = contentsOf(`${dir}/out`);
    const code = await interrupt("Exporting, and validating", [...args, "--seed", "1"]);
    assert.ok(code === 130 || code === 0, `exit code ${code}`);
    const now = contentsOf(`${dir}/out`);
    assert.deepEqual(Object.keys(now), Object.keys(old));
    const files = Object.keys(old).filter((path) => old[path] !== "folder" && !path.endsWith("/qat/model.json"));
    assert.equal(new Set(files.map((path) => old[path] === now[path])).size, 1, "old and new are not mixed");
  }));
