/**
 * Runs the code cells of notebooks, each notebook in a process of its own, types checked first.
 *
 * Arguments are notebooks; without any, those of examples/ are run. Fails naming notebook, cell and error.
 */
import { fileURLToPath, pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { joinCells, type NotebookModule, readCodeCells } from "./_notebook.ts";
import { temporaryFolder } from "./_temporary.ts";

const EXAMPLES = new URL("../examples/", import.meta.url);
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));
const PRELUDE = new URL("./notebook_prelude.ts", import.meta.url).href;
// Deno's name for a module that it reads from standard input, in the folder that it runs in
const POSITION = /file:\/\/[^\s:]*\$deno\$stdin\.ts:(\d+):\d+/g;

/** Returns why the notebook failed, or undefined. */
async function runNotebook(url: URL): Promise<string | undefined> {
  const name = nameOf(url);
  try {
    const module = joinCells(readCodeCells(await Deno.readTextFile(url)), PRELUDE);
    return await runModule(module, { name, folder: new URL(".", url) });
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound) return `${name}: ${error.message}`;
    throw error;
  }
}

async function runModule(module: NotebookModule, { name, folder }: { name: string; folder: URL }) {
  const permissions = [
    "--no-prompt",
    "--allow-read",
    `--allow-write=${temporaryFolder()}`,
    "--allow-ffi",
    "--ignore-env",
  ];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--check", "--quiet", `--config=${CONFIG}`, ...permissions, "--ext=ts", "-"],
    cwd: folder,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [stdout, stderr, status] = await Promise.all([
    echo(child.stdout),
    new Response(child.stderr).text(),
    child.status,
    feed(child.stdin, module.source),
  ]);
  const errors = stderr.replaceAll(POSITION, (position, line) => {
    const origin = module.locate(Number(line));
    return origin ? `${name}, cell ${origin.cell}, line ${origin.line}` : position;
  });
  if (errors) console.error(errors.trimEnd());
  return status.success ? undefined : explain({ name, stdout, errors });
}

/** Writes `text` to a process; one that ended before it read all says why by its exit code. */
async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  await new Response(text).body?.pipeTo(stdin).catch(() => {});
}

/** Prints a stream as it comes, and returns all of it. */
async function echo(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    await new Blob([chunk]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
    text += chunk;
  }
  return text;
}

/** Names the cell by the error's first position in the notebook, or else by the last heading printed. */
function explain({ name, stdout, errors }: { name: string; stdout: string; errors: string }): string {
  const plain = stripVTControlCharacters(errors);
  const cell = /, cell (\d+), line /.exec(plain)?.[1] ?? [...stdout.matchAll(/^In \[(\d+)\]:$/gm)].at(-1)?.[1];
  const message = /^(?:error: |TS\d+ \[ERROR\]: )(?:Uncaught )?(?:\(in promise\) )?(.*)$/m.exec(plain)?.[1];
  return `${name}, cell ${cell ?? "?"}: ${message ?? "the process ended without an error message"}`;
}

function nameOf(url: URL): string {
  return decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
}

async function findNotebooks(folder: URL): Promise<URL[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  const names = entries.map(({ name }) => name).filter((name) => name.endsWith(".ipynb")).sort();
  return names.map((name) => new URL(encodeURIComponent(name), folder));
}

const notebooks = Deno.args.length > 0 ? Deno.args.map((path) => pathToFileURL(path)) : await findNotebooks(EXAMPLES);
const failures: string[] = [];
for (const url of notebooks) {
  console.log(`\n== ${nameOf(url)}`);
  const start = performance.now();
  const failure = await runNotebook(url);
  if (failure) failures.push(failure);
  console.log(`\n${failure ? "FAILED" : "ok"} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}
if (notebooks.length === 0) failures.push("no notebook in examples/");
for (const failure of failures) console.error(`notebooks: ${failure}`);
Deno.exit(failures.length > 0 ? 1 : 0);
