/**
 * The rows of a sweep: all combinations of the values that options are to have, or rows that are written down one by one.
 *
 *     lr=1e-4,5e-4      numbers            keep-float=none,kind:Add+kind:relu,stage:last   lists, their names joined by +
 *     equalize=true,false   flags          observer=default,mse        default: the option is left out
 */
import { faultOfOption, type Kind } from "../_option_kinds.ts";
import { flagOf, optionOf } from "../_flags.ts";
import { readTextWithin } from "../../src/io/read.ts";
import { describeFailure } from "../../src/io/errors.ts";
import { parseJson } from "../../src/text/json.ts";
import { suggestName } from "../../src/text/nearest.ts";
import { showValue } from "../../src/text/plain.ts";

/** What an option of a row is: undefined where it is left out. */
export type OptionValue = number | string | boolean | readonly string[] | undefined;

/** An option, and the values that it has in turn. */
export interface Axis {
  readonly option: string;
  readonly values: readonly OptionValue[];
}

/** A row before it is run. */
export interface GridRow {
  /** Also that of its folder. */
  readonly name: string;
  readonly options: Readonly<Record<string, OptionValue>>;
}

/** What options a job has. */
export type OptionKinds = Readonly<Record<string, Kind>>;

/** Options that are the same for all rows, or the sweep's own. */
const NOT_SWEPT = ["out", "overwrite", "resume", "debug", "checkpointMinutes"];

/** More rows than that are a slip of the finger. */
const MOST_ROWS = 1000;

/** Words for an option that is left out, and for an empty list. */
const [DEFAULT, NONE] = ["default", "none"];

/**
 * Reads `option=value,value`, as `--over` takes it.
 *
 * @throws {RangeError} If there is no such option, or a value is none of it.
 */
export function parseAxis(text: string, kinds: OptionKinds): Axis {
  const at = text.indexOf("=");
  const cannot = `Cannot sweep over ${showValue(text)}`;
  if (at <= 0) throw new RangeError(`${cannot}: an option and its values are needed, as in lr=1e-4,5e-4`);
  const option = checkOption(text.slice(0, at), { kinds, cannot });
  const texts = text.slice(at + 1).split(",").map((value) => value.trim());
  return checkAxis({ option, values: texts.map((value) => parseValue(value, { option, kinds, cannot })) }, cannot);
}

/** Returns the option that `name` is, written as a flag or as in programs. */
function checkOption(
  name: string,
  { kinds, cannot }: { readonly kinds: OptionKinds; readonly cannot: string },
): string {
  const option = optionOf(name.trim().replace(/^--/, ""));
  const known = Object.keys(kinds).filter((key) => !NOT_SWEPT.includes(key));
  if (known.includes(option)) return option;
  const flags = known.map((key) => flagOf(key).slice(2));
  throw new RangeError(`${cannot}: there is no such option, ${suggestName(flagOf(option).slice(2), flags)}`);
}

interface ValueOptions {
  readonly option: string;
  readonly kinds: OptionKinds;
  readonly cannot: string;
}

function parseValue(text: string, given: ValueOptions): OptionValue {
  if (text === DEFAULT) return undefined;
  switch (given.kinds[given.option]) {
    case "number":
    case "count":
      return checkValue(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text, given);
    case "flag":
      return checkValue(text === "true" ? true : text === "false" ? false : text, given);
    case "names":
      return text === NONE ? [] : checkValue(text.split("+"), given);
    default:
      return checkValue(text, given);
  }
}

/** @throws {RangeError} If a value is none of its option; the ranges of numbers are for the job to check. */
function checkValue(value: unknown, { option, kinds, cannot }: ValueOptions): OptionValue {
  const kind = kinds[option];
  const fault = kind === "number"
    ? typeof value === "number" ? undefined : "a number is needed"
    : faultOfOption(value, kind);
  if (fault !== undefined) {
    throw new RangeError(`${cannot}: ${showValue(value)} is no value of ${flagOf(option)}, ${fault}`);
  }
  // It is of its kind, just seen.
  return value as OptionValue;
}

function checkAxis(axis: Axis, cannot: string): Axis {
  const words = axis.values.map(writeValue);
  const twice = words.find((word, i) => words.indexOf(word) < i);
  if (twice !== undefined) throw new RangeError(`${cannot}: the value ${twice} is given twice, once is needed`);
  return axis;
}

/** Writes a value as `--over` takes it. */
export function writeValue(value: OptionValue): string {
  if (value === undefined) return DEFAULT;
  if (typeof value !== "object") return `${value}`;
  return value.length === 0 ? NONE : value.join("+");
}

/**
 * Returns a row for each combination of values; the last axis changes fastest.
 *
 * @throws {RangeError} If an option is given twice, or there are too many rows.
 */
export function combine(axes: readonly Axis[]): readonly GridRow[] {
  const twice = axes.find(({ option }, i) => axes.findIndex((axis) => axis.option === option) < i);
  if (twice !== undefined) throw new RangeError(`Cannot sweep over ${flagOf(twice.option)} twice: one list is needed`);
  const count = axes.reduce((product, { values }) => product * values.length, 1);
  checkCount(count);
  const combined = axes.reduce<readonly Readonly<Record<string, OptionValue>>[]>(
    (rows, { option, values }) => rows.flatMap((row) => values.map((value) => ({ ...row, [option]: value }))),
    [{}],
  );
  return nameRows(combined.map((options) => ({ options })));
}

