/** The file that describes a data set for Ultralytics' YOLO: where its parts lie, and what its classes are called. */
import { parseDocument } from "yaml";
import { plainLine, showValue } from "../../src/text/plain.ts";
import { reasonOf } from "../../src/text/plain_errors.ts";

/** What a description says. */
export interface YoloDescription {
  /** Folder that the parts are relative to; absent: that of the description. */
  readonly path?: string;
  /** Folders of pictures, or lists of their paths. */
  readonly train: readonly string[];
  readonly val: readonly string[];
  readonly test: readonly string[];
  /** Names of the classes, in the order of their numbers. */
  readonly names: readonly string[];
  /** What follows the box on each line of a set for poses; absent: nothing. */
  readonly keypoints?: Keypoints;
}

/** Points of each thing, as `kpt_shape` says. */
export interface Keypoints {
  readonly count: number;
  /** Numbers of a point: x and y, and perhaps whether it is seen. */
  readonly size: 2 | 3;
}

/** How often an alias may stand for what it names: what has aliases of aliases can be of any size. */
const MOST_ALIASES = 64;

/** Longer reasons quote the file. */
const LONGEST_REASON = 160;

/**
 * Reads a description.
 *
 * @throws {RangeError} If it is no YAML, or lacks what is needed.
 */
export function parseYoloYaml(text: string, file: string): YoloDescription {
  const cannot = (because: string, cause?: unknown) => new RangeError(`Cannot read "${file}": ${because}`, { cause });
  const document = parseDocument(text, { prettyErrors: false, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split("\n").length;
    const isDeep = error.message.startsWith("Maximum call stack");
    throw cannot(
      `line ${line} is no YAML: ${isDeep ? "it has too many levels" : plainLine(error.message, LONGEST_REASON)}`,
    );
  }
  let root: unknown;
  try {
    root = document.toJS({ mapAsMap: true, maxAliasCount: MOST_ALIASES });
  } catch (cause) {
    throw cannot(`its aliases cannot be read: ${reasonOf(cause, "they stand for too much")}`, cause);
  }
  if (!(root instanceof Map)) throw cannot("it is no YAML with keys, train, val and names are needed");
  const entries = new Map<unknown, unknown>(root);
  const refuse = (key: string, needed: string) =>
    cannot(`its ${key} is ${showValue(plain(entries.get(key)))}, ${needed} is needed`);
  const folder = entries.get("path");
  if (!isAbsent(folder) && typeof folder !== "string") throw refuse("path", "a folder");
  const listOf = (...keys: readonly string[]) => {
    const key = keys.find((key) => !isAbsent(entries.get(key))) ?? keys[0];
    const paths = pathsOf(entries.get(key));
    if (paths === undefined) throw refuse(key, "a folder, a file, or a list of such");
    return paths;
  };
  const train = listOf("train");
  if (train.length === 0) throw refuse("train", "a folder, a file, or a list of such");
  const names = namesOf(entries.get("names"));
  if (names === undefined) throw refuse("names", "a list of names, or names by numbers from 0,");
  checkNames(names, { count: entries.get("nc"), cannot });
  const shape = entries.get("kpt_shape");
  const keypoints = keypointsOf(shape);
  if (!isAbsent(shape) && keypoints === undefined) {
    throw refuse("kpt_shape", "a list of two, how many points and 2 or 3 numbers of each,");
  }
  const path = typeof folder === "string" && folder !== "" ? { path: folder } : {};
  const [val, test] = [listOf("val", "valid", "validation"), listOf("test")];
  return { ...path, train, val, test, names, ...(keypoints === undefined ? {} : { keypoints }) };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** Maps are shown as objects. */
function plain(value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries([...value].slice(0, 5)) : value;
}

function pathsOf(value: unknown): readonly string[] | undefined {
  if (isAbsent(value)) return [];
  const paths: readonly unknown[] = Array.isArray(value) ? value : [value];
  return paths.every((path) => typeof path === "string" && path !== "") ? paths.map(String) : undefined;
}

/** Names as a list, or by their numbers. */
function namesOf(value: unknown): readonly string[] | undefined {
  if (value instanceof Map) {
    const byNumber = new Map([...value].map(([key, name]) => [Number(key), name]));
    const numbers = Array.from({ length: value.size }, (_, i) => i);
    return numbers.every((i) => byNumber.has(i)) ? namesOf(numbers.map((i) => byNumber.get(i))) : undefined;
  }
  if (!Array.isArray(value) || value.length === 0) return undefined;
  // "no" and "1" are names too.
  const isName = (name: unknown) => ["string", "number", "boolean"].includes(typeof name) && String(name).trim() !== "";
  return value.every(isName) ? value.map((name) => String(name).trim()) : undefined;
}

function keypointsOf(value: unknown): Keypoints | undefined {
  const [count, size, ...others]: readonly unknown[] = Array.isArray(value) ? value : [];
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 1 || others.length > 0) return undefined;
  return size === 2 || size === 3 ? { count, size } : undefined;
}

function checkNames(names: readonly string[], { count, cannot }: {
  readonly count: unknown;
  readonly cannot: (because: string) => RangeError;
}): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw cannot(`it names the class ${showValue(twice)} twice`);
  if (isAbsent(count) || count === names.length) return;
  throw cannot(`its nc is ${showValue(plain(count))}, it has ${names.length} names`);
}
