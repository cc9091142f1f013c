import assert from "node:assert/strict";
import sharp from "sharp";
import { save, tinyModel, withFolder } from "../job/_test_support.ts";
import { type Seen, watchProgram } from "./_test_support.ts";
import { main } from "./main.ts";

/** Runs `deno task predict` with `args`. */
function run(args: readonly string[]): Promise<Seen> {
  return watchProgram({}, () => main(["predict", ...args]));
}

/** Quantizes a tiny model in `dir`, and writes two pictures there. */
async function prepare(dir: string): Promise<void> {
  const model = await save(tinyModel(), `${dir}/in`);
  const calibrated = ["--model", model, "--data", "generated", "--limit", "40", "--samples", "16", "--threads", "1"];
  await watchProgram({}, () => main(["ptq", ...calibrated, "--out", `${dir}/ptq`, "--quiet"]));
  Deno.mkdirSync(`${dir}/pictures`);
  for (const name of ["a", "b"]) {
    const background = { r: 200, g: 30, b: name === "a" ? 20 : 220 };
    await sharp({ create: { width: 9, height: 12, channels: 3, background } }).png().toFile(
      `${dir}/pictures/${name}.png`,
    );
  }
}

Deno.test("predict() prints a line for each picture, JSON or nothing, and draws unless it is not to", () =>
  withFolder(async (dir) => {
    await prepare(dir);
    const args = ["--model", `${dir}/ptq`, `${dir}/pictures`, "--threads", "1"];
    const plain = await run([...args, "--no-draw"]);
    assert.deepEqual([plain.exit, plain.stderr], [undefined, []]);
    const answers = plain.stdout.filter((line) => /[ab]\.png: /.test(line));
    assert.equal(answers.length, 2);
    // One answer stands behind the name.
    for (const line of answers) assert.match(line, /^\S+[ab]\.png: \w+ [\d.]+ %/);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).toSorted(), ["in", "pictures", "ptq"]);
    const json = await run([...args, "--out", `${dir}/drawn`, "--json"]);
    assert.equal(json.stdout.length, 1);
    const [first, second] = JSON.parse(json.stdout[0]);
    assert.ok(first.file.endsWith("a.png") && second.drawn === `${dir}/drawn/b.png`, json.stdout[0].slice(0, 300));
    assert.ok(Deno.statSync(`${dir}/drawn/a.png`).isFile);
    const quiet = await run([...args, "--no-draw", "--quiet"]);
    assert.deepEqual([quiet.stdout, quiet.stderr, quiet.exit], [[], [], undefined]);
  }));

Deno.test("predict() says in one line what is wrong, and with --debug where", async () => {
  const missing = await run(["--model", "model.onnx", "/no/such/picture.png"]);
  assert.deepEqual([missing.exit, missing.stderr.length], [1, 1]);
  assert.match(missing.stderr[0], /^error: Cannot read the picture "\/no\/such\/picture.png"/);
  assert.match((await run(["--model", "model.onnx", "/no/p.png", "--debug"])).stderr.join("\n"), /\n +at /);
  assert.equal((await run(["--epochs", "3"])).exit, 2);
});
