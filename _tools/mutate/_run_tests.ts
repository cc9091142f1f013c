/** Runs `deno test` in a copy of the tree. */
import { fileURLToPath } from "node:url";
import { type Plan, type Workspace, writePlan } from "./_workspace.ts";

/** How a run ended. */
export type Outcome = "passed" | "failed" | "timeout";

/** Processor time after which the system ends a run whose parent is gone. */
const MOST_SECONDS = 600;

/**
 * Runs test files under a plan, and stops at the first failure if a mutant is on.
 *
 * Tests may write nowhere but in the workspace, whatever a mutant makes of a path.
 *
 * @param limit Milliseconds after which the run is ended.
 * @throws The reason of `signal`, if that ends it.
 */
export async function runTests(
  workspace: Workspace,
  { files, plan, limit, signal }: { files: readonly string[]; plan: Plan; limit: number; signal: AbortSignal },
): Promise<Outcome> {
  signal.throwIfAborted();
  await writePlan(workspace, plan);
  const path = fileURLToPath(workspace.folder);
  const deno = Deno.execPath();
  const permissions = ["--no-prompt", "--allow-read", `--allow-write=${path}`, "--allow-ffi", "--ignore-env"];
  const args = ["test", "--no-check", "--quiet", `--preload=${path}_hook.ts`, ...permissions, `--allow-run=${deno}`];
  const stop = plan.mutant < 0 ? [] : ["--fail-fast"];
  const timer = AbortSignal.timeout(limit);
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -t ${MOST_SECONDS}; exec "$@"`, "sh", deno, ...args, ...stop, ...files],
    cwd: workspace.tree,
    env: { TMPDIR: `${path}tmp` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const kill = () => child.kill("SIGKILL");
  const ends = AbortSignal.any([timer, signal]);
  ends.addEventListener("abort", kill);
  const { success } = await child.status;
  ends.removeEventListener("abort", kill);
  signal.throwIfAborted();
  if (success) return "passed";
  return timer.aborted ? "timeout" : "failed";
}
