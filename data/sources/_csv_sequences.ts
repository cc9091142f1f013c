/** Sequences in tables: lines that belong together are one sample, which its first line stands for. */
import { suggestName } from "../../src/text/nearest.ts";
import type { SampleInput } from "../samples.ts";
import { type Line, refuseCell, type Table } from "./_csv_table.ts";

/** Which lines of a table are a sequence. */
export interface SequenceOptions {
  /** Name of the column in which all lines of a sequence have the same. Default: "sequence", if there is one. */
  readonly column?: string;
  /**
   * Lines of a sequence. Where a column tells sequences apart, longer ones are cut off behind so many, and shorter ones end
   * before; else each so many consecutive lines are a sequence. Default: those of the longest sequence.
   */
  readonly length?: number;
}

/** Name of a column that tells sequences apart without being asked for. */
const SEQUENCE = "sequence";

/** A table of sequences: its lines are the first ones of each. */
export interface SequenceTable extends Table {
  /** All lines of the sequence that a line begins, in the order of the table. */
  readonly members: ReadonlyMap<Line, readonly Line[]>;
}

/**
 * Returns the column that tells sequences apart; undefined if there is none.
 *
 * @throws {RangeError} If there is none of the name that is asked for, or the length is no positive integer.
 */
export function sequenceColumn(
  { header, path }: Table,
  { column, length }: SequenceOptions,
  targets: readonly string[] = [],
): number | undefined {
  if (length !== undefined && !(Number.isInteger(length) && length > 0)) {
    throw new RangeError(
      `Cannot read "${path}": the length of sequences is ${length}, needed is a positive integer`,
    );
  }
  if (column === undefined) {
    const own = targets.includes(SEQUENCE) ? -1 : header.indexOf(SEQUENCE);
    return own < 0 ? undefined : own;
  }
  if (header.includes(column)) return header.indexOf(column);
  throw new RangeError(`Cannot read "${path}": it has no column "${column}", ${suggestName(column, header)}`);
}

/** How lines are put together. */
export interface Grouping {
  readonly columns: {
    /** What tells sequences apart; absent: their length. */
    readonly sequence?: number;
    readonly split?: number;
    readonly targets: readonly number[];
  };
  readonly length?: number;
}

/**
 * Puts the lines of sequences together. What is no number of a step, targets and the part, must be the same in all lines of
 * a sequence.
 *
 * @returns The table itself, if each line is a sample.
 * @throws {RangeError} If lines of a sequence have different targets, or lines are left over.
 */
export function groupLines(
  table: Table,
  { columns, length }: Grouping,
): Table | SequenceTable {
  const { sequence, split, targets } = columns;
  if (sequence === undefined && length === undefined) return table;
  const groups = sequence === undefined
    ? consecutive(table, length ?? 1)
    : [...Map.groupBy(table.lines, ({ cells }) => cells[sequence].trim()).values()];
  for (const lines of groups) {
    for (const column of [...targets, ...(split === undefined ? [] : [split])]) checkSame(table, { lines, column });
  }
  const kept = groups.map((lines) => sequence === undefined ? lines : lines.slice(0, length));
  return { ...table, lines: kept.map(([first]) => first), members: new Map(kept.map((lines) => [lines[0], lines])) };
}

function consecutive({ lines, path }: Table, length: number): readonly (readonly Line[])[] {
  if (lines.length % length !== 0) {
    throw new RangeError(
      `Cannot read "${path}": it has ${lines.length} lines, a multiple of the ${length} of a sequence is needed, or a ` +
        `column that tells sequences apart`,
    );
  }
  return Array.from({ length: lines.length / length }, (_, i) => lines.slice(i * length, (i + 1) * length));
}

function checkSame(
  table: Table,
  { lines: [first, ...others], column }: { readonly lines: readonly Line[]; readonly column: number },
): void {
  const cell = first.cells[column].trim();
  const line = others.find(({ cells }) => cells[column].trim() !== cell);
  if (line === undefined) return;
  throw refuseCell(table, {
    line,
    column,
    because: `is another than that of line ${first.number}, all lines of a sequence need the same`,
  });
}

/** Returns the lines of the longest sequence of these tables; of samples of one line, 1. */
export function longestOf(tables: readonly (Table | SequenceTable)[]): number {
  return lengthsOf(tables).reduce((most, length) => Math.max(most, length), 1);
}

/** Returns the lines of the shortest sequence of these tables. */
export function shortestOf(tables: readonly (Table | SequenceTable)[]): number {
  return lengthsOf(tables).reduce((least, length) => Math.min(least, length), Infinity);
}

function lengthsOf(tables: readonly (Table | SequenceTable)[]): readonly number[] {
  return tables.flatMap((table) => "members" in table ? [...table.members.values()].map(({ length }) => length) : []);
}

/** What sequences of a part become. */
export interface SeriesOptions {
  /** Names of the columns. */
  readonly names: readonly string[];
  /** Rows of a sequence. */
  readonly length: number;
  /** Whether any sequence of any part ends before. */
  readonly isShort: boolean;
  /** Reads lines as numbers, row by row. */
  readonly numbersOf: (lines: readonly Line[]) => Float32Array;
}

/** Reads the sequences that `lines` begin. */
export function seriesOf(
  { members }: SequenceTable,
  lines: readonly Line[],
  { names, length, isShort, numbersOf }: SeriesOptions,
): SampleInput {
  const size = length * names.length;
  const values = new Float32Array(lines.length * size);
  const steps = new Int32Array(lines.length);
  lines.forEach((first, i) => {
    const own = members.get(first) ?? [first];
    values.set(numbersOf(own), i * size);
    steps[i] = own.length;
  });
  return { kind: "series", values, names, length, ...(isShort ? { steps } : {}) };
}
