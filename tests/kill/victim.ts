/**
 * The command line, in a process that kills itself at an operation on the disk.
 *
 * `victim.ts NUMBER WHEN ARGUMENTS`: the operation of that number, from 0, of those that commits make; -1 is none. It dies
 * before the operation, midway or after it. At its end it prints how many operations there were.
 */
import { type Disk, disk } from "../../src/io/disk.ts";
import { main } from "../../cli/main.ts";

const [number, when, ...args] = Deno.args;
let count = 0;

function die(): never {
  Deno.kill(Deno.pid, "SIGKILL");
  // The signal comes by itself; nothing must happen before it does.
  for (;;);
}

function around<Args extends readonly unknown[]>(
  operation: (...args: Args) => void,
  half: (...args: Args) => void = () => {},
): (...args: Args) => void {
  return (...args) => {
    if (count++ !== Number(number)) return operation(...args);
    if (when === "midway") half(...args);
    if (when === "after") operation(...args);
    die();
  };
}

const real: Disk = { ...disk };
const mortal: Disk = {
  write: around(
    real.write,
    (path, ...parts) => real.write(path, ...parts.map((part) => part.subarray(0, part.length >> 1))),
  ),
  append: around(real.append, (path, bytes) => real.append(path, bytes.subarray(0, bytes.length >> 1))),
  rename: around(real.rename),
  remove: around(real.remove),
  makeFolder: around(real.makeFolder),
  syncFolder: around(real.syncFolder),
};
Object.assign(disk, mortal);
addEventListener("unload", () => console.error(`operations: ${count}`));
await main(args);
