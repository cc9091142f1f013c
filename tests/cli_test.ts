/** The command line as it is started: with the task's own permissions, in a process of its own. */
import assert from "node:assert/strict";
import sharp from "sharp";
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

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Deno.ChildProcess {
  const piped = { stdout: "piped", stderr: "piped" } as const;
  return new Deno.Command(Deno.execPath(), { args: [...FLAGS, SCRIPT, ...args], env, ...piped }).spawn();
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
  return [
    "--model",
    model,
    "--limit",
    "40",
    "--batch-size",
    "20",
    "--epochs",
    "2",
    "--out",
    `${dir}/out`,
    "--overwrite",
  ];
}

Deno.test("qat --help lists every option of the job, and exits with 0", async () => {
  const { code, stdout, stderr } = await run("--help");
  assert.deepEqual([code, stderr], [0, ""]);
  const options =
    "model arch data normalize float-epochs epochs batch-size lr optimizer seed swap per-channel per-tensor " +
    "freeze-observers-after freeze-bn-after threads out limit quiet json skip-bad-images input-layout";
  for (const option of options.split(" ")) assert.match(stdout, new RegExp(`^ +--${option}\\b`, "m"));
});

Deno.test("qat --target list prints the table of targets, and --dry-run what would be quantized; both exit with 0", () =>
  withFolder(async (dir) => {
    const table = await run("--target", "list");
    assert.deepEqual([table.code, table.stderr], [0, ""]);
    for (const name of ["x86", "x86-portable", "x86-u8u8", "fbgemm", "qnnpack", "arm", "simulation"]) {
      assert.match(table.stdout, new RegExp(`^${name}: `, "m"));
    }
    const { code, stdout } = await run(...await smallJob(dir), "--target", "arm", "--keep-float", "dense", "--dry-run");
    assert.equal(code, 0);
    assert.match(stdout, /^Target "arm": .*\nRecipe: 1 rule\.\n/m);
    assert.match(stdout, /^dense +float .*it was asked to stay in float; rule\s+1$/m);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
  }));

Deno.test("cli.ts takes a command's name, and does the main job where it is given none", async () => {
  const [named, unnamed] = [await run("qat", "--help"), await run("--help")];
  assert.deepEqual(named, unnamed);
  const unknown = await run("toString");
  assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /^error: too many arguments/);
});

Deno.test("qat suggests the nearest option when one is unknown", async () => {
  const { code, stdout, stderr } = await run("--epoch", "3");
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^error: unknown option '--epoch' \(Did you mean --epochs\?\)\n$/);
});

Deno.test("qat refuses what is no number", async () => {
  const { code, stdout, stderr } = await run("--lr", "fast");
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(stderr, "error: option '--lr <rate>' argument 'fast' is invalid. A number is needed.\n");
});

