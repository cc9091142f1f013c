/** What tests reach: written by _hook.ts while no mutant is on, and read here. */
import type { Workspace } from "./_workspace.ts";

/** A test, by its place in its file. */
export interface TestNote {
  readonly file: string;
  readonly index: number;
  readonly ms: number;
}

/** For each mutant's number the tests that reach its place. */
export type Reach = ReadonlyMap<number, readonly TestNote[]>;

/** A line of the notes; index -1 stands for loading the file, which all of its tests depend on. */
interface Line extends TestNote {
  readonly reached: readonly number[];
}

/** Reads the notes of workspaces. */
export async function readNotes(workspaces: readonly Workspace[]): Promise<readonly Line[]> {
  const texts = await Promise.all(workspaces.map(({ folder }) => Deno.readTextFile(new URL("notes.jsonl", folder))));
  return texts.flatMap((text) => text.split("\n").filter(Boolean).map((line): Line => JSON.parse(line)));
}

/** Returns which tests reach which mutants. */
export function reachOf(lines: readonly Line[]): Reach {
  const reach = new Map<number, TestNote[]>();
  const note = (id: number, test: TestNote) => void reach.set(id, [...reach.get(id) ?? [], test]);
  for (const [, own] of Map.groupBy(lines, ({ file }) => file)) {
    const tests = own.filter(({ index }) => index >= 0);
    const onLoad = new Set(own.filter(({ index }) => index < 0).flatMap(({ reached }) => reached));
    for (const { reached, ...test } of tests) for (const id of new Set([...reached, ...onLoad])) note(id, test);
  }
  return reach;
}

/** Returns how many milliseconds the tests of each file take. */
export function timesOf(tests: readonly TestNote[]): ReadonlyMap<string, number> {
  const files = [...Map.groupBy(tests, ({ file }) => file)];
  return new Map(files.map(([file, own]) => [file, own.reduce((sum, { ms }) => sum + ms, 0)]));
}
