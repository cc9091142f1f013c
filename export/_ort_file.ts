/**
 * The one part of ONNX Runtime's own file format that it does not write the same way twice.
 *
 * A file is a FlatBuffer, written from its end to its beginning. The last that is written, and so the first in the file,
 * is a table of operators (`KernelTypeStrResolver`: which types of an operator are of which inputs and outputs), which
 * comes out of hash maps with a random seed: equal tables, their pieces in another order in memory. Here that part is read
 * and written again in the order of its names; the model, which is behind it, stays as it is.
 *
 *     0              resolver                    model
 *     | root table   | operators, of our making  | vtable, table, everything of the model …
 *
 * Source: onnxruntime 1.30, core/flatbuffers/schema/ort.fbs; FlatBuffers' internals: an offset to an object is unsigned and
 * counts from where it stands, a table begins with the signed distance back to its vtable [bytes, table's bytes, places…].
 */

/** Where fields stand in ort.fbs, counted from 0. */
const FIELD = {
  session: { version: 0, model: 1, resolver: 3 },
  resolver: { operators: 0 },
  entry: { key: 0, values: 1 },
};

/** An input or output of an operator. */
interface Argument {
  /** 0 an input, 1 an output. */
  readonly kind: number;
  readonly index: number;
}

/** What has a key and a list: an operator with its types, a type with its arguments. */
interface Entry<T> {
  readonly key: string;
  readonly values: readonly T[];
}

type Operator = Entry<Entry<Argument>>;

/** Objects with explicit numbers in them are aligned to this at most. */
const ALIGNMENT = 64;

/**
 * Writes the table of operators of a file in ORT format in one order.
 *
 * @throws {TypeError} If the file is not laid out as ONNX Runtime 1.30 does.
 */
export function inOneOrder(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const root = follow(view, 0);
  const model = fieldOf(view, root, FIELD.session.model);
  const resolver = fieldOf(view, root, FIELD.session.resolver);
  const version = fieldOf(view, root, FIELD.session.version);
  if (model === undefined || resolver === undefined || version === undefined || follow(view, resolver) < root) {
    throw new TypeError("Cannot order the ORT file: it is not laid out as ONNX Runtime 1.30 does");
  }
  const begin = follow(view, resolver);
  const table = follow(view, model);
  const end = Math.min(table, table - view.getInt32(table, true));
  const operators = writeOperators(readOperators(view, begin), begin);
  const moved = alignLike(begin + operators.length, end);
  const result = new Uint8Array(moved + file.length - end);
  result.set(file.subarray(0, begin));
  result.set(operators, begin);
  result.set(file.subarray(end), moved);
  const out = new DataView(result.buffer);
  for (const place of [model, version]) out.setUint32(place, view.getUint32(place, true) + moved - end, true);
  out.setUint32(resolver, begin + RESOLVER_TABLE - resolver, true);
  return result;
}

/** Returns the first place from `least` on that is aligned as `place` is. */
function alignLike(least: number, place: number): number {
  return least + ((place - least) % ALIGNMENT + ALIGNMENT) % ALIGNMENT;
}

function follow(view: DataView, place: number): number {
  return place + view.getUint32(place, true);
}

/** Returns where field `index` of the table at `table` stands; undefined where it is left out. */
function fieldOf(view: DataView, table: number, index: number): number | undefined {
  const vtable = table - view.getInt32(table, true);
  if (view.getUint16(vtable, true) < 6 + 2 * index) return undefined;
  const at = view.getUint16(vtable + 4 + 2 * index, true);
  return at === 0 ? undefined : table + at;
}

function readOperators(view: DataView, resolver: number): readonly Operator[] {
  const operators = fieldOf(view, resolver, FIELD.resolver.operators);
  const readArgument = (table: number): Argument => {
    const [kind, index] = [0, 1].map((field) => fieldOf(view, table, field));
    return {
      kind: kind === undefined ? 0 : view.getInt8(kind),
      index: index === undefined ? 0 : view.getUint32(index, true),
    };
  };
  return readVector(view, operators, (table) => readEntry(view, table, (type) => readEntry(view, type, readArgument)));
}

function readEntry<T>(view: DataView, table: number, read: (table: number) => T): Entry<T> {
  const key = fieldOf(view, table, FIELD.entry.key);
  const values = readVector(view, fieldOf(view, table, FIELD.entry.values), read);
  return { key: key === undefined ? "" : readText(view, follow(view, key)), values };
}

function readVector<T>(view: DataView, field: number | undefined, read: (table: number) => T): readonly T[] {
  if (field === undefined) return [];
  const vector = follow(view, field);
  return Array.from({ length: view.getUint32(vector, true) }, (_, i) => read(follow(view, vector + 4 + 4 * i)));
}

function readText(view: DataView, place: number): string {
  return new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset + place + 4, view.getUint32(place, true)),
  );
}

/** Vtables of the three kinds of table, before the tables; each is [its bytes, the table's bytes, places of fields]. */
const VTABLES = { resolver: [6, 8, 4, 0], entry: [8, 12, 4, 8], argument: [8, 12, 8, 4] } as const;
const VTABLE_BYTES = 8;
/** Where the resolver's table is, behind the vtables. */
const RESOLVER_TABLE = 3 * VTABLE_BYTES;

/** Writes the part, which begins at `begin` of its file: parents before children, so that all offsets are positive. */
function writeOperators(operators: readonly Operator[], begin: number): Uint8Array {
  const bytes: number[] = [];
  const uint16 = (value: number) => bytes.push(value & 255, value >> 8);
  const uint32 = (value: number) => {
    uint16(value & 65535);
    uint16(value >>> 16);
  };
  const point = (place: number) => {
    const offset = bytes.length - place;
    for (let i = 0; i < 4; i++) bytes[place + i] = offset >> 8 * i & 255;
  };
  const table = (kind: keyof typeof VTABLES, ...fields: readonly number[]) => {
    const at = bytes.length;
    for (const value of [at - VTABLE_BYTES * Object.keys(VTABLES).indexOf(kind), ...fields]) uint32(value);
    return at;
  };
  const list = <T>(values: readonly T[], write: (value: T) => void) => {
    uint32(values.length);
    const first = bytes.length;
    values.forEach(() => uint32(0));
    values.forEach((value, i) => {
      point(first + 4 * i);
      write(value);
    });
  };
  const text = (value: string) => {
    const encoded = new TextEncoder().encode(value);
    uint32(encoded.length);
    bytes.push(...encoded, 0);
    while (bytes.length % 4 > 0) bytes.push(0);
  };
  const entry = <T>({ key, values }: Entry<T>, write: (value: T) => void) => {
    const at = table("entry", 0, 0);
    point(at + 4);
    text(key);
    point(at + 8);
    list(values, write);
  };
  if (begin % 4 !== 0) throw new TypeError("Cannot order the ORT file: its table of operators is not aligned");
  Object.values(VTABLES).flat().forEach(uint16);
  const at = table("resolver", 0);
  point(at + 4);
  list(
    byKey(operators),
    (operator) =>
      entry(
        { ...operator, values: byKey(operator.values) },
        (type) => entry(type, ({ kind, index }) => void table("argument", index, kind)),
      ),
  );
  return Uint8Array.from(bytes);
}

/** Readers look keys up by halving. */
function byKey<T>(entries: readonly Entry<T>[]): readonly Entry<T>[] {
  return entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