Deno.test("qat refuses hostile values of any flag in one line, and writes nothing", () =>
  withFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/file`, "");
    const before = contentsOf(dir);
    const lines: readonly (readonly [code: number, ...args: string[]])[] = [
      [2, "--epochs", "NaN"],
      [2, "--seed", "1", "--seed", "2"],
      [2, "--\x1b[2J\n"],
      [1, "--normalize", "constructor"],
      [1, "--data", "csv:/dev/zero"],
      [1, "--model", "/dev/null"],
      [1, "--model", "x".repeat(5000)],
      [1, "--out", ""],
      [1, "--keep-float", "\u202e\x07"],
    ];
    const runs = await Promise.all(
      lines.map(async ([code, ...args], i) => {
        const out = args.includes("--out") ? [] : ["--out", `${dir}/out${i}`];
        return { code, args, ...await run(...args, ...out).then((run) => ({ run })) };
      }),
    );
    for (const { code, args, run } of runs) {
      assert.equal(run.code, code, `${args}: ${run.stderr}`);
      assert.match(run.stderr, /^error: [^\p{Cc}]{10,1010}\n$/u, `${args}`);
    }
    assert.deepEqual(contentsOf(dir), before);
  }));

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
    assert.match(stdout, /^qat: epoch [12] of 2 is the best on 4 validation samples, accuracy: \d+\.\d\d %\.$/m);
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
  assert.match(json.stderr, /^qat: epoch [12] of 2 is the best on 4 validation samples, accuracy: /m);
  assert.deepEqual(await run(...args, "--quiet"), { code: 0, stdout: "", stderr: "" });
}

Deno.test("qat prints names from files as one line each, without what steers a terminal", () =>
  withFolder(async (dir) => {
    const evil = "x\n\x1b[2Jerror: \x9b31mforged";
    for (const name of ["a", evil]) await pictures(`${dir}/data/${name}`);
    Deno.writeTextFileSync(`${dir}/data/a/${evil}.png`, "no picture");
    const model = await save(tinyModel({ classes: 2 }), `${dir}/${evil}`);
    const args = ["--model", model, "--data", `folder:${dir}/data`, "--skip-bad-images", "--epochs", "1"];
    const out = ["--out", `${dir}/${evil}/out`, "--overwrite"];
    const table = await run(...args, ...out);
    const json = await run(...args, ...out, "--json");
    const none = await run("--model", `${dir}/${evil}.json`);
    assert.deepEqual([table.code, json.code, none.code], [0, 0, 1], table.stderr + json.stderr);
    for (const text of [table.stdout, table.stderr, json.stdout, json.stderr, none.stderr.replace("error: ", "")]) {
      // deno-lint-ignore no-control-regex -- control characters are what must not be there
      assert.doesNotMatch(text, /^.{0,3}error: |[\x00-\x09\x0b-\x1f\x7f-\x9f]/m);
    }
    assert.ok(table.stdout.includes(`x?[2Jerror: ?31mforged.png`), table.stdout);
    assert.ok(JSON.stringify(JSON.parse(json.stdout)).includes(JSON.stringify(evil).slice(1, -1)));
  }));

/** Writes six small pictures into a new folder. */
async function pictures(dir: string): Promise<void> {
  Deno.mkdirSync(dir, { recursive: true });
  for (let i = 0; i < 6; i++) {
    const background = { r: 40 * i, g: 90, b: 200 };
    await sharp({ create: { width: 8, height: 8, channels: 3, background } }).png().toFile(`${dir}/${i}.png`);
  }
}

Deno.test("qat keeps to ASCII in the C locale", () =>
  withFolder(async (dir) => {
    const { stdout } = await start(await smallJob(dir), { LC_ALL: "C" }).output();
    assert.match(decode(stdout), /^Exporting, and validating in ONNX Runtime \.\.\.$/m);
    assert.match(decode(stdout), /^[\n -~]*$/);
  }));

/** Starts a job and sends SIGINT as soon as its output says `when`. */
async function interrupt(when: string, args: readonly string[]): Promise<{ code: number; seen: string }> {
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
  return { code: (await child.status).code, seen };
}

Deno.test("qat ends with 130 when Ctrl-C comes in training, says how to go on, and goes on", () =>
  withFolder(async (dir) => {
    const args = await smallJob(dir);
    const many = args.with(args.indexOf("--epochs") + 1, "40");
    const { code, seen } = await interrupt("qat epoch 2/40", many);
    assert.equal(code, 130, seen);
    assert.equal(seen.trimEnd().split("\n").at(-1), `Stopped. To go on: deno task qat --resume ${dir}/out`);
    assert.deepEqual([...Deno.readDirSync(`${dir}/out`)].map(({ name }) => name), ["run"]);
    const gone = await run("--resume", `${dir}/out`);
    assert.equal(gone.code, 0, gone.stderr);
    assert.match(gone.stdout, /^Training "qat" goes on after \d+ epochs? and \d+ steps?\.$/m);
    assert.match((await run("--resume", `${dir}/out`)).stdout, /^The run in ".*" has ended, this is its report/m);
  }));

Deno.test("qat leaves all old files or all new ones when Ctrl-C comes while it finishes", () =>
  withFolder(async (dir) => {
    const args = await smallJob(dir);
    assert.equal((await run(...args, "--quiet")).code, 0);
    const old = contentsOf(`${dir}/out`);
    const { code } = await interrupt("Exporting, and validating", [...args, "--seed", "1"]);
    assert.ok(code === 130 || code === 0, `exit code ${code}`);
    const now = contentsOf(`${dir}/out`);
    const files = ["model.int8.onnx", "model.float.onnx", "qat/weights.bin"].map((name) => `${dir}/out/${name}`);
    assert.equal(new Set(files.map((path) => old[path] === now[path])).size, 1, "old and new are not mixed");
  }));
