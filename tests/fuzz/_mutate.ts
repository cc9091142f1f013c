/** Damage: to JSON by its structure, to bytes, to text. */
import type { Random } from "../../src/numbers/random.ts";

/** Names that plain objects have without being asked. */
const INHERITED = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

/** Texts that readers do not expect. */
export const TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "\x1b[2J\x1b[31m",
  "a\nb",
  "\u202etxt",
  "\ud800",
  "é漢😀",
  "x".repeat(5000),
  "../../../etc/passwd",
  "/dev/zero",
  "NaN",
  "1e999",
  "-0",
  "null",
  "<script>",
  "%s%n",
  ...INHERITED,
];

/** Numbers that readers do not expect. JSON has no NaN: it writes null. */
export const NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  2,
  3,
  0.5,
  2.5,
  -7,
  64,
  255,
  256,
  1000,
  65536,
  1e6,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e18,
  1e38,
  3.5e38,
  1e308,
  -1e308,
  1e-46,
  5e-324,
];

/** Draws a value that readers do not expect. */
export function hostileValue(random: Random, depth = 0): unknown {
  const kinds = [
    () => null,
    () => random.chance(0.5),
    () => random.pick(NUMBERS),
    () => random.pick(TEXTS),
    () => Array.from({ length: random.below(4) }, () => depth < 3 ? hostileValue(random, depth + 1) : 0),
    () => ({
      [random.pick([...TEXTS, "name", "class_name", "config"])]: depth < 3 ? hostileValue(random, depth + 1) : 0,
    }),
    () => nest(random.pick([10, 299, 301, 1500]), random.chance(0.5)),
  ];
  return random.pick(kinds)();
}

function nest(levels: number, asLists: boolean): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = asLists ? [value] : { a: value };
  return value;
}

/** A place in a JSON value. */
export interface Place {
  readonly parent: Record<string, unknown>;
  readonly key: string;
}

/** Lists all places in a JSON value; lists count as objects. */
export function placesIn(value: unknown, found: Place[] = []): readonly Place[] {
  if (typeof value !== "object" || value === null) return found;
  // A list is indexed by its numbers as text all the same.
  const parent = value as Record<string, unknown>;
  for (const key of Object.keys(parent)) {
    found.push({ parent, key });
    placesIn(parent[key], found);
  }
  return found;
}

/**
 * Damages a JSON value in one to three places. The value itself is changed.
 *
 * @returns What was done.
 */
export function mutateJson(random: Random, root: unknown): string {
  const done: string[] = [];
  const times = 1 + random.below(random.chance(0.3) ? 3 : 1);
  for (let i = 0; i < times; i++) {
    const places = placesIn(root);
    if (places.length === 0) break;
    const place = random.pick(places);
    done.push(`${place.key}: ${random.pick(JSON_CHANGES)(random, place, places)}`);
  }
  return done.join("; ");
}

type JsonChange = (random: Random, place: Place, all: readonly Place[]) => string;

const JSON_CHANGES: readonly JsonChange[] = [
  (random, { parent, key }) => {
    assign(parent, key, hostileValue(random));
    return `set to ${short(parent[key])}`;
  },
  (random, { parent, key }) => {
    assign(parent, key, tweak(random, parent[key]));
    return `tweaked to ${short(parent[key])}`;
  },
  (_, { parent, key }) => {
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
    return "removed";
  },
  (random, { parent, key }, all) => {
    const other = random.pick(all);
    assign(parent, key, cloneJson(other.parent[other.key]));
    return `copied from ${other.key}`;
  },
  (random, { parent, key }) => {
    const value = cloneJson(parent[key]);
    if (Array.isArray(parent)) parent.splice(random.below(parent.length + 1), 0, value);
    else assign(parent, random.pick([...TEXTS, `${key}2`]), value);
    return "doubled";
  },
  (random, { parent, key }) => {
    const value = parent[key];
    if (Array.isArray(value)) random.shuffle(value);
    else assign(parent, key, [value]);
    return "shuffled or wrapped";
  },
];

