/**
 * Energy that the processors of a machine have used, as Linux tells it.
 *
 * Source: docs.kernel.org/power/powercap/powercap.html. A package of cores is a folder `intel-rapl:N` (of AMD's processors
 * too) whose `name` begins with "package"; `energy_uj` counts microjoules and starts again from 0 behind
 * `max_energy_range_uj`. What is within a package (`intel-rapl:N:M`) is counted by the package, and so is what
 * `intel-rapl-mmio:N` counts a second time.
 */
import { join } from "node:path";

/** Where Linux keeps it. */
const POWERCAP = "/sys/class/powercap";

/** A meter, or why there is none. */
export type EnergyMeter =
  | {
    readonly kind: "meter";
    /**
     * Starts to count; what it returns tells the joules since then, of all packages, whoever used them: undefined if the
     * counters cannot be read any more.
     */
    readonly start: () => () => number | undefined;
  }
  | { readonly kind: "none"; readonly because: string };

/** A counter that starts again from 0. */
interface Counter {
  /** The file that has it. */
  readonly path: string;
  /** Its largest value, in µJ. */
  readonly most: number;
}

/**
 * Opens the meter of this machine.
 *
 * Deno reads /sys for programs that may do everything; nothing is asked for, and without it there is no meter.
 *
 * @param root The folder of counters. Default: Linux's own.
 */
export function openEnergyMeter(root: string = POWERCAP): EnergyMeter {
  if (root === POWERCAP && Deno.build.os !== "linux") return none(`${Deno.build.os} does not tell`);
  if (root === POWERCAP && !mayDoEverything()) return none(`Deno reads ${root} only with --allow-all`);
  try {
    const counters = packagesIn(root);
    if (counters.length === 0) return none(`${root} has no package of a processor`);
    for (const { path } of counters) readNumber(path); // the folder may be for all, and they for root alone
    return { kind: "meter", start: () => startOf(counters) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return none(`this machine has no ${root}`);
    if (error instanceof Error) return none(error.message);
    throw error;
  }
}

function none(because: string): EnergyMeter {
  return { kind: "none", because };
}

/** What Deno wants before it reads what the kernel tells. Asking would be a question to the user in a terminal. */
const EVERYTHING = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

function mayDoEverything(): boolean {
  return EVERYTHING.every((name) => Deno.permissions.querySync({ name }).state === "granted");
}

function packagesIn(root: string): readonly Counter[] {
  const folders = [...Deno.readDirSync(root)].map(({ name }) => name).filter((name) => /^intel-rapl:\d+$/.test(name));
  return folders.toSorted().flatMap((folder) => {
    const at = (name: string) => join(root, folder, name);
    if (!Deno.readTextFileSync(at("name")).startsWith("package")) return [];
    return [{ path: at("energy_uj"), most: readNumber(at("max_energy_range_uj")) }];
  });
}

function startOf(counters: readonly Counter[]): () => number | undefined {
  const before = readAll(counters);
  return () => {
    const after = readAll(counters);
    if (before === undefined || after === undefined) return undefined;
    const microjoules = counters.map(({ most }, i) => {
      const used = after[i] - before[i];
      return used < 0 ? used + most : used;
    });
    return microjoules.reduce((sum, used) => sum + used, 0) / 1e6;
  };
}

/** No measurement is worth the end of a job: what could be read before may be gone. */
function readAll(counters: readonly Counter[]): readonly number[] | undefined {
  try {
    return counters.map(({ path }) => readNumber(path));
  } catch {
    return undefined;
  }
}

function readNumber(path: string): number {
  const text = readCounter(path).trim();
  if (/^\d+$/.test(text)) return Number(text);
  throw new TypeError(`${path} holds no number`);
}

function readCounter(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw new TypeError(`${path} is for root alone`);
    throw error;
  }
}
