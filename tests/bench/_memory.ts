/** Peak memory of this process. */

/** Returns the largest resident memory so far, in MB (2^20 bytes): on Linux the kernel's own, elsewhere that of now. */
export function peakMemoryMb(): number {
  if (Deno.build.os === "linux") {
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    if (peak !== undefined) return Number(peak) / 1024;
  }
  return Deno.memoryUsage().rss / 2 ** 20;
}
