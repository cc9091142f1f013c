/** What a report says of a classifier's mistakes: which classes are taken for which, and how each fares. */
import type { Section } from "../section.ts";
import type { Judged } from "../task.ts";
import { topClasses } from "./accuracy.ts";

/** How often what is of one class was called another. */
export interface Confusion {
  /** [classes, classes], by what is there and by what was said. */
  readonly counts: readonly (readonly number[])[];
  /** Of each class, labels whose answer was no number at all. */
  readonly unanswered: readonly number[];
}

/** How a class fares; null where there is nothing to take a share of. */
export interface ClassFigures {
  /** Labels of the class. */
  readonly count: number;
  /** Share that is right of what was called so. */
  readonly precision: number | null;
  /** Share that was called so of what is. */
  readonly recall: number | null;
  /** Their harmonic mean: 2 TP / (2 TP + FP + FN). */
  readonly f1: number | null;
}

/** Counts what was said of what. */
export function countConfusion({ answer, targets }: Judged, classes: number): Confusion {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const unanswered = new Array<number>(classes).fill(0);
  topClasses(answer).forEach((top, i) => {
    if (top < 0) unanswered[targets[i]]++;
    else counts[targets[i]][top]++;
  });
  return { counts, unanswered };
}

/**
 * Says how each class fares.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { figuresOf } from "./confusion.ts";
 *
 * // Of three cats one was called a dog; of one dog none was missed.
 * const [cat, dog] = figuresOf({ counts: [[2, 1], [0, 1]], unanswered: [0, 0] });
 * assert.deepEqual(cat, { count: 3, precision: 1, recall: 2 / 3, f1: 4 / 5 });
 * assert.deepEqual(dog, { count: 1, precision: 1 / 2, recall: 1, f1: 2 / 3 });
 * ```
 */
export function figuresOf({ counts, unanswered }: Confusion): readonly ClassFigures[] {
  return counts.map((row, label) => {
    const right = row[label];
    const count = sumOf(row) + unanswered[label];
    const said = sumOf(counts.map((other) => other[label]));
    return {
      count,
      precision: shareOf(right, said),
      recall: shareOf(right, count),
      f1: shareOf(2 * right, said + count),
    };
  });
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** More classes than this make a confusion matrix that nobody reads. */
const MAX_MATRIX = 40;

/** Lines of the table of classes. */
const MAX_ROWS = 40;

/** Returns what a report shows: the matrix, where it can be read, and the classes. */
export function sectionsOf(confusion: Confusion, names: readonly string[]): readonly Section[] {
  const table = classTable(figuresOf(confusion), names);
  return names.length > MAX_MATRIX ? [table] : [matrix(confusion, names), table];
}

function matrix({ counts }: Confusion, names: readonly string[]): Section {
  return {
    kind: "matrix",
    heading: "Confusion",
    lead: "Which class the deployed model gave to what is of each class; right answers lie on the diagonal.",
    rows: { label: "class", names },
    columns: { label: "answer", names },
    values: counts,
  };
}

function classTable(figures: readonly ClassFigures[], names: readonly string[]): Section {
  const rows = figures.map(({ count, precision, recall, f1 }, i) => [names[i], count, precision, recall, f1] as const);
  const isCut = rows.length > MAX_ROWS;
  const worst = (f1: number | null) => f1 ?? Infinity;
  const shown = isCut ? rows.toSorted((a, b) => worst(a[4]) - worst(b[4])).slice(0, MAX_ROWS) : rows;
  const mean = (column: 2 | 3 | 4) => {
    const known = rows.map((row) => row[column]).filter((value) => value !== null);
    return known.length === 0 ? null : sumOf(known) / known.length;
  };
  const total = sumOf(figures.map(({ count }) => count));
  return {
    kind: "table",
    heading: "Classes",
    lead:
      (isCut
        ? `How the deployed model tells the ${MAX_ROWS} classes of ${rows.length} that it tells worst, by F1. `
        : "How the deployed model tells each class. ") +
      "Precision is the share that is right of what was called so, recall the share that was called so of what is.",
    columns: [
      { heading: "class" },
      { heading: "samples" },
      { heading: "precision", unit: "fraction" },
      { heading: "recall", unit: "fraction" },
      { heading: "F1", unit: "fraction" },
    ],
    rows: [...shown, ["mean of all classes", total, mean(2), mean(3), mean(4)]],
  };
}
