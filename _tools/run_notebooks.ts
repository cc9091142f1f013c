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

/** What came of a notebook: what it printed, and why it failed, if it did. */
interface Ending {
  readonly stdout: string;
  readonly errors: string;
  readonly failure?: string;
}

async function runNotebook(url: URL): Promise<Ending> {
  const name = nameOf(url);
  try {
    const module = joinCells(readCodeCells(await Deno.readTextFile(url)), PRELUDE);
    return await runModule(module, { name, folder: new URL(".", url) });
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof Deno.errors.NotFound)) throw error;
    return { stdout: "", errors: "", failure: `${name}: ${error.message}` };
  }
}

async function runModule(
  module: NotebookModule,
  { name, folder }: { name: string; folder: URL },
): Promise<Ending> {
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
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
    feed(child.stdin, module.source),
  ]);
  const errors = stderr.replaceAll(POSITION, (position, line) => {
    const origin = module.locate(Number(line));
    return origin ? `${name}, cell ${origin.cell}, line ${origin.line}` : position;
  });
  return { stdout, errors, failure: status.success ? undefined : explain({ name, stdout, errors }) };
}

/** Writes `text` to a process; one that ended before it read all says why by its exit code. */
async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  await new Response(text).body?.pipeTo(stdin).catch(() => {});
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
// One after the other: two at once, whose operators take all cores each, took half as long again as one and then the other.
for (const url of notebooks) {
  const start = performance.now();
  const { stdout, errors, failure } = await runNotebook(url);
  if (failure) failures.push(failure);
  console.log(`\n== ${nameOf(url)}\n${stdout}`);
  if (errors) console.error(errors.trimEnd());
  console.log(`\n${failure ? "FAILED" : "ok"} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}
if (notebooks.length === 0) failures.push("no notebook in examples/");
for (const failure of failures) console.error(`notebooks: ${failure}`);
Deno.exit(failures.length > 0 ? 1 : 0);
