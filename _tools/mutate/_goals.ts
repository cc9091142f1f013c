/** What is mutated when nothing is named, and which share of the changes tests must notice. */
import { ROOMS } from "../rooms.ts";

/** Share that tests must catch of the changes in any room. */
const LEAST = 0.8;

/** Rooms and folders that must do better, because a fault there is in every file that we write. */
const BETTER: Readonly<Record<string, number>> = {
  "export": 0.9,
  "job": 0.9,
  "src/io": 0.9,
  "src/passes/step/blocked": 0.9,
};

/** Programs that only call others, and what belongs to tests. */
const NOT_MUTATED = ["cli.ts", "mod.ts", "tests", "examples", "_tools"];

/**
 * Tests that cross all rooms and take the time of all others together: a change is to be noticed nearer, and a mutant
 * could not be given their time.
 */
export const LONG_TESTS: readonly string[] = [
  "tests/calls_property_test.ts",
  "tests/calls_test.ts",
  "tests/layers_in_ort_test.ts",
  "tests/long_training_test.ts",
  "tests/mnist_job_test.ts",
  "tests/parity_test.ts",
  "tests/recurrent_layers_test.ts",
  "tests/shared_models_test.ts",
  "tests/training_test.ts",
];

/** Share of a room's changes that may be called equivalent. */
export const MOST_EQUIVALENT = 0.1;

/** Names of the rooms, and of folders that are counted apart from their room. */
export const GROUPS: readonly string[] = [
  ...new Set([...ROOMS.map(({ path }) => path).filter((path) => !NOT_MUTATED.includes(path)), ...Object.keys(BETTER)]),
].sort();

/** Returns the share that a group must reach. */
export function goalOf(group: string): number {
  return BETTER[group] ?? LEAST;
}

/** Returns the group of a file: the longest of the names that it is in. */
export function groupOf(file: string, groups: readonly string[]): string | undefined {
  const fits = groups.filter((group) => file === group || file.startsWith(`${group}/`));
  return fits.sort((a, b) => b.length - a.length)[0];
}
