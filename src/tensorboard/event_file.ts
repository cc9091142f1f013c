/**
 * TensorBoard's event files: scalars over steps.
 *
 * A file is a row of records, each of them its length (8 bytes), a check of the length, a protobuf message `Event` and a
 * check of that. Checks are CRC-32C, turned and shifted ("masked") so that the check of data that holds checks is none of
 * them. All numbers are little-endian.
 * Source: tensorflow/core/lib/io/record_writer.h, lib/hash/crc32c.h, util/event.proto and framework/summary.proto.
 */
import protobuf from "protobufjs";

/** Scalars of one step. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** Values by tag; TensorBoard makes a group of what is before a tag's first "/". */
  readonly scalars: Readonly<Record<string, number>>;
}

/** What a file says first, so that readers know its form. */
const FILE_VERSION = "brain.Event:2";

/** Tags of fields on the wire: their numbers, and whether they are 0 varints, 1 doubles, 2 of a length, 5 floats. */
const WALL_TIME = 1 << 3 | 1;
const STEP = 2 << 3 | 0;
const VERSION = 3 << 3 | 2;
const SUMMARY = 5 << 3 | 2;
const VALUE = 1 << 3 | 2;
const TAG = 1 << 3 | 2;
const SIMPLE_VALUE = 2 << 3 | 5;

/**
 * Returns the record that a file begins with.
 *
 * @param wallTime Seconds since 1970.
 */
export function encodeHeader(wallTime: number): Uint8Array {
  return frame(
    protobuf.Writer.create().uint32(WALL_TIME).double(wallTime).uint32(VERSION).string(FILE_VERSION).finish(),
  );
}

/**
 * Returns the record of an event. Values are rounded to float32, as the format has them.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodeEvent } from "./event_file.ts";
 *
 * const record = encodeEvent({ wallTime: 0, step: 3, scalars: { loss: 0.5 } });
 * assert.equal(new DataView(record.buffer, record.byteOffset).getUint32(0, true), record.length - 16);
 * ```
 */
export function encodeEvent({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const event = protobuf.Writer.create().uint32(WALL_TIME).double(wallTime).uint32(STEP).int64(step);
  event.uint32(SUMMARY).fork();
  for (const [tag, value] of Object.entries(scalars)) {
    event.uint32(VALUE).fork().uint32(TAG).string(tag).uint32(SIMPLE_VALUE).float(value).ldelim();
  }
  return frame(event.ldelim().finish());
}

/** Bytes before and after the message of a record. */
const [BEFORE, AFTER] = [12, 4];

function frame(message: Uint8Array): Uint8Array {
  const record = new Uint8Array(BEFORE + message.length + AFTER);
  const view = new DataView(record.buffer);
  view.setUint32(0, message.length, true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(message, BEFORE);
  view.setUint32(BEFORE + message.length, maskedCrc(message), true);
  return record;
}

/** 0x1EDC6F41, the polynomial of Castagnoli, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >>> 1 ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

/** Returns the CRC-32C of `bytes`, as in RFC 3720, appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crc >>> 8 ^ TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

const MASK_DELTA = 0xa282ead8;

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (crc >>> 15 | crc << 17) + MASK_DELTA >>> 0;
}
