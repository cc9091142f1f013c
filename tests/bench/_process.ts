/** Runs a way of training a net in a process of its own. */
import type { Way, WayResult } from "./_one_way.ts";

/** What the process is told. */
export interface ProcessOptions {
  readonly steps: number;
  readonly threads: number;
  /** Prefix of the traces that ONNX Runtime is to write. */
  readonly profile?: string;
}

/** The profile is written by ONNX Runtime itself. */
const PERMISSIONS = ["--no-prompt", "--allow-read", "--allow-ffi", "--allow-sys=cpus", "--ignore-env"];

/**
 * Takes steps with net `name`, and returns what they took.
 *
 * @throws {Error} If the process fails; it has said why.
 */
export async function runWay(
  name: string,
  way: Way,
  { steps, threads, profile }: ProcessOptions,
): Promise<WayResult> {
  const script = new URL("./_one_way.ts", import.meta.url).pathname;
  const args = [
    "run",
    ...PERMISSIONS,
    script,
    name,
    way,
    `${steps}`,
    `${threads}`,
    ...(profile === undefined ? [] : [profile]),
  ];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`Cannot bench "${name}" ${way}: its process failed`);
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}
