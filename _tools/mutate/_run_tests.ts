/** Runs `deno test` in a copy of the tree. */
import { fileURLToPath } from "node:url";
import { type Plan, readBeat, type Workspace, writePlan } from "./_workspace.ts";

/** How a run ended. */
export type Outcome = "passed" | "failed" | "timeout";

/** Processor time after which the system ends a run whose parent is gone. */
const MOST_SECONDS = 600;
/** Milliseconds between two looks at how long a test has been running. */
const INTERVAL = 250;

/** What is run, and for how long. */
interface RunOptions {
  readonly files: readonly string[];
  readonly plan: Plan;
  /** Milliseconds that a test may run, by its file and its place there; what loads comes before the first, with place −1. */
  readonly limitOf: (file: string, index: number) => number;
  readonly signal: AbortSignal;
}

/**
 * Runs test files under a plan, and stops at the first failure if a mutant is on, or at a test that runs for too long.
 *
 * Tests may write nowhere but in the workspace, whatever a mutant makes of a path.
 *
 * @throws The reason of `signal`, if that ends it.
 */
export async function runTests(workspace: Workspace, { files, plan, limitOf, signal }: RunOptions): Promise<Outcome> {
  signal.throwIfAborted();
  await writePlan(workspace, plan);
  const path = fileURLToPath(workspace.folder);
  const deno = Deno.execPath();
  const permissions = ["--no-prompt", "--allow-read", `--allow-write=${path}`, "--allow-ffi", "--ignore-env"];
  const args = ["test", "--no-check", "--quiet", `--preload=${path}_hook.ts`, ...permissions, `--allow-run=${deno}`];
  const stop = plan.mutant < 0 ? [] : ["--fail-fast"];
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -t ${MOST_SECONDS}; exec "$@"`, "sh", deno, ...args, ...stop, ...files],
    cwd: workspace.tree,
    env: { TMPDIR: `${path}tmp` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  let isLate = false;
  const watch = setInterval(() => {
    const { file, index, since } = readBeat(workspace);
    if (Date.now() - since <= limitOf(file, index)) return;
    isLate = true;
    kill();
  }, INTERVAL);
  const { success } = await child.status;
  clearInterval(watch);
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  if (success) return "passed";
  return isLate ? "timeout" : "failed";
}
