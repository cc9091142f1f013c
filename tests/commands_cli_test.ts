/** Commands that look at what jobs left, as they are started: with their tasks' own permissions, in processes of their own. */
import assert from "node:assert/strict";
import sharp from "sharp";
import { contentsOf, save, tinyModel, withFolder } from "../job/_test_support.ts";
import config from "../deno.json" with { type: "json" };

const SCRIPT = new URL("../cli.ts", import.meta.url).pathname;

function start(command: "ptq" | "predict" | "compare" | "sweep", ...args: readonly string[]): Deno.ChildProcess {
  const words = config.tasks[command].command.split(" ");
  const flags = words.slice(1, words.indexOf("cli.ts"));
  const piped = { stdout: "piped", stderr: "piped" } as const;
  return new Deno.Command(Deno.execPath(), { args: [...flags, SCRIPT, command, ...args], ...piped }).spawn();
}

async function run(...args: Parameters<typeof start>) {
  const { code, stdout, stderr } = await start(...args).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out, stderr: error };
}

/** Writes pictures of two classes, and quantizes a model that tells them apart, if by chance. */
async function quantized(dir: string): Promise<readonly string[]> {
  const model = await save(tinyModel({ classes: 2 }), `${dir}/in`);
  for (const name of ["a", "b"]) {
    Deno.mkdirSync(`${dir}/data/${name}`, { recursive: true });
    for (let i = 0; i < 8; i++) {
      const background = { r: 30 * i, g: name === "a" ? 200 : 20, b: 90 };
      await sharp({ create: { width: 9, height: 8, channels: 3, background } }).png().toFile(
        `${dir}/data/${name}/${i}.png`,
      );
    }
  }
  return ["--model", model, "--data", `folder:${dir}/data`, "--samples", "8", "--threads", "1"];
}

Deno.test("predict draws onto copies of pictures, and prints what a file answers, in words or as JSON", () =>
  withFolder(async (dir) => {
    const made = await run("ptq", ...await quantized(dir), "--out", `${dir}/out`, "--quiet");
    assert.deepEqual([made.code, made.stderr], [0, ""]);
    const args = ["--model", `${dir}/out`, `${dir}/data/a`, `${dir}/data/b/0.png`, "--out", `${dir}/found`];
    const words = await run("predict", ...args);
    assert.equal(words.code, 0, words.stderr);
    assert.match(words.stdout, /^.*\/data\/a\/0\.png: [ab] \d+\.\d % \([ab] \d+\.\d %\)\n {2}→ .*\/found\/0\.png$/m);
    assert.deepEqual([...Deno.readDirSync(`${dir}/found`)].length, 9);
    const refused = await run("predict", ...args);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^error: Cannot write to ".*0\.png": it is there already, --overwrite replaces it\n$/);
    const json = await run("predict", ...args, "--overwrite", "--json");
    const found = JSON.parse(json.stdout);
    assert.deepEqual([json.code, found.length, found[8].drawn], [0, 9, `${dir}/found/0-2.png`]);
    assert.deepEqual(Object.keys(found[0].answers[0]).toSorted(), ["kind", "name", "next", "output", "probability"]);
    const bare = await run("predict", ...args.slice(0, 3), "--no-draw");
    assert.deepEqual([bare.code, bare.stdout.split("\n").length], [0, 9]);
  }));

Deno.test("predict says in one line what is wrong, and writes nothing", () =>
  withFolder(async (dir) => {
    Deno.writeTextFileSync(`${dir}/file`, "");
    const before = contentsOf(dir);
    const lines: readonly (readonly [code: number, ...args: string[]])[] = [
      [2, "--epochs", "1"],
      [2, "--score-threshold", "much", "--model", "x"],
      [1, "--model", `${dir}/file`, `${dir}/none.png`],
      [1, "--model", `${dir}/file`, `${dir}/file`],
      [1, "--model", "/dev/zero", `${dir}/file`],
      [1, `${dir}/file`],
      [1],
    ];
    const results = await Promise.all(lines.map(([, ...args]) => run("predict", ...args, "--out", `${dir}/out`)));
    for (const [i, result] of results.entries()) {
      const [code, ...args] = lines[i];
      assert.deepEqual([result.code, result.stdout], [code, ""], `${args}: ${result.stderr}`);
      assert.match(result.stderr, /^error: [^\p{Cc}]{10,1010}\n$/u, `${args}`);
    }
    assert.deepEqual(contentsOf(dir), before);
  }));

