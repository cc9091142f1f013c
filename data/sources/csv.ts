/**
 * Tables: a line a sample, with a picture or a row of numbers, and what should be answered.
 *
 * A column "file" or "image" names a picture, relative to the table or to the folder of the table's own name beside it;
 * else the columns that are no targets are a row of numbers. The test part is that of a column "split", or of a
 * `test.csv` beside the table, or drawn at random; a part to choose the best epoch by that of the column's "val", or of
 * a `val.csv` beside `test.csv`.
 */
import { checkSeed, Random } from "../../src/numbers/random.ts";
import { parseDecimal } from "../../src/text/decimal.ts";
import { checkMemory, imageBytes, type Parts } from "../dataset.ts";
import type { SampleInput, SampleSet, SampleSplit, SampleTarget } from "../samples.ts";
import { type Line, locatePicture, readTable, refuseCell, type Table } from "./_csv_table.ts";
import { checkHeader, type ColumnKind, type Columns, columnsOf } from "./_csv_columns.ts";
import {
  type Grouping,
  groupLines,
  longestOf,
  type SequenceOptions,
  type SequenceTable,
  seriesOf,
  shortestOf,
} from "./_csv_sequences.ts";
import { leftOut } from "./_left_out.ts";
import { joinPictures } from "../pixels.ts";
import type { BadImage } from "./_decode.ts";
import { decodeAll, isBad } from "./stored.ts";
import { isFile, join } from "./_files.ts";
import { type PartName, type PictureSetOptions, STREAMS } from "./_picture_sets.ts";

export type { SequenceOptions };

/** How a table is read. */
export interface CsvOptions extends PictureSetOptions {
  /** What the target columns hold: one class by name, real numbers, or zeros and ones. */
  readonly targets: ColumnKind;
  /** Names of the target columns. Default: with pictures all others, else those that begin with "target" or "y". */
  readonly columns?: readonly string[];
  /** Which lines are a sequence. Default: those of a column "sequence"; without one each line is a sample. */
  readonly sequence?: SequenceOptions;
}

/** Samples from a table. */
export interface CsvSplit extends SampleSplit {
  /** Pictures that could not be read. */
  readonly skipped: readonly BadImage[];
}

/** The lines of one part, and the table that they stand in. */
interface Part {
  readonly table: Table | SequenceTable;
  readonly lines: readonly Line[];
}

/** More classes than any set of pictures has: they are numbers, or names of the samples. */
const MOST_CLASSES = 2 ** 16;

/**
 * Reads a table of samples, in UTF-8 with commas and a header line.
 *
 * @param path The training table, or the only one.
 * @throws {Error} If a file is missing or cannot be read.
 * @throws {RangeError} If a cell, a line or the header is not what it should be, named by line and column; or if a part
 *   has no samples, a picture cannot be read, or an option is out of range.
 */
export async function readCsv(path: string, options: CsvOptions): Promise<CsvSplit> {
  const { testFraction = 0.2, seed = 0, limit = Infinity } = options;
  checkSeed(seed);
  const table = await readTable(path);
  const columns = columnsOf(table, options);
  const length = options.sequence?.length;
  const parts = await partsOf(table, { columns, testFraction, seed, length });
  const keep = (name: PartName, { table, lines }: Part) => {
    if (lines.length <= limit) return { table, lines };
    return { table, lines: new Random(seed, [STREAMS[name]]).shuffle([...lines]).slice(0, limit) };
  };
  const classNames = options.targets === "classes" ? classesOf(parts.train, columns.targets[0]) : [];
  if (classNames.length > MOST_CLASSES) {
    throw new RangeError(
      `Cannot read "${path}": column "${table.header[columns.targets[0]]}" names ${classNames.length} classes, ` +
        `at most ${MOST_CLASSES} are needed (numbers are answered by --task regression)`,
    );
  }
  const tables = Object.values(parts).map(({ table }) => table);
  const series = { length: length ?? longestOf(tables), tables };
  const skipped: BadImage[] = [];
  const read = async (name: PartName, part: Part) => {
    const found = await readPart(keep(name, part), { name: `${path} ${name}`, columns, classNames, options, series });
    skipped.push(...found.skipped);
    return found.set;
  };
  const train = await read("train", parts.train);
  const own = parts.validation === undefined ? {} : { validation: await read("validation", parts.validation) };
  return { name: path, train, ...own, test: await read("test", parts.test), skipped };
}

