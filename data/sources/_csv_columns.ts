/** What the columns of a table are: a picture or features, targets, the half. */
import { suggestName } from "../../src/text/nearest.ts";
import type { SampleTarget } from "../samples.ts";
import { sequenceColumn, type SequenceOptions } from "./_csv_sequences.ts";
import type { Table } from "./_csv_table.ts";

/** Columns by what they hold, as numbers from 0. */
export interface Columns {
  /** Paths of pictures. */
  readonly picture?: number;
  /** Numbers of a row; none where there are pictures. */
  readonly features: readonly number[];
  readonly targets: readonly number[];
  /** Names of halves. */
  readonly split?: number;
  /** What tells sequences apart, whose lines are the rows; absent: nothing does. */
  readonly sequence?: number;
}

/** Names of the column that holds pictures, the first that is there. */
const PICTURE = ["file", "image"];
const SPLIT = "split";

/** Targets that stand in columns. */
export type ColumnKind = Extract<SampleTarget["kind"], "classes" | "reals" | "flags">;

/** What a target is called where there are features beside it: "target…", "y", "y1", "y_left". */
const TARGET = /^target|^y(?![a-z])/i;

/**
 * Says what the columns of `table` are.
 *
 * @throws {RangeError} If a name is no column's, no target or no input is left, or classes are asked for of several columns.
 */
export function columnsOf(
  table: Table,
  { targets: kind, columns, sequence: told = {} }: {
    readonly targets: ColumnKind;
    readonly columns?: readonly string[];
    readonly sequence?: SequenceOptions;
  },
): Columns {
  const { header, path } = table;
  const cannot = `Cannot read "${path}"`;
  const asked = columns?.map((name) => {
    if (header.includes(name)) return header.indexOf(name);
    throw new RangeError(`${cannot}: it has no column "${name}", ${suggestName(name, header)}`);
  });
  const isFree = (column: number) => column >= 0 && asked?.includes(column) !== true;
  const picture = PICTURE.map((name) => header.indexOf(name)).find(isFree);
  const split = [header.indexOf(SPLIT)].find(isFree);
  const sequence = sequenceColumn(table, told, columns);
  if (picture !== undefined && (told.column !== undefined || told.length !== undefined)) {
    throw new RangeError(
      `${cannot}: its column "${header[picture]}" names pictures, of sequences rows of numbers are needed`,
    );
  }
  const others = header.map((_, i) => i).filter((i) => i !== picture && i !== split && i !== sequence);
  const targets = asked ?? (picture === undefined ? others.filter((i) => TARGET.test(header[i])) : others);
  if (targets.length === 0) {
    const needed = picture === undefined ? `one that begins with "target" or "y"` : "one beside the picture's";
    throw new RangeError(`${cannot}: none of its columns is a target, needed is ${needed}, or --targets`);
  }
  const answers = new Set(targets);
  if (answers.size < targets.length) throw new RangeError(`${cannot}: a target column is named twice`);
  if (kind === "classes" && targets.length > 1) {
    const names = targets.map((i) => header[i]);
    throw new RangeError(
      `${cannot}: classes stand in one column, it has the targets ${names.slice(0, 5).join(", ")}` +
        `${names.length > 5 ? `, … (${names.length} in all)` : ""}; needed is one (--targets), or another --task`,
    );
  }
  const features = picture === undefined ? others.filter((i) => !answers.has(i)) : [];
  if (picture === undefined && features.length === 0) {
    throw new RangeError(`${cannot}: all its columns are targets, needed is a column "file" or numbers to answer from`);
  }
  return {
    features,
    targets,
    ...(picture === undefined ? {} : { picture }),
    ...(split === undefined ? {} : { split }),
    ...(sequence === undefined || picture !== undefined ? {} : { sequence }),
  };
}

/** Checks that two tables have the same columns in the same order. */
export function checkHeader(table: Table, { header, path }: Table): void {
  const at = header.findIndex((name, i) => name !== table.header[i]);
  if (at < 0 && table.header.length === header.length) return;
  const [own, needed] = [table.header[at < 0 ? header.length : at], header[at] ?? "none more"];
  throw new RangeError(
    `Cannot read "${table.path}": a column is "${own ?? "missing"}", "${needed}" is needed, as "${path}" has it`,
  );
}
