import assert from "node:assert/strict";
import { save, tinyModel, withFolder } from "../job/_test_support.ts";
import { main } from "./main.ts";
import { qat } from "./qat.ts";
import { type Seen, type Surroundings, watchProgram } from "./_test_support.ts";

/** What `qat` does with `args`, as a program of its own. */
function run(args: readonly string[], surroundings: Surroundings = {}): Promise<Seen> {
  return watchProgram(surroundings, () => qat(args));
}

Deno.test("qat() prints the targets on --target list, and does nothing else", async () => {
  const { stdout, ...rest } = await run(["--target", "list"]);
  assert.deepEqual(rest, { stderr: [], listens: [] });
  assert.equal(stdout.length, 1);
  assert.match(stdout[0], /^x86: /m);
});

Deno.test("main() runs the command that is named, and qat where none is", async () => {
  const runs = ["--target", "list"];
  const named = await watchProgram({}, () => main(["qat", ...runs]));
  assert.match(named.stdout[0], /^x86: /m);
  assert.deepEqual(await watchProgram({}, () => main(runs)), named);
  for (const stranger of ["toString", "", "Qat"]) {
    const { exit, stdout, stderr } = await watchProgram({}, () => main([stranger, ...runs]));
    assert.deepEqual([exit, stdout, stderr.length], [2, [], 1], stranger);
    assert.match(stderr[0], /^error: too many arguments/);
  }
});

/** Flags of a job of 40 generated images on a tiny model that is saved in `dir`. */
async function smallJob(dir: string): Promise<string[]> {
  return ["--model", await save(tinyModel(), `${dir}/in`), "--limit", "40", "--batch-size", "18"];
}

Deno.test("qat() prints what a dry run finds: a table, or JSON with every log line on stderr", () =>
  withFolder(async (dir) => {
    const args = [...await smallJob(dir), "--out", `${dir}/out`, "--dry-run"];
    const table = await run(args);
    const [lines, last] = [table.stdout.slice(0, -1), table.stdout.at(-1) ?? ""];
    assert.deepEqual([table.exit, table.stderr], [undefined, []]);
    assert.match(lines.join("\n"), /^Model ".*", 322 parameters\.$/m);
    assert.match(last, /^Target "x86": .*\n.*\nRecipe: 0 rules\.\n.* symmetric, per channel;\n/);
    const json = await run([...args, "--json"]);
    assert.deepEqual([json.exit, json.stdout.length, json.stderr], [undefined, 1, lines]);
    assert.equal(JSON.parse(json.stdout[0]).target, "x86");
    assert.deepEqual(await run([...args, "--json", "--quiet"]), { ...json, stderr: [] });
    assert.deepEqual(await run([...args, "--quiet"]), { ...table, stdout: [last] });
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
  }));

Deno.test("qat() hands on how weights are scaled, where a flag says it", () =>
  withFolder(async (dir) => {
    const args = [...await smallJob(dir), "--dry-run", "--json", "--quiet"];
    const rulesWith = async (...flags: readonly string[]) =>
      JSON.parse((await run([...args, ...flags])).stdout[0]).recipe.rules;
    assert.deepEqual(await rulesWith(), []);
    for (const granularity of ["per-channel", "per-tensor"]) {
      assert.deepEqual(await rulesWith(`--${granularity}`), [{ match: {}, then: { weights: { granularity } } }]);
    }
  }));

Deno.test("qat() prints an error as one line, and with --debug its stack", () =>
  withFolder(async (dir) => {
    const args = ["--model", `${dir}/none`, "--out", `${dir}/out`];
    const { exit, stdout, stderr } = await run([...args, "--quiet"]);
    assert.deepEqual([exit, stdout, stderr.length], [1, [], 1]);
    assert.match(stderr[0], /^error: Cannot load .*$/);
    const debug = await run([...args, "--debug"]);
    assert.deepEqual([debug.exit, debug.stderr.length], [1, 1]);
    assert.match(debug.stderr[0], /^\w*Error: Cannot load .*\n +at /);
  }));

Deno.test("qat() prints the report of a run as a table, as JSON or not at all", () =>
  withFolder(async (dir) => {
    const out = `${dir}/out`;
    const first = await run([...await smallJob(dir), "--epochs", "1", "--per-tensor", "--json", "--out", out]);
    assert.deepEqual([first.exit, first.stdout.length], [undefined, 1], first.stderr.join("\n"));
    assert.ok(first.stderr.some((line) => line.startsWith("qat epoch 1/1: loss ")), "progress");
    assert.ok(first.stderr.some((line) => line.startsWith("Exporting, and validating")), "log");
    assert.match(JSON.parse(first.stdout[0]).recipe.resolved[1].weights, /per tensor/);
    const table = await run(["--resume", out]);
    assert.deepEqual([table.exit, table.stderr, table.stdout.length], [undefined, [], 2]);
    const [ended, report] = table.stdout;
    assert.match(ended, /^The run in ".*" has ended, this is its report/);
    assert.match(report, /^\n.*\n[^]*^deployed +\d/m);
    const json = await run(["--resume", out, "--json"]);
    assert.deepEqual([json.exit, json.stderr, json.stdout.length], [undefined, [ended], 1]);
    assert.equal(`${json.stdout[0]}\n`, Deno.readTextFileSync(`${out}/report.json`));
    assert.deepEqual(await run(["--resume", out, "--json", "--quiet"]), { ...json, stderr: [] });
    assert.deepEqual(await run(["--resume", out, "--quiet"]), { ...table, stdout: [] });
  }));

Deno.test("qat() says that nothing was written when a signal comes before there is anything", () =>
  withFolder(async (dir) => {
    const { exit, stderr } = await run([...await smallJob(dir), "--out", `${dir}/out`], { signals: ["SIGINT"] });
    assert.deepEqual([exit, stderr.at(-1)], [130, "Stopped, nothing was written."]);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["in"]);
  }));

Deno.test("qat() says how to go on when a signal comes in training, in words that a shell reads", () =>
  withFolder(async (dir) => {
    const args = [...await smallJob(dir), "--epochs", "3"];
    for (const [name, shown] of [["a-1_b.c", "a-1_b.c"], ["it's $1", "it'\\''s $1"]]) {
      const out = `${dir}/${name}`;
      const { exit, stderr } = await run([...args, "--out", out], { signals: ["SIGINT"], when: "qat epoch 1/3" });
      const quote = name === shown ? "" : "'";
      assert.equal(exit, 130);
      assert.equal(stderr.at(-1), `Stopped. To go on: deno task qat --resume ${quote}${dir}/${shown}${quote}`);
    }
  }));
