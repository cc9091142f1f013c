/** The ways of taking a step that are not this project's: PyTorch, where it is installed. */
import type { NetTask } from "./_task.ts";

/** Best of PyTorch's configurations and memory layouts. */
export interface TorchResult {
  readonly floatMs: number;
  readonly qatMs: number;
  readonly peakRssMb: number;
  /** PyTorch's name and version. */
  readonly peer: string;
}

const SCRIPT = new URL("../../../shared/peers/torch_qat_step.py", import.meta.url).pathname;

/** A line of the script. */
interface Line {
  readonly peer: string;
  readonly way: string;
  readonly median_ms: number;
  readonly peak_rss_mb: number;
}

/**
 * Returns a Python that can import torch, or undefined if there is none, or no script beside the checkout to run with it.
 * Debian's own packages belong to Debian's own Python.
 */
export async function findTorch(): Promise<string | undefined> {
  if (!await Deno.stat(SCRIPT).then(() => true, () => false)) return undefined;
  for (const python of ["python3", "/usr/bin/python3"]) {
    try {
      const { success } = await new Deno.Command(python, { args: ["-c", "import torch, torchvision"], ...QUIET })
        .output();
      if (success) return python;
    } catch {
      // No such program.
    }
  }
  return undefined;
}

const QUIET = { stdout: "null", stderr: "null" } as const;

/**
 * Takes steps of `net` with PyTorch.
 *
 * @throws {Error} If the script fails.
 */
export async function torchSteps(
  python: string,
  { net, threads, steps }: { readonly net: NetTask; readonly threads: number; readonly steps: number },
): Promise<TorchResult> {
  const args = [SCRIPT, "--net", net.name, "--batch", `${net.batch}`, "--threads", `${threads}`, "--steps", `${steps}`];
  const { success, stdout } = await new Deno.Command(python, { args, stderr: "null" }).output();
  if (!success) throw new Error(`Cannot bench PyTorch: ${python} ${SCRIPT} failed`);
  const lines: Line[] = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  const best = (way: RegExp) =>
    lines.filter((line) => way.test(line.way)).reduce((a, b) => a.median_ms <= b.median_ms ? a : b);
  const qat = best(/^qat/);
  return { floatMs: best(/^float/).median_ms, qatMs: qat.median_ms, peakRssMb: qat.peak_rss_mb, peer: qat.peer };
}
