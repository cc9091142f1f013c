/** A CSV file as lines of cells, with what it takes to name one of them. */
import { CsvError, parse } from "csv-parse/sync";
import { showValue } from "../../src/text/plain.ts";
import { isFile, join, messageOf, readBytes } from "./_files.ts";

/** Most bytes of a table: its cells take some ten times as much. */
const MOST_BYTES = 2 ** 28;

/** A line and its number in the file, counted from 1. */
export interface Line {
  readonly number: number;
  readonly cells: readonly string[];
}

/** A table: as many cells in each line as the header has. */
export interface Table {
  readonly path: string;
  /** The folder that it lies in. */
  readonly folder: string;
  /** Its name without the ending. */
  readonly stem: string;
  /** Names of the columns, each once. */
  readonly header: readonly string[];
  /** At least one. */
  readonly lines: readonly Line[];
}

/**
 * Reads a table.
 *
 * @throws {Error} If the file cannot be read.
 * @throws {RangeError} If it is no table: no header, a column twice, a line of another length, no samples.
 */
export async function readTable(path: string): Promise<Table> {
  const [header, ...lines] = parseLines(await readBytes(path, MOST_BYTES), path);
  const cannot = `Cannot read "${path}"`;
  if (header === undefined) throw new RangeError(`${cannot}: it is empty, a header line is needed`);
  const names = header.cells.map((name) => name.trim());
  const seen = new Set<string>();
  names.forEach((name, i) => {
    if (name === "") throw new RangeError(`${cannot}: column ${i + 1} of its header has no name`);
    if (seen.has(name)) throw new RangeError(`${cannot}: its header has the column "${name}" twice`);
    seen.add(name);
  });
  const odd = lines.find(({ cells }) => cells.length !== names.length);
  if (odd !== undefined) {
    throw new RangeError(`${cannot}: line ${odd.number} has ${odd.cells.length} columns, its header ${names.length}`);
  }
  if (lines.length === 0) throw new RangeError(`${cannot}: it has a header and no samples, at least 1 is needed`);
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? "." : path.slice(0, slash) || "/";
  return { path, folder, stem: path.slice(slash + 1).replace(/\.[^.]*$/, ""), header: names, lines };
}

function parseLines(bytes: Uint8Array<ArrayBuffer>, path: string): readonly Line[] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const numbers: number[] = [];
    const records = parse(text, {
      relaxColumnCount: true,
      skipEmptyLines: true,
      onRecord(cells, { lines }) {
        numbers.push(lines);
        return cells;
      },
    });
    return records.map((cells, i) => ({ number: numbers[i], cells }));
  } catch (cause) {
    if (cause instanceof CsvError) {
      throw new RangeError(`Cannot read "${path}": line ${cause.lines} is no CSV (${messageOf(cause)})`, {
        cause,
      });
    }
    if (cause instanceof TypeError) throw new RangeError(`Cannot read "${path}": it is no text in UTF-8`, { cause });
    throw cause;
  }
}

/** A cell, and what is wrong with it. */
interface CellFault {
  readonly line: Line;
  readonly column: number;
  /** As in "is no finite number". */
  readonly because: string;
}

/** Makes the error that names a cell. */
export function refuseCell({ path, header }: Table, { line, column, because }: CellFault): RangeError {
  const where = `line ${line.number}, column "${header[column]}"`;
  return new RangeError(`Cannot read "${path}": ${where}: ${showValue(line.cells[column])} ${because}`);
}

/** Finds the picture that a table calls `name`: beside it, or in the folder of its own name; undefined if there is none. */
export async function locatePicture({ folder, stem }: Table, name: string): Promise<string | undefined> {
  const places = name.startsWith("/") ? [name] : [join(folder, name), join(join(folder, stem), name)];
  for (const place of places) if (await isFile(place)) return place;
  return undefined;
}
