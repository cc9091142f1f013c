/**
 * Changes the code at one point at a time, runs the tests that reach the point, and tells which changes none noticed.
 *
 * Works on copies of the tree in the folder for temporary files. CONTRIBUTING.md, "Tests that notice", says how to read it.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { suggestName } from "../src/text/nearest.ts";
import { listModules } from "./_list_modules.ts";
import { EQUIVALENTS, findStale, isEquivalent } from "./mutate/_equivalents.ts";
import { groupOf, GROUPS } from "./mutate/_goals.ts";
import { listMutants, type Mutant } from "./mutate/_mutants.ts";
import { sampleMutants } from "./mutate/_sample.ts";
import { countTrials, findFault, formatMutant, formatRows, type Row } from "./mutate/_summary.ts";
import { isEscaped, type Trial, tryMutants } from "./mutate/_try.ts";
import { withWorkspaces } from "./mutate/_workspace.ts";

const ROOT = new URL("../", import.meta.url);

const USAGE = `deno task mutate [ROOM...] [options]

ROOM        a room of _tools/rooms.ts, a folder in one, or a file; without any, all rooms
--count N   changes a room (40; a room with fewer places has fewer)
--seed N    which changes (0)
--jobs N    tests at once (${availableParallelism()}, one a processor)
--near      only ask tests of the room that a change is in
--list      only list the changes
--json FILE write every change and what became of it`;

interface Options {
  readonly groups: readonly string[];
  readonly count: number;
  readonly seed: number;
  readonly jobs: number;
  readonly near: boolean;
  readonly list: boolean;
  readonly json?: string;
}

function readOptions(args: string[], files: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      count: { type: "string", default: "40" },
      seed: { type: "string", default: "0" },
      jobs: { type: "string", default: `${availableParallelism()}` },
      near: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const groups = positionals.map((name) => name.replace(/\/$/, ""));
  for (const group of groups) {
    if (files.some((file) => groupOf(file, [group]))) continue;
    throw new RangeError(`Cannot mutate "${group}": ${suggestName(group, GROUPS)}`);
  }
  const [count, seed, jobs] = (["count", "seed", "jobs"] as const).map((name) => readInteger(name, values[name]));
  return { ...values, groups: groups.length > 0 ? groups : GROUPS, count, seed, jobs };
}

function readInteger(name: string, text: string): number {
  const value = Number(text);
  const least = name === "seed" ? 0 : 1;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`Cannot use --${name} "${text}": needed is an integer of at least ${least}`);
}

/** The mutants of each group: all that there are, and those that are tried. */
async function chooseMutants({ groups, count, seed }: Options, files: readonly string[]) {
  const all: Mutant[] = [];
  const chosen = new Map<string, readonly Mutant[]>();
  // A room named in whole holds its folders; in a run of all rooms those with a goal of their own are counted apart.
  for (const [group, own] of Map.groupBy(files, (file) => groupOf(file, groups))) {
    if (group === undefined) continue;
    const byFile = await Promise.all(
      own.map(async (file) => listMutants(file, await Deno.readTextFile(new URL(file, ROOT)))),
    );
    all.push(...byFile.flat());
    chosen.set(group, sampleMutants(byFile, { count, seed }));
  }
  return { all, chosen };
}

async function runTrials(mutants: readonly Mutant[], options: Options): Promise<Trial[]> {
  const [known, unknown] = [true, false].map((is) => mutants.filter((one) => isEquivalent(one, EQUIVALENTS) === is));
  const equivalent = known.map((mutant): Trial => ({ mutant, fate: "equivalent" }));
  const control = new AbortController();
  const stop = () => control.abort(new Error("Stopped: nothing of the project was changed"));
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, stop);
  const onProgress = (done: number, all: number, what: string) => console.error(`${done} of ${all} ${what}`);
  const watch = { signal: control.signal, onProgress };
  const tried = await withWorkspaces({ mutants: unknown, count: options.jobs }, async (workspaces) => {
    const near = await tryMutants(workspaces, { mutants: new Map(unknown.entries()), witnesses: "near", ...watch });
    if (options.near) return [...near.values()];
    // Tests of other rooms take long: a room asks them for as many catches as it lacks.
    const isNeeded = (mutant: Mutant, far: ReadonlyMap<number, Trial>) =>
      isShort(groupIn(options, mutant), { trials: [...joined(near, far), ...equivalent], options });
    const open = [...near].filter(([, { mutant, fate }]) => isEscaped(fate) && isNeeded(mutant, new Map()));
    const mutants = new Map(open.map(([id, { mutant }]) => [id, mutant]));
    return joined(near, await tryMutants(workspaces, { mutants, witnesses: "far", isNeeded, ...watch }));
  });
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(name, stop);
  return [...tried, ...equivalent];
}