interface SplitOptions {
  readonly columns: Columns;
  readonly testFraction: number;
  readonly seed: number;
  /** Lines of a sequence, if it was said. */
  readonly length: number | undefined;
}

async function partsOf(whole: Table, { columns, length, ...options }: SplitOptions): Promise<Parts<Part>> {
  const grouping = { columns, ...(length === undefined ? {} : { length }) };
  const table = groupLines(whole, grouping);
  if (columns.split !== undefined) return splitByColumn(table, columns.split);
  const test = await tableBeside(table, { name: "test.csv", grouping });
  if (test === undefined) return splitAtRandom(table, options);
  const validation = await tableBeside(table, { name: "val.csv", grouping });
  return { train: { table, lines: table.lines }, ...(validation === undefined ? {} : { validation }), test };
}

/** Reads all lines of the table called `name` beside `table`, if there is one and it is another. */
async function tableBeside(
  table: Table,
  { name, grouping }: { readonly name: string; readonly grouping: Grouping },
): Promise<Part | undefined> {
  const beside = join(table.folder, name);
  if (table.path.endsWith(`/${name}`) || table.path === name || !await isFile(beside)) return undefined;
  const other = await readTable(beside);
  checkHeader(other, table);
  const grouped = groupLines(other, grouping);
  return { table: grouped, lines: grouped.lines };
}

/** Which part a cell of the column "split" means. */
const SPLITS: ReadonlyMap<string, PartName> = new Map([
  ["train", "train"],
  ["training", "train"],
  ["test", "test"],
  ["val", "validation"],
  ["valid", "validation"],
  ["validation", "validation"],
]);

function splitByColumn(table: Table, column: number): Parts<Part> {
  const found: Record<PartName, Line[]> = { train: [], validation: [], test: [] };
  for (const line of table.lines) {
    const part = SPLITS.get(line.cells[column].trim().toLowerCase());
    if (part === undefined) {
      throw refuseCell(table, { line, column, because: "is no part, train, val or test is needed" });
    }
    found[part].push(line);
  }
  // Where no line is there to test by, those that others validate by are.
  const [test, validation] = found.test.length > 0 ? [found.test, found.validation] : [found.validation, []];
  for (const [name, lines] of Object.entries({ train: found.train, test })) {
    if (lines.length === 0) {
      throw new RangeError(`Cannot read "${table.path}": its column "split" names no line "${name}"`);
    }
  }
  const own = validation.length === 0 ? {} : { validation: { table, lines: validation } };
  return { train: { table, lines: found.train }, ...own, test: { table, lines: test } };
}

function splitAtRandom(table: Table, { testFraction, seed }: Omit<SplitOptions, "columns" | "length">): Parts<Part> {
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new RangeError(
      `Cannot read "${table.path}": the test fraction is ${testFraction}, needed is one between 0 and 1`,
    );
  }
  const { lines } = table;
  if (lines.length < 2) {
    throw new RangeError(`Cannot split "${table.path}": it has 1 sample, at least 2 are needed`);
  }
  const shuffled = new Random(seed, [STREAMS.split]).shuffle([...lines]);
  const tests = Math.min(Math.max(1, Math.round(lines.length * testFraction)), lines.length - 1);
  return { train: { table, lines: shuffled.slice(tests) }, test: { table, lines: shuffled.slice(0, tests) } };
}

/** Names of the classes: numbers in their order, else by code point. */
function classesOf({ lines }: Part, column: number): readonly string[] {
  const names = [...new Set(lines.map(({ cells }) => cells[column].trim()))];
  return names.every((name) => /^\d+$/.test(name)) ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}

interface PartOptions {
  readonly name: string;
  readonly columns: Columns;
  readonly classNames: readonly string[];
  readonly options: CsvOptions;
  /** Rows of a sequence, and all tables of sequences. */
  readonly series: { readonly length: number; readonly tables: readonly Table[] };
}

async function readPart(
  part: Part,
  { name, columns, classNames, options, series }: PartOptions,
): Promise<{ readonly set: SampleSet; readonly skipped: readonly BadImage[] }> {
  const { table } = part;
  // Numbers first: a bad cell is found before a thousand pictures are decoded.
  targetOf(part, { columns, classNames, kind: options.targets });
  const { input, lines, skipped } = columns.picture === undefined
    ? { input: inputOf(part, columns.features, series), lines: part.lines, skipped: [] }
    : await picturesOf(part, { column: columns.picture, options });
  if (lines.length === 0) {
    throw new RangeError(
      `Cannot read "${table.path}": none of its pictures can be read, at least 1 is needed${leftOut(skipped)}`,
    );
  }
  const target = targetOf({ table, lines }, { columns, classNames, kind: options.targets });
  const [inputName, value] = input;
  return { set: { name, count: lines.length, inputs: { [inputName]: value }, targets: { target } }, skipped };
}

