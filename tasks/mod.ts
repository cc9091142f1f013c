/** The tasks by name: what `--task` takes. To add one: a folder, and a row here. */
import { checkChoice } from "../src/text/nearest.ts";
import { classification, classificationRow } from "./classification/classification.ts";
import { type CheckedRow, checkedRow } from "./row.ts";
import type { Task } from "./task.ts";

const ROWS = {
  classification: checkedRow(classificationRow),
} satisfies Readonly<Record<string, CheckedRow>>;

/** Name of a task. */
export type TaskName = keyof typeof ROWS;

/** Names of the tasks, as `--task` takes them. */
// Object.keys knows no more than that they are strings.
export const TASK_NAMES: readonly TaskName[] = Object.keys(ROWS) as TaskName[];

/**
 * Returns the row of the task called `name`.
 *
 * @throws {RangeError} If there is none of that name.
 */
export function taskRow(name: string): CheckedRow {
  return ROWS[checkChoice(name, { of: TASK_NAMES, cannot: `Cannot find the task "${name}"` })];
}

/** Makes the task of a model that nobody gave another one. */
export function defaultTask(): Task {
  return classification();
}
