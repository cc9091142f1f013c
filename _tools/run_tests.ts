/**
 * Runs the tests and ends with one line that sums them up: "N passed, N failed", and ", N skipped" where some were.
 *
 * Arguments go to `deno test`. With `--docs` first only the examples in docstrings and Markdown run; without, both. All
 * of them run on all processors, and then those that want the process for themselves; files that are named run in turn.
 */
import { addCounts, closingLine, type Counts, countTests } from "./_count_tests.ts";
import { listTestsAlone } from "./_tests_alone.ts";
import { temporaryFolder } from "./_temporary.ts";

/** Where it is installed, a test shows by it that native code speaks to no network. */
const STRACE = "/usr/bin/strace";

/** Tests read anything, write in the folder for temporary files, and start no program but Deno (the command line). */
async function permissions(): Promise<string[]> {
  const hasStrace = await Deno.stat(STRACE).then(() => true, () => false);
  const run = `--allow-run=${[Deno.execPath(), ...(hasStrace ? [STRACE] : [])]}`;
  return ["--no-prompt", "--allow-read", `--allow-write=${temporaryFolder()}`, "--allow-ffi", "--ignore-env", run];
}

/** The runs of `deno test`, one after the other, as their arguments. */
async function listRuns([first, ...rest]: readonly string[]): Promise<readonly (readonly string[])[]> {
  if (first === "--docs") return [["--doc", "--parallel", "--ignore=**/*_test.ts", ...rest]];
  const args = first === undefined ? [] : [first, ...rest];
  if (!args.every((arg) => arg.startsWith("-"))) return [["--doc", ...args]];
  const alone = await listTestsAlone(new URL("../", import.meta.url));
  return [["--doc", "--parallel", `--ignore=${alone}`, ...args], [...args, ...alone]];
}

/** Runs `deno test`, shows its output as it comes, and returns it with the exit code. */
async function runDenoTest(args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...await permissions(), ...args],
    stdout: "piped",
  }).spawn();
  let output = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    await write(text);
    output += text;
  }
  return { code: (await child.status).code, output };
}

async function write(text: string): Promise<void> {
  const writer = Deno.stdout.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

const all: Counts[] = [];
for (const args of await listRuns(Deno.args)) all.push(countTests(await runDenoTest(args)));
const counts = addCounts(all);
console.log(closingLine(counts));
Deno.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