Deno.test("sweep prints a table with the best row, and goes on when it was killed in the middle of one", () =>
  withFolder(async (dir) => {
    const base = [...await quantized(dir), "--out", `${dir}/sweep`];
    const axes = ["--over", "observer=default,mse", "--over", "symmetric=false,true"];
    const child = start("sweep", "ptq", ...base, ...axes);
    let seen = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      seen += text;
      if (/^Row 3 of 4/m.test(seen)) break;
    }
    child.kill("SIGKILL");
    await child.stderr.cancel();
    await child.status;
    assert.equal(JSON.parse(Deno.readTextFileSync(`${dir}/sweep/sweep.json`)).rows.length, 2);
    const first = Deno.statSync(`${dir}/sweep/observer=default,symmetric=false/report.json`).mtime;
    const { code, stdout, stderr } = await run("sweep", "ptq", ...base, ...axes);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^The best of 4 rows is observer=(default|mse),symmetric=(false|true) \(/m);
    assert.match(stdout, /^observer=mse,symmetric=true +\d+\.\d\d%/m);
    assert.deepEqual(Deno.statSync(`${dir}/sweep/observer=default,symmetric=false/report.json`).mtime, first);
    const json = await run("sweep", "ptq", ...base, ...axes, "--json");
    assert.equal(JSON.parse(json.stdout).rows.length, 4);
    await assertCompared(`${dir}/sweep`, dir);
  }));

/** Compares rows of a sweep, as runs like any other. */
async function assertCompared(sweep: string, dir: string): Promise<void> {
  const rows = ["observer=default,symmetric=false", "observer=mse,symmetric=true"].map((name) => `${sweep}/${name}`);
  const args = [...rows, "--out", `${dir}/compared`];
  const table = await run("compare", ...args);
  assert.deepEqual([table.code, table.stderr], [0, ""]);
  assert.match(table.stdout, /^The best of 2 runs is /m);
  assert.match(table.stdout, /^symmetric +false +true$/m);
  const again = await run("compare", ...args);
  assert.deepEqual([again.code, again.stdout], [1, ""]);
  assert.match(
    again.stderr,
    /^error: Cannot write to ".*compare\.html": it is there already, --overwrite replaces it\n$/,
  );
  const json = await run("compare", ...args, "--overwrite", "--json");
  assert.equal(JSON.parse(json.stdout).runs.length, 2);
  const none = await run("compare", rows[0], `${dir}/none`, "--out", `${dir}/other`);
  assert.match(none.stderr, /^error: Cannot compare ".*none": there is no report\.json, [^\p{Cc}]+\n$/u);
  assert.deepEqual([none.code, (await run("compare", rows[0])).code, (await run("compare", "--x")).code], [1, 1, 2]);
}

Deno.test("sweep says in one line what is wrong, and prints the help of what is swept over", () =>
  withFolder(async (dir) => {
    const refused = async (code: number, message: RegExp, ...args: readonly string[]) => {
      const result = await run("sweep", ...args);
      assert.deepEqual([result.code, result.stdout], [code, ""], result.stderr);
      assert.match(result.stderr, message);
      assert.match(result.stderr, /^error: [^\p{Cc}]{10,1010}\n$/u);
    };
    const out = ["--out", `${dir}/out`];
    await Promise.all([
      refused(2, /the first word must be qat or ptq/),
      refused(2, /the first word must be qat or ptq/, "--over", "lr=1"),
      refused(2, /unknown option '--resume'/, "qat", "--resume", "out"),
      refused(1, /one of --over and --grid is needed/, "qat", ...out),
      refused(1, /there is no such option, .*did you mean "lr"/, "qat", "--over", "lrr=1", ...out),
      refused(1, /in the row "epochs=0": cannot use --epochs 0/, "qat", "--over", "epochs=1,0", ...out),
    ]);
    const help = await run("sweep", "ptq", "--help");
    assert.equal(help.code, 0);
    for (const flag of ["over", "grid", "observer", "smooth-alpha"]) {
      assert.match(help.stdout, new RegExp(`^ +--${flag}\\b`, "m"));
    }
    assert.equal((await run("sweep", "--help")).code, 0);
    assert.deepEqual([...Deno.readDirSync(dir)], []);
  }));
