/**
 * The text of a darknet configuration: sections of options.
 *
 * Lines are `[section]`, `key=value`, empty, or begin with `#` or `;`. Blanks count for nothing, as for darknet.
 */
import { suggestName } from "../../../src/text/nearest.ts";
import { showValue } from "../../../src/text/plain.ts";
import { ModelFileError } from "../../../src/io/errors.ts";

/** Most sections of a file: the largest nets have some 300. */
const MOST_SECTIONS = 5000;

/** A section as written. */
export interface Section {
  /** Such as "convolutional". */
  readonly kind: string;
  /** Its place behind [net], from 0, as routes count; -1 of [net] itself. */
  readonly index: number;
  /** Line of its head, from 1. */
  readonly line: number;
  readonly options: ReadonlyMap<string, string>;
  readonly path: string;
}

/**
 * Parts a configuration into its sections.
 *
 * @throws {ModelFileError} If a line is none of a configuration's.
 */
export function parseCfg(text: string, path: string): readonly Section[] {
  const sections: (Section & { readonly options: Map<string, string> })[] = [];
  text.split(/\r\n|\n|\r/).forEach((raw, i) => {
    const line = raw.replace(/\s/g, "");
    if (line === "" || line.startsWith("#") || line.startsWith(";")) return;
    const cannot = `Cannot load "${path}": line ${i + 1}`;
    const head = /^\[([^\]]+)\]$/.exec(line);
    if (head !== null) {
      if (sections.length === MOST_SECTIONS) throw new ModelFileError(`${cannot} is section ${MOST_SECTIONS + 1}`);
      sections.push({ kind: head[1], index: sections.length - 1, line: i + 1, options: new Map(), path });
      return;
    }
    const equals = line.indexOf("=");
    const section = sections.at(-1);
    if (equals < 1 || section === undefined) {
      throw new ModelFileError(`${cannot} is ${showValue(raw.trim())}, needed is [section] or, in one, key=value`);
    }
    section.options.set(line.slice(0, equals), line.slice(equals + 1));
  });
  return sections;
}

/** Refuses a section, by its place. */
export function refuse({ kind, line, path }: Section, because: string): never {
  throw new ModelFileError(`Cannot load "${path}": [${kind}] at line ${line}: ${because}`);
}

/** What a number of a section must be. */
export interface NumberRule {
  /** What it is where nothing is said; absent: it must be said. */
  readonly otherwise?: number;
  readonly least?: number;
  readonly most?: number;
}

/** Reads a whole number. */
export function integerOf(section: Section, key: string, { otherwise, least = 1, most = 65_536 }: NumberRule): number {
  const text = section.options.get(key);
  if (text === undefined && otherwise !== undefined) return otherwise;
  const value = text === undefined || !/^[+-]?\d+$/.test(text) ? NaN : Number(text);
  if (value >= least && value <= most) return value;
  const is = text === undefined ? `it has no "${key}"` : `"${key}" is ${showValue(text)}`;
  return refuse(section, `${is}, needed is a whole number from ${least} to ${most}`);
}

/** Reads numbers with commas between; a comma at the end counts for nothing. */
export function numbersOf(section: Section, key: string): readonly number[] {
  const text = section.options.get(key);
  if (text === undefined) return refuse(section, `it has no "${key}"`);
  const values = text.replace(/,$/, "").split(",").map((part) => part === "" ? NaN : Number(part));
  if (values.every(Number.isFinite)) return values;
  return refuse(section, `"${key}" is ${showValue(text)}, needed are numbers with commas between`);
}

/** Reads one of a few words. */
export function choiceOf<T extends string>(
  section: Section,
  key: string,
  { of, otherwise }: { readonly of: readonly T[]; readonly otherwise: T },
): T {
  const text = section.options.get(key) ?? otherwise;
  const found = of.find((word) => word === text);
  return found ?? refuse(section, `"${key}" is ${showValue(text)}, ${suggestName(text, of)}`);
}

/** Refuses options that change what a section computes, in a way that is not known here. */
export function refuseOptions(section: Section, rules: Readonly<Record<string, string>>): void {
  for (const [key, only] of Object.entries(rules)) {
    const value = section.options.get(key);
    if (value === undefined || Number(value) === Number(only)) continue;
    refuse(section, `"${key}" is ${showValue(value)}, only ${only} can be imported`);
  }
}
