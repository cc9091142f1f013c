/** From where results are: commit, machine, day. */

/** From where results are. */
export interface Origin {
  /** Short hash of the commit; "+" behind it: with changes that were not committed. */
  readonly commit: string;
  /** The machine, in words. */
  readonly machine: string;
  /** Such as "2026-11-27". */
  readonly date: string;
}

/** Reads the origin of results that are made now. */
export async function readOrigin(): Promise<Origin> {
  const commit = await git("rev-parse", "--short=9", "HEAD");
  const changes = await git("status", "--porcelain", "--untracked-files=no");
  return {
    commit: `${commit}${changes === "" ? "" : "+"}`,
    machine: machineOf(await Deno.readTextFile("/proc/cpuinfo").catch(() => "")),
    date: new Date().toISOString().slice(0, 10),
  };
}

async function git(...args: readonly string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command("git", { args: [...args], stderr: "null" }).output();
  if (!success) throw new Error(`Cannot tell the commit: git ${args.join(" ")} failed, a checkout of git is needed`);
  return new TextDecoder().decode(stdout).trim();
}

/** Instruction sets that decide how int8 kernels compute, the newest first. */
const INSTRUCTIONS = ["amx_int8", "avx512_vnni", "avx_vnni", "avx512f", "avx2"];

/** Says what a machine is: its processor, how many cores of it, its newest instructions; of /proc/cpuinfo's text. */
export function machineOf(cpuinfo: string): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(cpuinfo)?.[1] ?? `${Deno.build.os} ${Deno.build.arch}`;
  const flags = /^flags\s*:\s*(.+)$/m.exec(cpuinfo)?.[1].split(" ") ?? [];
  const newest = INSTRUCTIONS.find((name) => flags.includes(name));
  const vnni = flags.some((flag) => flag.endsWith("vnni")) ? "" : " without VNNI";
  return `${navigator.hardwareConcurrency} cores of ${model}` + (newest === undefined ? "" : ` (${newest}${vnni})`);
}