function checkCount(count: number): void {
  if (count > MOST_ROWS) throw new RangeError(`Cannot sweep over ${count} rows: at most ${MOST_ROWS} can be run`);
}

/** Most bytes of a file of rows. */
const MOST_BYTES = 2 ** 22;

/**
 * Reads the rows of a JSON file: `{"over": {"lr": [1e-4, 5e-4]}}`, or `{"rows": [{"name": "plain", "options": {}}, …]}`.
 *
 * @throws {RangeError} If it is no such file.
 */
export async function readGrid(path: string, kinds: OptionKinds): Promise<readonly GridRow[]> {
  const cannot = `Cannot read the grid "${path}"`;
  let value: unknown;
  try {
    value = parseJson(await readTextWithin(path, { most: MOST_BYTES }));
  } catch (cause) {
    throw new RangeError(`${cannot}: ${describeFailure(cause)}`, { cause });
  }
  return gridOf(value, { kinds, cannot });
}

/**
 * Checks what a JSON file has, and returns its rows.
 *
 * @throws {RangeError} If it is no grid.
 */
export function gridOf(
  value: unknown,
  { kinds, cannot }: { readonly kinds: OptionKinds; readonly cannot: string },
): readonly GridRow[] {
  const { over, rows, ...others } = recordOf(value, { cannot, what: "it" });
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new RangeError(`${cannot}: it has ${showValue(unknown)}, ${suggestName(unknown, ["over", "rows"])}`);
  }
  if ((over === undefined) === (rows === undefined)) {
    throw new RangeError(`${cannot}: one of "over" and "rows" is needed`);
  }
  if (over !== undefined) {
    const axes = Object.entries(recordOf(over, { cannot, what: '"over"' })).map(([name, values]) => {
      const option = checkOption(name, { kinds, cannot });
      const list = listOf(values, { cannot, what: `"over" of ${showValue(name)}` });
      return checkAxis({ option, values: list.map((value) => valueOf(value, { option, kinds, cannot })) }, cannot);
    });
    if (axes.length === 0) throw new RangeError(`${cannot}: "over" is empty, an option is needed`);
    return combine(axes);
  }
  const list = listOf(rows, { cannot, what: '"rows"' });
  checkCount(list.length);
  return nameRows(list.map((row) => rowOf(row, { kinds, cannot })));
}

function valueOf(value: unknown, given: ValueOptions): OptionValue {
  return value === null ? undefined : checkValue(value, given);
}

function rowOf(
  value: unknown,
  { kinds, cannot }: { readonly kinds: OptionKinds; readonly cannot: string },
): { readonly name?: string; readonly options: GridRow["options"] } {
  const { name, options, ...others } = recordOf(value, { cannot, what: "a row" });
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new RangeError(`${cannot}: a row has ${showValue(unknown)}, ${suggestName(unknown, ["name", "options"])}`);
  }
  if (name !== undefined && (typeof name !== "string" || folderOf(name) !== name)) {
    throw new RangeError(
      `${cannot}: a row is called ${showValue(name)}, letters, digits and .,=+_- are needed, 100 at most`,
    );
  }
  const entries = Object.entries(recordOf(options ?? {}, { cannot, what: "a row's options" }));
  const checked = entries.map(([key, value]) => {
    const option = checkOption(key, { kinds, cannot });
    return [option, valueOf(value, { option, kinds, cannot })] as const;
  });
  return { ...(typeof name === "string" ? { name } : {}), options: Object.fromEntries(checked) };
}

function recordOf(
  value: unknown,
  { cannot, what }: { readonly cannot: string; readonly what: string },
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RangeError(`${cannot}: ${what} is ${showValue(value)}, an object is needed`);
  }
  return Object.fromEntries(Object.entries(value));
}

function listOf(
  value: unknown,
  { cannot, what }: { readonly cannot: string; readonly what: string },
): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new RangeError(`${cannot}: ${what} is ${showValue(value)}, a list that is not empty is needed`);
}

/** Longest name of a folder. */
const LONGEST = 100;

/** What a name becomes as that of a folder. */
function folderOf(name: string): string {
  return name.replace(/[^\w.,=+-]+/g, "-").replace(/^\.+/, "").slice(0, LONGEST);
}

/** Names rows by their options where they have no name, each otherwise. */
function nameRows(
  rows: readonly { readonly name?: string; readonly options: GridRow["options"] }[],
): readonly GridRow[] {
  const taken = new Set<string>();
  return rows.map(({ name, options }) => {
    const own = name ??
      (Object.entries(options).map(([option, value]) => `${flagOf(option).slice(2)}=${writeValue(value)}`)
        .join(",") || "as-given");
    const wanted = folderOf(own) || "row";
    let free = wanted;
    // Names of folders are the same in any case on some systems.
    for (let copy = 2; taken.has(free.toLowerCase()); copy++) free = `${wanted}-${copy}`;
    taken.add(free.toLowerCase());
    return { name: free, options };
  });
}
