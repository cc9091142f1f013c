/** Faults of the disk, one operation at a time. */
import { type Disk, disk } from "./disk.ts";

/** What happens at an operation: the process dies before it, in the middle of it or after it, or the disk is full. */
export type Fault = "before" | "midway" | "after" | "full";

/** Every fault. */
export const FAULTS: readonly Fault[] = ["before", "midway", "after", "full"];

/** Thrown in place of a death. */
export class Death extends Error {}

/**
 * Runs `work`, at whose operation number `at` (from 0) the fault happens; a dead process does nothing any more.
 *
 * @returns Whether that operation was reached.
 */
export function withFault({ at, fault }: { readonly at: number; readonly fault: Fault }, work: () => void): boolean {
  const real = { ...disk };
  let count = 0;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new Death();
  };
  const around =
    <Args extends readonly unknown[]>(operation: (...args: Args) => void, half: (...args: Args) => void) =>
    (
      ...args: Args
    ) => {
      if (isDead) throw new Death();
      if (count++ !== at) return operation(...args);
      if (fault === "full") throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
      if (fault === "midway") half(...args);
      if (fault === "after") operation(...args);
      die();
    };
  const nothing = () => {};
  const faulty: Disk = {
    write: around(
      real.write,
      (path, ...parts) => real.write(path, ...parts.map((part) => part.subarray(0, part.length >> 1))),
    ),
    append: around(real.append, (path, bytes) => real.append(path, bytes.subarray(0, bytes.length >> 1))),
    rename: around(real.rename, nothing),
    remove: around(real.remove, nothing),
    makeFolder: around(real.makeFolder, nothing),
    syncFolder: around(real.syncFolder, nothing),
  };
  Object.assign(disk, faulty);
  try {
    work();
  } catch (error) {
    if (fault !== "full" && !isDead) throw error;
  } finally {
    Object.assign(disk, real);
  }
  return count > at;
}

/** Lists all files below `dir`, with their text. */
export function textsIn(dir: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(dir)) {
    if (isDirectory) Object.assign(found, textsIn(`${dir}/${name}`, `${below}${name}/`));
    else found[`${below}${name}`] = Deno.readTextFileSync(`${dir}/${name}`);
  }
  return found;
}
