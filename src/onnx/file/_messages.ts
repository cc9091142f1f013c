/**
 * The messages of onnx.proto3 that this project reads and writes, as data, and a reader of any of them.
 *
 * Source: onnx/onnx.proto3 of the ONNX repository, IR version 8. Fields left out are skipped when read.
 */
import type { Reader } from "protobufjs";

/** Scalars of the wire format, by the JavaScript type that they become. */
interface Scalars {
  readonly int64: number;
  readonly bigint64: bigint;
  readonly int32: number;
  readonly float: number;
  readonly double: number;
  readonly string: string;
  readonly bytes: Uint8Array;
}

type Kind = keyof Scalars | Message;

/** A field that holds one value, or many. */
export interface Field<K extends Kind = Kind, Many extends boolean = boolean> {
  readonly id: number;
  readonly kind: K;
  readonly many: Many;
}

/** A message: its fields by name. */
export interface Message {
  readonly [name: string]: Field;
}

type ValueOf<K> = K extends keyof Scalars ? Scalars[K] : K extends Message ? Decoded<K> : never;

/** What reading a message gives: lists for repeated fields, undefined for absent single ones. */
export type Decoded<M extends Message> = {
  readonly [Name in keyof M]: M[Name] extends Field<infer K, true> ? readonly ValueOf<K>[]
    : M[Name] extends Field<infer K, false> ? ValueOf<K> | undefined
    : never;
};

function one<const K extends Kind>(id: number, kind: K): Field<K, false> {
  return { id, kind, many: false };
}

function many<const K extends Kind>(id: number, kind: K): Field<K, true> {
  return { id, kind, many: true };
}

export const StringStringEntryProto = { key: one(1, "string"), value: one(2, "string") };
export const OperatorSetIdProto = { domain: one(1, "string"), version: one(2, "int64") };
export const DimensionProto = { dim_value: one(1, "int64"), dim_param: one(2, "string") };
export const TensorShapeProto = { dim: many(1, DimensionProto) };
export const TensorTypeProto = { elem_type: one(1, "int32"), shape: one(2, TensorShapeProto) };
export const TypeProto = { tensor_type: one(1, TensorTypeProto) };
export const ValueInfoProto = { name: one(1, "string"), type: one(2, TypeProto) };
export const TensorProto = {
  dims: many(1, "int64"),
  data_type: one(2, "int32"),
  float_data: many(4, "float"),
  int32_data: many(5, "int32"),
  int64_data: many(7, "bigint64"),
  name: one(8, "string"),
  raw_data: one(9, "bytes"),
  double_data: many(10, "double"),
  uint64_data: many(11, "bigint64"),
  external_data: many(13, StringStringEntryProto),
  data_location: one(14, "int32"),
};
export const AttributeProto = {
  name: one(1, "string"),
  f: one(2, "float"),
  i: one(3, "int64"),
  s: one(4, "string"),
  t: one(5, TensorProto),
  floats: many(7, "float"),
  ints: many(8, "int64"),
  strings: many(9, "string"),
  type: one(20, "int32"),
};
export const NodeProto = {
  input: many(1, "string"),
  output: many(2, "string"),
  name: one(3, "string"),
  op_type: one(4, "string"),
  attribute: many(5, AttributeProto),
  domain: one(7, "string"),
};
export const GraphProto = {
  node: many(1, NodeProto),
  name: one(2, "string"),
  initializer: many(5, TensorProto),
  input: many(11, ValueInfoProto),
  output: many(12, ValueInfoProto),
  value_info: many(13, ValueInfoProto),
};
export const ModelProto = {
  ir_version: one(1, "int64"),
  producer_name: one(2, "string"),
  producer_version: one(3, "string"),
  doc_string: one(6, "string"),
  graph: one(7, GraphProto),
  opset_import: many(8, OperatorSetIdProto),
  metadata_props: many(14, StringStringEntryProto),
};

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

const WIRE: Readonly<Record<keyof Scalars, number>> = {
  int64: VARINT,
  bigint64: VARINT,
  int32: VARINT,
  float: FIXED32,
  double: FIXED64,
  string: DELIMITED,
  bytes: DELIMITED,
};

/** Returns the tag that announces `field` on the wire, repeated scalars unpacked as onnx.proto (proto2) has them. */
export function tagOf({ id, kind }: Field): number {
  return ((id << 3) | (typeof kind === "string" ? WIRE[kind] : DELIMITED)) >>> 0;
}

/**
 * Reads a message that ends at `end`.
 *
 * @throws {RangeError} If the bytes end early or are no message.
 */
export function readMessage<M extends Message>(reader: Reader, message: M, end: number): Decoded<M> {
  const fields = fieldsById(message);
  const result: Record<string, unknown> = {};
  for (const [name, field] of fields.values()) if (field.many) result[name] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    const entry = fields.get(tag >>> 3);
    if (entry === undefined || !fits(entry[1], tag & 7)) reader.skipType(tag & 7);
    else readField(reader, result, { name: entry[0], field: entry[1], wire: tag & 7, end });
  }
  if (reader.pos !== end) throw new RangeError(`a message runs ${reader.pos - end} bytes over its end`);
  // Every field was read as its kind says, and repeated ones were given a list above.
  return result as Decoded<M>;
}

interface FieldSite {
  readonly name: string;
  readonly field: Field;
  readonly wire: number;
  readonly end: number;
}

function readField(reader: Reader, result: Record<string, unknown>, { name, field, wire, end }: FieldSite): void {
  if (!field.many) {
    result[name] = readValue(reader, field.kind, end);
    return;
  }
  const list = result[name] as unknown[];
  const packed = wire === DELIMITED && typeof field.kind === "string" && WIRE[field.kind] !== DELIMITED;
  if (!packed) list.push(readValue(reader, field.kind, end));
  else {
    const stop = endOf(reader, end);
    while (reader.pos < stop) list.push(readValue(reader, field.kind, stop));
    if (reader.pos !== stop) throw new RangeError(`a packed list runs over its end`);
  }
}

function readValue(reader: Reader, kind: Kind, end: number): unknown {
  switch (kind) {
    case "int64":
      return Number(reader.int64().toString());
    case "bigint64":
      return BigInt(reader.int64().toString());
    case "int32":
      return reader.int32();
    case "float":
      return reader.float();
    case "double":
      return reader.double();
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes();
    default:
      return readMessage(reader, kind, endOf(reader, end));
  }
}

/** Reads the length of what follows and returns where that ends. */
function endOf(reader: Reader, limit: number): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > limit) throw new RangeError(`${length} bytes were promised, ${limit - reader.pos} are left`);
  return end;
}

function fits({ kind, many }: Field, wire: number): boolean {
  const own = typeof kind === "string" ? WIRE[kind] : DELIMITED;
  return wire === own || (many && wire === DELIMITED);
}

const BY_ID = new WeakMap<Message, ReadonlyMap<number, readonly [string, Field]>>();

function fieldsById(message: Message): ReadonlyMap<number, readonly [string, Field]> {
  const known = BY_ID.get(message);
  if (known !== undefined) return known;
  const fields = new Map(Object.entries(message).map(([name, field]) => [field.id, [name, field] as const]));
  BY_ID.set(message, fields);
  return fields;
}