/** A row a sample, or a sequence of rows. */
function inputOf(
  part: Part,
  columns: readonly number[],
  { length, tables }: PartOptions["series"],
): readonly [name: string, input: SampleInput] {
  const { table, lines } = part;
  if (!("members" in table)) return ["row", rowsOf(part, columns)];
  const names = columns.map((column) => table.header[column]);
  const isShort = shortestOf(tables) < length;
  return [
    "series",
    seriesOf(table, lines, { names, length, isShort, numbersOf: (own) => numbersOf({ table, lines: own }, columns) }),
  ];
}

function rowsOf(part: Part, columns: readonly number[]): SampleInput {
  return { kind: "rows", names: columns.map((column) => part.table.header[column]), values: numbersOf(part, columns) };
}

interface TargetOptions {
  readonly columns: Columns;
  readonly classNames: readonly string[];
  readonly kind: ColumnKind;
}

function targetOf(part: Part, { columns: { targets }, classNames, kind }: TargetOptions): SampleTarget {
  if (kind === "classes") {
    return { kind, names: classNames, labels: labelsOf(part, { column: targets[0], classNames }) };
  }
  const values = numbersOf(part, targets, kind === "flags" ? (value) => value === 0 || value === 1 : undefined);
  return { kind, names: targets.map((column) => part.table.header[column]), values };
}

function labelsOf(
  { table, lines }: Part,
  { column, classNames }: { readonly column: number; readonly classNames: readonly string[] },
): Int32Array {
  const numbers = new Map(classNames.map((name, i) => [name, i]));
  return Int32Array.from(lines, (line) => {
    const cell = line.cells[column].trim();
    if (cell === "") throw refuseCell(table, { line, column, because: "is empty, the name of a class is needed" });
    const label = numbers.get(cell);
    if (label !== undefined) return label;
    throw refuseCell(table, { line, column, because: "is no class of the training samples" });
  });
}

/** Reads columns as numbers, row by row. */
function numbersOf({ table, lines }: Part, columns: readonly number[], isFlag?: (value: number) => boolean) {
  const values = new Float32Array(lines.length * columns.length);
  lines.forEach((line, row) =>
    columns.forEach((column, i) => {
      const value = parseDecimal(line.cells[column]);
      // Rounded as the array has it: what float32 cannot hold is no number either.
      if (!Number.isFinite(Math.fround(value))) {
        throw refuseCell(table, { line, column, because: "is no finite number" });
      }
      if (isFlag?.(value) === false) throw refuseCell(table, { line, column, because: "is neither 0 nor 1" });
      values[row * columns.length + i] = value;
    })
  );
  return values;
}

async function picturesOf(
  { table, lines }: Part,
  { column, options }: { readonly column: number; readonly options: CsvOptions },
) {
  const { shape, skipBadImages = false, cache } = options;
  if (cache === undefined) checkMemory(shape, { count: lines.length, doing: `read "${table.path}"` });
  const found = await Promise.allSettled(lines.map((line) => findPicture(table, { line, column })));
  const files = found.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  const decoded = await decodeAll(files, { shape, cache, name: table.path });
  const skipped = decoded.filter(isBad);
  if (skipped.length > 0 && !skipBadImages) {
    const line = lines[decoded.findIndex(isBad)];
    throw refuseCell(table, { line, column, because: `cannot be read (${skipped[0].because})` });
  }
  const good = decoded.flatMap((picture, i) => isBad(picture) ? [] : [{ picture, line: lines[i] }]);
  const bytes = joinPictures(good.map(({ picture }) => picture), imageBytes(shape));
  return {
    input: ["image", { kind: "pictures", ...shape, bytes }] as const,
    lines: good.map(({ line }) => line),
    skipped,
  };
}

/** Returns the picture's path. */
async function findPicture(
  table: Table,
  { line, column }: { readonly line: Line; readonly column: number },
): Promise<string> {
  const name = line.cells[column].trim();
  if (name === "") throw refuseCell(table, { line, column, because: "is empty, the path of a picture is needed" });
  const found = await locatePicture(table, name);
  if (found === undefined) throw refuseCell(table, { line, column, because: "is no file" });
  return found;
}
