/** Programs that rows are run by: each in a process of its own, so that none is slowed or stopped by another. */

/** Runs a task of deno.json, as users do, and shows what it says. */
export async function runTask(task: string, flags: readonly string[]): Promise<void> {
  console.log(`\ndeno task ${task} ${flags.join(" ")}`);
  await run(["task", "--quiet", task, ...flags, "--quiet"]);
}

/** Runs a module, and returns the last line that it prints. */
export async function runDeno(module: string, args: readonly string[]): Promise<string> {
  console.log(`\n${module} ${args.join(" ")}`);
  return await run(["run", "--no-prompt", "--allow-all", module, ...args]);
}

async function run(args: readonly string[]): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await child.output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  if (success) return out.split("\n").at(-1) ?? "";
  const line = error.split("\n").findLast((line) => line.includes("error")) ?? error.split("\n").at(-1) ?? "";
  throw new Error(line.replace(/^.*?error:?\s*/i, ""));
}

/** Whether there is a file or folder at `path`. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