/** What became of mutants by tests near and far. */
function joined(near: ReadonlyMap<number, Trial>, far: ReadonlyMap<number, Trial>): readonly Trial[] {
  const reached = [...far].filter(([, { fate }]) => fate !== "unreached");
  return [...new Map([...near, ...reached]).values()];
}

/** Whether a room catches less than it must. */
function isShort(
  group: string,
  { trials, options }: { readonly trials: readonly Trial[]; readonly options: Options },
): boolean {
  const { share, goal } = countTrials(group, trials.filter(({ mutant }) => groupIn(options, mutant) === group));
  return share < goal;
}

/** Counts the trials of each room. */
function countRooms(trials: readonly Trial[], options: Options): Row[] {
  return [...Map.groupBy(trials, ({ mutant }) => groupIn(options, mutant))]
    .map(([group, own]) => countTrials(group, own))
    .sort((a, b) => a.group < b.group ? -1 : 1);
}

function groupIn({ groups }: Options, { file }: Mutant): string {
  return groupOf(file, groups) ?? file;
}

/** Prints what escaped and the table, writes the file that was asked for, and returns what is not as it must be. */
async function report(trials: readonly Trial[], { options, all, minutes }: Context): Promise<string[]> {
  const { seed, count, json } = options;
  const rows = countRooms(trials, options);
  for (const { fate, mutant } of trials) if (isEscaped(fate)) console.log(`${fate}  ${formatMutant(mutant)}`);
  console.log(`\n${formatRows(rows)}\n\nseed ${seed}, ${trials.length} changes, ${minutes.toFixed(1)} minutes`);
  if (json !== undefined) {
    await Deno.writeTextFile(json, `${JSON.stringify({ seed, count, minutes, rows, trials }, null, 2)}\n`);
  }
  return [...rows.flatMap((row) => findFault(row) ?? []), ...listStale(all)];
}

interface Context {
  readonly options: Options;
  /** All mutants of the files that were read. */
  readonly all: readonly Mutant[];
  readonly minutes: number;
}

/** Entries of the list that the files do not bear out any more; of files that were not read nothing is known. */
function listStale(all: readonly Mutant[]): string[] {
  const read = new Set(all.map(({ file }) => file));
  return findStale(EQUIVALENTS.filter(({ file }) => read.has(file)), all)
    .map(({ file, place, from, to }) => `equivalents.json: nothing in ${file}, ${place} is ${from} → ${to}`);
}

async function main(args: string[]): Promise<number> {
  const start = performance.now();
  const files = await listModules();
  const options = readOptions(args, files);
  const { all, chosen } = await chooseMutants(options, files);
  const mutants = [...chosen.values()].flat();
  if (options.list) {
    console.log(mutants.map(formatMutant).join("\n"));
    return 0;
  }
  const trials = await runTrials(mutants, options);
  const faults = await report(trials, { options, all, minutes: (performance.now() - start) / 60_000 });
  for (const fault of faults) console.error(fault);
  return faults.length > 0 ? 1 : 0;
}

try {
  Deno.exit(Deno.args.includes("--help") ? (console.log(USAGE), 0) : await main(Deno.args));
} catch (error) {
  // parseArgs refuses with a TypeError, everything else here with a RangeError or an Error of one sentence
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
