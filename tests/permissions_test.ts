/** A job under the permissions that README.md and the help give for one. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import config from "../deno.json" with { type: "json" };
import { qatCommand } from "../cli/qat.ts";
import { contentsOf, save, tinyModel, withFolder } from "../job/_test_support.ts";

const ROOT = new URL("..", import.meta.url);
const CACHE = "$HOME/.cache/deno/npm";

/** The documented command, as words of a shell. */
function words(text: string): readonly string[] {
  const command = /deno run (?:.*\\\n)*.*cli\.ts.*/.exec(text)?.[0];
  assert.ok(command !== undefined, "there is a command");
  return command.replaceAll("\\\n", " ").trim().split(/\s+/);
}

const DOCUMENTED = words(Deno.readTextFileSync(new URL("README.md", ROOT)));

/** The npm folder of Deno's cache. */
function npmFolder(): string {
  const [, folder] = /^(.*\/npm)\//.exec(fileURLToPath(import.meta.resolve("onnxruntime-node"))) ?? [];
  return folder ?? fileURLToPath(new URL("node_modules", ROOT));
}

/** Runs the documented command in `dir`, which is within no folder that it may read, on other data if some are named. */
async function run(dir: string, data = "folder:photos") {
  const [, ...args] = DOCUMENTED.map((word) =>
    word.replace(CACHE, npmFolder()).replace("folder:photos", data).replaceAll("/tmp", `${dir}/tmp`).replace(
      /^cli\.ts$/,
      fileURLToPath(new URL("cli.ts", ROOT)),
    )
  );
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "--epochs", "1", "--batch-size", "8", "--quiet"],
    cwd: dir,
    env: { TMPDIR: `${dir}/tmp` },
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a job runs under the permissions that README.md gives, and under no wider ones of the help's", () =>
  withFolder(async (dir) => {
    assert.deepEqual(words(helpText()), DOCUMENTED);
    await save(tinyModel({ classes: 2 }), `${dir}/model`);
    Deno.mkdirSync(`${dir}/tmp`);
    for (const [c, name] of ["cat", "dog"].entries()) {
      Deno.mkdirSync(`${dir}/photos/${name}`, { recursive: true });
      for (let i = 0; i < 12; i++) {
        const background = { r: 20 * i, g: 200 * c, b: 90 };
        await sharp({ create: { width: 8, height: 8, channels: 3, background } }).png()
          .toFile(`${dir}/photos/${name}/${i}.png`);
      }
    }
    assert.deepEqual(await run(dir), { code: 0, stderr: "" });
    assert.ok(Object.keys(contentsOf(`${dir}/out`)).some((path) => path.endsWith("/model.int8.onnx")));
    Deno.removeSync(`${dir}/out`, { recursive: true });
    // A folder that is not among those granted, wherever the checkout lies.
    const refused = await run(dir, `folder:${dirname(Deno.execPath())}`);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^error: Cannot read .*: Deno runs without the permission for it\n$/);
  }));

function helpText(): string {
  let text = "";
  qatCommand().configureOutput({ writeOut: (part) => text += part }).outputHelp();
  return text;
}

/** Tasks that write where their users say. */
const JOBS = ["qat", "ptq", "debug", "choose", "sweep", "compare", "predict", "import", "results"];

Deno.test("no task may start any program, and only jobs, whose results go where they are told, may write anywhere", () => {
  const commands = Object.entries(config.tasks).map(([name, { command }]) => [name, command] as const);
  for (const [name, command] of commands) {
    assert.doesNotMatch(
      command,
      /--allow-run(?!=)|-A\b|--allow-all|--allow-net|--allow-env(?!=)|--allow-sys(?!=)/,
      name,
    );
    if (!JOBS.includes(name)) assert.doesNotMatch(command, /--allow-write(?!=)/, name);
  }
});
