/** Tries mutants: what their tests make of them. */
import { type Outcome, runTests } from "./_run_tests.ts";
import { LONG_TESTS } from "./_goals.ts";
import type { Mutant } from "./_mutants.ts";
import { type Reach, reachOf, readNotes, type TestNote, timesOf } from "./_notes.ts";
import { distanceOf, readTestFiles } from "./_test_files.ts";
import type { Workspace } from "./_workspace.ts";

/** What became of a mutant: a test failed or ran too long, all passed, none came to its place, or it is on the list. */
export type Fate = "caught" | "timeout" | "survived" | "unreached" | "equivalent";

/** Whether no test noticed a mutant that makes a difference. */
export function isEscaped(fate: Fate): boolean {
  return fate === "survived" || fate === "unreached";
}

/** A mutant and what became of it. */
export interface Trial {
  readonly mutant: Mutant;
  readonly fate: Fate;
}

/** Whose tests are asked: those of a file's own room, whose work it is to notice a change, or those of the others. */
export type Witnesses = "near" | "far";

/** Milliseconds of tests, as timed without a mutant, that are spent on one mutant. */
const MOST_TESTING: Readonly<Record<Witnesses, number>> = { near: 10_000, far: 5_000 };
/** Milliseconds of a test file in the folder of a mutant that runs as a whole. */
const MOST_BESIDE = 2_500;
/** Distance of tests in the room of a file. */
const OWN = 2;
/** Milliseconds that a run that notes may take. */
const MOST_NOTING = 600_000;
/** A test with a mutant runs for too long at this many times what it takes without, and this many milliseconds. */
const SLOWNESS = 4;
const GRACE = 8_000;
/** Test files that note in one process: fewer would start Deno too often, more would leave one processor idle. */
const FILES_AT_ONCE = 6;

/** Which tests are asked, and how trying is watched and ended. */
export interface TryOptions {
  readonly witnesses: Witnesses;
  /** Whether a mutant needs to be tried, by what became of others. */
  readonly isNeeded?: (mutant: Mutant, trials: ReadonlyMap<number, Trial>) => boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, all: number, what: string) => void;
}

/**
 * Runs the tests that load a file with a mutant once without any, and then for each mutant those that reach it.
 *
 * @param mutants By their numbers in the workspaces.
 * @returns What became of each that was needed, by its number.
 */
export async function tryMutants(
  workspaces: readonly Workspace[],
  { mutants, isNeeded, ...options }: { mutants: ReadonlyMap<number, Mutant> } & TryOptions,
): Promise<ReadonlyMap<number, Trial>> {
  const trials = new Map<number, Trial>();
  if (mutants.size === 0) return trials;
  const { reach, times } = await noteReach(workspaces, { mutants, ...options });
  await share([...mutants], workspaces, async ([id, mutant], workspace) => {
    if (isNeeded?.(mutant, trials) === false) return;
    const fate = await tryMutant(workspace, { id, file: mutant.file, tests: reach.get(id) ?? [], times, ...options });
    trials.set(id, { mutant, fate });
    options.onProgress(trials.size, mutants.size, `mutants, by tests ${options.witnesses} them`);
  });
  return trials;
}

