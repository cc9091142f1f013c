/** Tables of points: a line a sample, with the path of its picture and x and y of each point in pixels of it. */
import { nearestName } from "../../src/text/nearest.ts";
import { parseDecimal } from "../../src/text/decimal.ts";
import { showValue } from "../../src/text/plain.ts";
import { checkHeader } from "./_csv_columns.ts";
import { type Line, readTable, type Table } from "./_csv_table.ts";
import type { BadImage } from "./_decode.ts";

/** Which columns hold what. */
export interface PointColumns {
  /** Paths of pictures. */
  readonly picture: number;
  /** Who is in the picture. */
  readonly person?: number;
  /** Where x and y of each point stand. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Names of the points, if they have any but numbers. */
  readonly names?: readonly string[];
}

/** A table of points. */
export interface PointsTable {
  readonly table: Table;
  readonly columns: PointColumns;
}

/** A sample as its line has it. */
export interface PointsRow {
  /** What is at fault where something is wrong with it. */
  readonly where: string;
  /** The picture's path as it is written. */
  readonly file: string;
  /** Whose picture it is: that of the column "person", else the part of the file's name before "_". */
  readonly person: string;
  /** x and y of each point, in pixels from the picture's upper left corner. */
  readonly points: Float64Array;
}

const PICTURE = ["file", "image"];
const PERSON = "person";

/** The column that says how a table of other targets is parted. */
const SPLIT = "split";

/** More points than any picture has: they are something else. */
const MOST_POINTS = 4096;

/**
 * Reads a table, and says which of its columns are points: "x0", "y0", "x1", … or "NAME_x", "NAME_y".
 *
 * @param like A table whose columns it must have.
 * @throws {Error} If the file cannot be read.
 * @throws {RangeError} If it is no table, or has columns that are no points.
 */
export async function readPointsTable(path: string, like?: PointsTable): Promise<PointsTable> {
  const table = await readTable(path);
  if (like !== undefined) {
    checkHeader(table, like.table);
    return { table, columns: like.columns };
  }
  return { table, columns: columnsOf(table) };
}

function columnsOf({ header, path }: Table): PointColumns {
  const cannot = `Cannot read "${path}"`;
  const picture = PICTURE.map((name) => header.indexOf(name)).find((column) => column >= 0);
  if (picture === undefined) throw new RangeError(`${cannot}: it has no column "file", which names the pictures`);
  const person = header.indexOf(PERSON);
  if (header.includes(SPLIT)) {
    throw new RangeError(
      `${cannot}: it has a column "split"; a table of points is one part, with test.csv and val.csv beside it`,
    );
  }
  const places = new Map<string, { x?: number; y?: number }>();
  header.forEach((name, column) => {
    if (column === picture || column === person) return;
    const { axis, point } = parsePoint(name) ?? refuseColumn(name, { header, cannot });
    const place = places.get(point) ?? {};
    if (place[axis] !== undefined) {
      throw new RangeError(
        `${cannot}: its columns "${header[place[axis]]}" and "${name}" are the ${axis} of one point`,
      );
    }
    places.set(point, { ...place, [axis]: column });
  });
  const named = [...places.keys()];
  if (named.length === 0) throw new RangeError(`${cannot}: it has no points, needed are columns x0, y0, x1, y1, …`);
  if (named.length > MOST_POINTS) {
    throw new RangeError(`${cannot}: it has ${named.length} points, at most ${MOST_POINTS} are taken`);
  }
  const isNumbered = named.every((point) => /^\d+$/.test(point));
  const order = isNumbered ? named.map((_, i) => `${i}`) : named;
  const points = order.map((point) => {
    const { x, y } = places.get(point) ?? {};
    if (x !== undefined && y !== undefined) return { x, y };
    const column = (axis: string) => isNumbered ? `${axis}${point}` : `${point}_${axis}`;
    const missing = x === undefined && y === undefined
      ? `${column("x")} and ${column("y")}`
      : column(x === undefined ? "x" : "y");
    throw new RangeError(`${cannot}: it has no ${missing}, x and y of each point are needed, numbered from 0`);
  });
  return { picture, points, ...(person < 0 ? {} : { person }), ...(isNumbered ? {} : { names: order }) };
}

interface PointColumn {
  readonly axis: "x" | "y";
  readonly point: string;
}

function parsePoint(name: string): PointColumn | undefined {
  const [, before, number] = /^([xy])_?(\d{1,6})$/i.exec(name) ?? [];
  if (before !== undefined) return { axis: axisOf(before), point: `${Number(number)}` };
  const [, point, after] = /^(.+)[_ ]([xy])$/i.exec(name) ?? [];
  return after === undefined ? undefined : { axis: axisOf(after), point };
}

function axisOf(letter: string): "x" | "y" {
  return letter.toLowerCase() === "x" ? "x" : "y";
}

function refuseColumn(
  name: string,
  { header, cannot }: { readonly header: readonly string[]; readonly cannot: string },
): never {
  const meant = nearestName(name, [...PICTURE, PERSON].filter((known) => !header.includes(known)));
  throw new RangeError(
    `${cannot}: its column ${
      showValue(name)
    } is neither "file", "person" nor x or y of a point (x0, y0, … or nose_x, nose_y)` +
      (meant === undefined ? "" : ` (did you mean "${meant}"?)`),
  );
}

/** Reads the lines of a table; what is no sample is said. */
export function rowsOf({ table, columns }: PointsTable): readonly (PointsRow | BadImage)[] {
  return table.lines.map((line) => rowOf(line, { table, columns }));
}

function rowOf(line: Line, { table, columns }: PointsTable): PointsRow | BadImage {
  const where = `${table.path}, line ${line.number}`;
  const file = line.cells[columns.picture].trim();
  if (file === "") return { file: where, because: "the path of its picture is empty" };
  const points = new Float64Array(2 * columns.points.length);
  for (const [i, { x, y }] of columns.points.entries()) {
    for (const [axis, column] of [x, y].entries()) {
      const value = parseDecimal(line.cells[column]);
      if (!Number.isFinite(Math.fround(value))) {
        const cell = showValue(line.cells[column]);
        return { file: where, because: `column "${table.header[column]}" is ${cell}, no finite number` };
      }
      points[2 * i + axis] = value;
    }
  }
  const own = columns.person === undefined ? "" : line.cells[columns.person].trim();
  return { where, file, points, person: own === "" ? personOf(file) : own };
}

/** The part of a file's name before "_", or all of it without its ending. */
export function personOf(file: string): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  return name.includes("_") ? name.slice(0, name.indexOf("_")) : name.replace(/\.[^.]*$/, "");
}
