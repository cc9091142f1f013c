/** Fields of JSON that others wrote: each is looked at before it is used. */
import { lookUp } from "./nearest.ts";
import { showValue } from "./plain.ts";

/** Long lists are no names of anything. */
const MOST_NAMES = 100_000;

/**
 * An object that others wrote.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Fields } from "./fields.ts";
 *
 * const fields = new Fields({ inputs: { x: { shape: [8, "a"] } } }, 'Cannot read "net.onnx"', "its metadata");
 * assert.throws(() => fields.object("inputs").object("x").numbers("shape"), {
 *   message: 'Cannot read "net.onnx": its metadata.inputs.x.shape is [8,"a"], a list of numbers is needed',
 * });
 * ```
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  /**
   * Takes `value`, which should be an object.
   *
   * @param cannot How errors begin: `Cannot read "x.onnx"`.
   * @param path Where it stands: `outputs.scores`.
   * @throws {RangeError} If it is no object.
   */
  constructor(value: unknown, readonly cannot: string, readonly path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new RangeError(`${cannot}: ${path} is ${showValue(value)}, an object is needed`);
    }
    // An object's keys are texts.
    this.#values = value as Record<string, unknown>;
  }

  /** Names of all fields. */
  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** The object itself, for who looks at all of it. */
  get values(): Readonly<Record<string, unknown>> {
    return this.#values;
  }

  /** Whether there is something of that name. */
  has(key: string): boolean {
    return lookUp(this.#values, key) !== undefined;
  }

  /** Returns the object of that name. */
  object(key: string): Fields {
    return new Fields(lookUp(this.#values, key), this.cannot, `${this.path}.${key}`);
  }

  /** Returns the objects of that name. */
  objects(key: string): readonly Fields[] {
    const value = lookUp(this.#values, key);
    if (!Array.isArray(value)) return this.refuse(key, "a list is needed");
    return value.map((item, i) => new Fields(item, this.cannot, `${this.path}.${key}[${i}]`));
  }

  /** Returns the number of that name; null where it is null or missing. */
  measured(key: string): number | null {
    return (lookUp(this.#values, key) ?? null) === null ? null : this.number(key);
  }

  /** Returns the text of that name, one of `of` where they are given. */
  text<T extends string = string>(key: string, of?: readonly T[]): T {
    const value = lookUp(this.#values, key);
    const isOne = typeof value === "string" && (of === undefined || of.some((name) => name === value));
    if (!isOne) return this.refuse(key, of === undefined ? "a text is needed" : `needed is one of ${of.join(", ")}`);
    // It is one of them, just seen, or any text will do.
    return value as T;
  }

  /** Returns the finite number of that name, within bounds. */
  number(
    key: string,
    { least = -Infinity, most = Infinity }: { readonly least?: number; readonly most?: number } = {},
  ) {
    const value = lookUp(this.#values, key);
    if (isNumber(value) && value >= least && value <= most) return value;
    const bounds = Number.isFinite(least) ? ` from ${least} to ${most}` : "";
    return this.refuse(key, `a number${bounds} is needed`);
  }

  /** Returns the finite numbers of that name. */
  numbers(key: string): readonly number[] {
    const value = lookUp(this.#values, key);
    const isList = Array.isArray(value) && value.length > 0 && value.every(isNumber);
    return isList ? value : this.refuse(key, "a list of numbers is needed");
  }

  /** Returns the names of that name, so many of them. */
  names(key: string, count?: number): readonly string[] {
    const value = lookUp(this.#values, key);
    const isList = Array.isArray(value) && value.length > 0 && value.length <= MOST_NAMES && value.every(isText);
    if (!isList) return this.refuse(key, "a list of names is needed");
    if (count === undefined || value.length === count) return value;
    throw new RangeError(`${this.cannot}: ${this.path}.${key} has ${value.length} names, ${count} are needed`);
  }

  /** Returns whatever has that name. */
  value(key: string): unknown {
    return lookUp(this.#values, key);
  }

  /** @throws {RangeError} Always: what stands there is not what is needed. */
  refuse(key: string, needed: string): never {
    const is = showValue(lookUp(this.#values, key));
    throw new RangeError(`${this.cannot}: ${this.path}.${key} is ${is}, ${needed}`);
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
