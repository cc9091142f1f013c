/** The tasks by name: what `--task` takes. */
import { classification } from "./classification/classification.ts";
import type { Task } from "./task.ts";

/** Makes the task of a model that nobody gave another one. */
export function defaultTask(): Task {
  return classification();
}
