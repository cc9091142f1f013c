/** Messages of protobuf taken apart and put together without knowing all of their fields (protobuf's encoding guide). */
import protobuf from "protobufjs";
import { joinBytes } from "../../numbers/bytes.ts";

/** A field of a message, as it stands in it. */
export interface WireField {
  readonly number: number;
  /** With its tag. */
  readonly whole: Uint8Array;
  /** Of a field with a length: what it holds. */
  readonly bytes: Uint8Array;
}

/** A field with a length. */
const DELIMITED = 2;

/**
 * Lists the fields of a message, in order.
 *
 * @throws {RangeError} If the bytes are no message.
 */
export function fieldsOf(message: Uint8Array): readonly WireField[] {
  const reader = protobuf.Reader.create(message);
  const fields: WireField[] = [];
  while (reader.pos < message.length) {
    const begin = reader.pos;
    const tag = reader.uint32();
    const afterTag = reader.pos;
    const length = tag % 8 === DELIMITED ? reader.uint32() : 0;
    const from = reader.pos;
    reader.pos = afterTag;
    reader.skipType(tag % 8);
    const bytes = message.subarray(from, from + length);
    fields.push({ number: Math.floor(tag / 8), whole: message.subarray(begin, reader.pos), bytes });
  }
  return fields;
}

/** Writes a field with a length. */
export function field(number: number, bytes: Uint8Array): Uint8Array {
  return joinBytes([varint(8 * number + DELIMITED), varint(bytes.length), bytes]);
}

/** Writes a field that holds a text. */
export function textField(number: number, text: string): Uint8Array {
  return field(number, new TextEncoder().encode(text));
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return Uint8Array.from([...bytes, value]);
}