function tweak(random: Random, value: unknown): unknown {
  if (typeof value === "number") {
    return random.pick([
      value + 1,
      value - 1,
      -value,
      value * 2,
      value / 2,
      value * 1e6,
      0,
      value + 0.5,
      String(value),
    ]);
  }
  if (typeof value === "string") return mutateText(random, value);
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return value.slice(1);
  return hostileValue(random);
}

/** structuredClone() of so many levels is more than its stack has. */
function cloneJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Sets a key, "__proto__" too. */
function assign(parent: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Damages text in one or two places. */
export function mutateText(random: Random, text: string): string {
  let changed = text;
  for (let i = 0; i <= random.below(2); i++) {
    const at = random.below(changed.length + 1);
    const end = Math.min(changed.length, at + random.below(4));
    changed = random.pick([
      () => changed.slice(0, at) + random.pick(TEXTS) + changed.slice(at),
      () => changed.slice(0, at) + changed.slice(end),
      () => changed.slice(0, at) + String(random.pick(NUMBERS)) + changed.slice(end),
      () =>
        changed.slice(0, at) + random.pick([":", ",", "..", "-", "/", '"', "\n", "\r", ";", "=", " "]) +
        changed.slice(end),
      () => random.pick(TEXTS),
      () => changed.slice(0, at),
      () => changed + changed,
      () => changed.toUpperCase(),
    ])();
  }
  return changed;
}

/** Damages bytes in one to three places. */
export function mutateBytes(random: Random, bytes: Uint8Array): { readonly bytes: Uint8Array; readonly what: string } {
  let changed = bytes.slice();
  const done: string[] = [];
  const times = 1 + random.below(3);
  for (let i = 0; i < times; i++) {
    const at = random.below(changed.length + 1);
    const [what, next] = random.pick(BYTE_CHANGES)(random, changed, at);
    done.push(`${what} at ${at} of ${changed.length}`);
    changed = next;
  }
  return { bytes: changed, what: done.join("; ") };
}

type ByteChange = (random: Random, bytes: Uint8Array, at: number) => readonly [string, Uint8Array<ArrayBuffer>];

const BYTE_CHANGES: readonly ByteChange[] = [
  (
    random,
    bytes,
    at,
  ) => ["bit flipped", splice(bytes, { at, remove: 1, add: [(bytes[at] ?? 0) ^ (1 << random.below(8))] })],
  (random, bytes, at) => {
    const byte = random.pick([0, 1, 0x7f, 0x80, 0xff]);
    return [`byte ${byte}`, splice(bytes, { at, remove: 1, add: [byte] })];
  },
  (random, bytes, at) => {
    const add = random.pick([[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], [0x7f, 0xff, 0xff, 0xff], [0, 1, 0, 0]]);
    return [`word ${add}`, splice(bytes, { at, remove: 4, add })];
  },
  (_, bytes, at) => ["cut off", splice(bytes, { at, remove: bytes.length, add: [] })],
  (random, bytes, at) => ["removed", splice(bytes, { at, remove: 1 + random.below(16), add: [] })],
  (random, bytes, at) => {
    const add = [...bytes.subarray(at, at + 1 + random.below(64))];
    return ["doubled", splice(bytes, { at, remove: 0, add })];
  },
  (random, bytes, at) => {
    const add = Array.from({ length: 1 + random.below(16) }, () => random.below(256));
    return ["noise", splice(bytes, { at, remove: add.length, add })];
  },
  (random, bytes, at) => ["zeros", splice(bytes, { at, remove: 0, add: Array(1 + random.below(2000)).fill(0) })],
];

interface Splice {
  readonly at: number;
  readonly remove: number;
  readonly add: readonly number[];
}

function splice(bytes: Uint8Array, { at, remove, add }: Splice): Uint8Array<ArrayBuffer> {
  const tail = bytes.subarray(Math.min(bytes.length, at + remove));
  const changed = new Uint8Array(at + add.length + tail.length);
  changed.set(bytes.subarray(0, at));
  changed.set(add, at);
  changed.set(tail, at + add.length);
  return changed;
}