async function noteReach(
  workspaces: readonly Workspace[],
  { mutants, witnesses, signal, onProgress }: { mutants: ReadonlyMap<number, Mutant> } & TryOptions,
): Promise<{ readonly reach: Reach; readonly times: ReadonlyMap<string, number> }> {
  const changed = [...new Set([...mutants.values()].map(({ file }) => file))];
  const loads = await readTestFiles(workspaces[0]);
  const mayTell = ([test, loaded]: readonly [string, ReadonlySet<string>]) =>
    changed.some((file) => loaded.has(file) && isWitness(test, file, witnesses)) && !LONG_TESTS.includes(test);
  const known = new Set((await readNotes(workspaces)).map(({ file }) => file));
  const asked = [...loads].filter(mayTell).map(([test]) => test);
  const files = asked.filter((file) => !known.has(file));
  const chunks = Array.from(
    { length: Math.ceil(files.length / FILES_AT_ONCE) },
    (_, index) => files.filter((_, at) => at % Math.ceil(files.length / FILES_AT_ONCE) === index),
  );
  let done = 0;
  await share(chunks, workspaces, async (chunk, workspace) => {
    await runTests(workspace, { files: chunk, plan: { mutant: -1, tests: {} }, limitOf: () => MOST_NOTING, signal });
    onProgress(done += chunk.length, files.length, "test files without a mutant");
  });
  const lines = await readNotes(workspaces);
  const silent = files.filter((file) => !lines.some((line) => line.file === file));
  if (silent.length > 0) onProgress(files.length - silent.length, files.length, `had a test: not ${silent.join(", ")}`);
  if (asked.length > 0 && lines.length === 0) throw new Error("Cannot mutate: no test passes even without a mutant");
  return { reach: reachOf(lines), times: timesOf(lines) };
}

async function tryMutant(
  workspace: Workspace,
  { id, file, tests, times, witnesses, signal }: {
    readonly id: number;
    readonly file: string;
    /** Those that reach the mutant. */
    readonly tests: readonly TestNote[];
    /** What whole test files take. */
    readonly times: ReadonlyMap<string, number>;
    readonly witnesses: Witnesses;
    readonly signal: AbortSignal;
  },
): Promise<Fate> {
  const asked = tests.filter((test) => isWitness(test.file, file, witnesses));
  const chosen = chooseTests(file, { tests: asked, most: MOST_TESTING[witnesses] });
  if (chosen.length === 0) return "unreached";
  const byFile = Map.groupBy(chosen, (test) => test.file);
  // A test that found in a cache what an earlier one had made did not reach the place, and may yet see the change.
  const isWhole = (name: string) => distanceOf(name, file) <= 1 && times.get(name)! <= MOST_BESIDE;
  const only = [...byFile].filter(([name]) => !isWhole(name)).map((
    [name, own],
  ) => [name, own.map(({ index }) => index)]);
  const takes = new Map(chosen.map(({ file, index, ms }) => [`${file} ${index}`, ms]));
  const outcome = await runTests(workspace, {
    files: [...byFile.keys()],
    plan: { mutant: id, tests: Object.fromEntries(only) },
    limitOf: (file, index) => GRACE + SLOWNESS * (takes.get(`${file} ${index}`) ?? 0),
    signal,
  });
  return FATES[outcome];
}

const FATES: Readonly<Record<Outcome, Fate>> = { passed: "survived", failed: "caught", timeout: "timeout" };

/** How much longer a test file may take for being a step nearer, to be asked first. */
const WORTH = 4;

/** Returns tests, those of quick and near files first, for as long as time is left. */
function chooseTests(
  file: string,
  { tests, most }: { readonly tests: readonly TestNote[]; readonly most: number },
): TestNote[] {
  const files = [...Map.groupBy(tests, (test) => test.file)].map(([name, own]) => ({
    own: own.toSorted((a, b) => a.index - b.index),
    farness: WORTH ** distanceOf(name, file),
    ms: own.reduce((sum, { ms }) => sum + ms, 0),
  }));
  files.sort((a, b) => a.farness * a.ms - b.farness * b.ms);
  const chosen: TestNote[] = [];
  let spent = 0;
  for (const test of files.flatMap(({ own }) => own)) {
    if (chosen.length > 0 && spent + test.ms > most) continue;
    spent += test.ms;
    chosen.push(test);
  }
  return chosen;
}

function isWitness(test: string, file: string, witnesses: Witnesses): boolean {
  return (distanceOf(test, file) <= OWN) === (witnesses === "near");
}

/** Hands `items` out to `workers`, each of which takes the next as soon as it is free. */
async function share<I, W>(
  items: readonly I[],
  workers: readonly W[],
  work: (item: I, worker: W) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(workers.map(async (worker) => {
    for (const item of queue) await work(item, worker);
  }));
}
