/** Tries mutants: what their tests make of them. */
import { type Outcome, runTests } from "./_run_tests.ts";
import { LONG_TESTS } from "./_goals.ts";
import type { Mutant } from "./_mutants.ts";
import { type Reach, reachOf, readNotes, type TestNote, timesOf } from "./_notes.ts";
import { distanceOf, readTestFiles } from "./_test_files.ts";
import type { Plan, Workspace } from "./_workspace.ts";

/** What became of a mutant: a test failed or ran too long, all passed, none came to its place, or it is on the list. */
export type Fate = "caught" | "timeout" | "survived" | "unreached" | "equivalent";

/** A mutant and what became of it. */
export interface Trial {
  readonly mutant: Mutant;
  readonly fate: Fate;
}

/**
 * Milliseconds of tests (as timed without a mutant) that are spent on one mutant: on those of its own room, whose work it
 * is to notice, on all, and then on whole files near it.
 */
const MOST_OWN = 30_000;
const MOST_TESTING = 5_000;
const MOST_NEAR = 2_500;
/** Distance of tests in the room of a file. */
const OWN = 2;
/** Milliseconds that a run that notes may take. */
const MOST_NOTING = 600_000;
/** A mutant runs for too long at this many times what its tests take, and this many milliseconds. */
const SLOWNESS = 4;
const GRACE = 20_000;
/** Test files that note in one process: fewer would start Deno too often, more would leave one processor idle. */
const FILES_AT_ONCE = 4;

/** Which tests are asked, and how trying is watched and ended. */
export interface TryOptions {
  /** Only tests of the room that a change is in. */
  readonly near: boolean;
  readonly signal: AbortSignal;
  readonly onTrial: (trial: Trial) => void;
  readonly onProgress: (done: number, all: number, what: string) => void;
}

/** Runs the tests that load a file with a mutant once without any, and then for each mutant those that reach it. */
export async function tryMutants(
  workspaces: readonly Workspace[],
  { mutants, ...options }: { mutants: readonly Mutant[] } & TryOptions,
): Promise<Trial[]> {
  const { reach, times } = await noteReach(workspaces, { mutants, ...options });
  const trials: Trial[] = [];
  const ids = mutants.map((_, id) => id);
  await share(ids, workspaces, async (id, workspace) => {
    const fate = await tryMutant(workspace, {
      id,
      file: mutants[id].file,
      tests: reach.get(id) ?? [],
      times,
      ...options,
    });
    trials[id] = { mutant: mutants[id], fate };
    options.onTrial(trials[id]);
    options.onProgress(trials.filter(Boolean).length, mutants.length, "mutants");
  });
  return trials;
}

async function noteReach(
  workspaces: readonly Workspace[],
  { mutants, near, signal, onProgress }: { mutants: readonly Mutant[] } & TryOptions,
): Promise<{ readonly reach: Reach; readonly times: ReadonlyMap<string, number> }> {
  const changed = [...new Set(mutants.map(({ file }) => file))];
  const loads = await readTestFiles(workspaces[0]);
  const mayTell = ([test, loaded]: readonly [string, ReadonlySet<string>]) =>
    changed.some((file) => loaded.has(file) && (!near || distanceOf(test, file) <= OWN)) && !LONG_TESTS.includes(test);
  const files = [...loads].filter(mayTell).map(([test]) => test);
  const chunks = Array.from(
    { length: Math.ceil(files.length / FILES_AT_ONCE) },
    (_, index) => files.filter((_, at) => at % Math.ceil(files.length / FILES_AT_ONCE) === index),
  );
  let done = 0;
  await share(chunks, workspaces, async (chunk, workspace) => {
    await runTests(workspace, { files: chunk, plan: { mutant: -1, tests: {} }, limit: MOST_NOTING, signal });
    onProgress(done += chunk.length, files.length, "test files without a mutant");
  });
  const lines = await readNotes(workspaces);
  const silent = files.filter((file) => !lines.some((line) => line.file === file));
  if (silent.length > 0) onProgress(files.length - silent.length, files.length, `had a test: not ${silent.join(", ")}`);
  if (lines.length === 0) throw new Error("Cannot mutate: no test passes even without a mutant");
  return { reach: reachOf(lines), times: timesOf(lines) };
}

async function tryMutant(
  workspace: Workspace,
  { id, file, tests, times, signal }: {
    readonly id: number;
    readonly file: string;
    /** Those that reach the mutant. */
    readonly tests: readonly TestNote[];
    /** What whole test files take. */
    readonly times: ReadonlyMap<string, number>;
    readonly signal: AbortSignal;
  },
): Promise<Fate> {
  const chosen = chooseTests(file, tests);
  if (chosen.length === 0) return "unreached";
  const byFile = Map.groupBy(chosen, (test) => test.file);
  const only = Object.fromEntries([...byFile].map(([name, own]) => [name, own.map(({ index }) => index)]));
  const limit = GRACE + SLOWNESS * chosen.reduce((sum, { ms }) => sum + ms, 0);
  const run = (files: readonly string[], tests: Plan["tests"]) =>
    runTests(workspace, { files, plan: { mutant: id, tests }, limit, signal });
  const first = await run([...byFile.keys()], only);
  // A test that found in a cache what an earlier one had made did not reach the place, and may yet see the change.
  const near = [...byFile.keys()].filter((name) => distanceOf(name, file) <= 1 && times.get(name)! <= MOST_NEAR);
  const outcome = first !== "passed" || near.length === 0 ? first : await run(near, {});
  return FATES[outcome];
}

const FATES: Readonly<Record<Outcome, Fate>> = { passed: "survived", failed: "caught", timeout: "timeout" };

/** Returns tests in the order of their files' distance, then of what the files take, for as long as time is left. */
function chooseTests(file: string, tests: readonly TestNote[]): TestNote[] {
  const files = [...Map.groupBy(tests, (test) => test.file)].map(([name, own]) => ({
    own: own.toSorted((a, b) => a.index - b.index),
    distance: distanceOf(name, file),
    most: distanceOf(name, file) <= OWN ? MOST_OWN : MOST_TESTING,
    ms: own.reduce((sum, { ms }) => sum + ms, 0),
  }));
  files.sort((a, b) => a.distance - b.distance || a.ms - b.ms);
  const chosen: TestNote[] = [];
  let spent = 0;
  for (const { test, most } of files.flatMap(({ own, most }) => own.map((test) => ({ test, most })))) {
    if (chosen.length > 0 && spent + test.ms > most) continue;
    spent += test.ms;
    chosen.push(test);
  }
  return chosen;
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
