import assert from "node:assert/strict";
import { crc32c, encodeEvent, encodeHeader } from "./event_file.ts";

const TEXT = new TextEncoder();

Deno.test("crc32c() gives the check values of RFC 3720, appendix B.4", () => {
  assert.equal(crc32c(TEXT.encode("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

/** Hexadecimal digits, two a byte. */
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("encodeHeader() gives the first record of TensorFlow's own files, byte by byte", () => {
  // As tf.summary writes it: length 24, its check, wall time 1.0, the version, and a check.
  const message = `09${"000000000000f03f"}1a0d${hex(TEXT.encode("brain.Event:2"))}`;
  const record = hex(encodeHeader(1));
  assert.equal(record.slice(0, 24), "1800000000000000" + "a37f4b22");
  assert.equal(record.slice(24, -8), message);
});

/** Reads records and messages plainly, by the wire format alone, and checks the checks bit by bit. */
function read(bytes: Uint8Array): readonly unknown[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const events: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(view.getUint32(at + 8, true), maskedBitwise(bytes.subarray(at, at + 8)));
    const message = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(view.getUint32(at + 12 + length, true), maskedBitwise(message));
    events.push(readEvent(message));
    at += length + 16;
  }
  return events;
}

function maskedBitwise(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? crc >> 1n ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  return Number((crc >> 15n | crc << 17n & 0xffffffffn) + 0xa282ead8n & 0xffffffffn);
}

function fieldsOf(
  message: Uint8Array,
): readonly { readonly id: number; readonly wire: number; readonly bytes: Uint8Array }[] {
  const fields = [];
  for (let at = 0; at < message.length;) {
    const varint = () => {
      let value = 0n;
      for (let shift = 0n;; shift += 7n) {
        const byte = message[at++];
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return value;
      }
    };
    const tag = Number(varint());
    const wire = tag & 7;
    const from = at;
    const value = wire === 0 ? varint() : undefined;
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint()) : 0;
    const bytes = value === undefined
      ? message.subarray(at, at += length)
      : new Uint8Array(BigInt64Array.of(value).buffer);
    assert.ok(at > from);
    fields.push({ id: tag >> 3, wire, bytes });
  }
  return fields;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function readEvent(message: Uint8Array): unknown {
  const event: Record<string, unknown> = {};
  for (const { id, bytes } of fieldsOf(message)) {
    if (id === 1) event.wallTime = viewOf(bytes).getFloat64(0, true);
    if (id === 2) event.step = Number(viewOf(bytes).getBigInt64(0, true));
    if (id === 3) event.version = new TextDecoder().decode(bytes);
    if (id !== 5) continue;
    event.scalars = Object.fromEntries(
      fieldsOf(bytes).map((value) => {
        const [tag, scalar] = fieldsOf(value.bytes);
        // summary.proto: Summary.value, Value.tag and Value.simple_value, a float.
        assert.deepEqual([value.id, tag.id, scalar.id, scalar.wire], [1, 1, 2, 5]);
        return [new TextDecoder().decode(tag.bytes), viewOf(scalar.bytes).getFloat32(0, true)];
      }),
    );
  }
  return event;
}

Deno.test("encodeEvent() gives what a reader of the plain wire format finds again", () => {
  const scalars = { "loss/training": 0.25, 'größe, "x"': -1e-30, [`${"long".repeat(100)}`]: Infinity };
  const files = [
    encodeHeader(1.5),
    encodeEvent({ wallTime: 1732690000.125, step: 1, scalars }),
    encodeEvent({ wallTime: 2, step: 2 ** 40, scalars: {} }),
  ];
  const joined = new Uint8Array(files.flatMap((bytes) => [...bytes]));
  assert.deepEqual(read(joined), [
    { wallTime: 1.5, version: "brain.Event:2" },
    { wallTime: 1732690000.125, step: 1, scalars: { ...scalars, 'größe, "x"': Math.fround(-1e-30) } },
    { wallTime: 2, step: 2 ** 40, scalars: {} },
  ]);
});

Deno.test("encodeEvent() keeps what is no number as it is", () => {
  const [event] = read(encodeEvent({ wallTime: 0, step: 0, scalars: { loss: NaN } }));
  assert.deepEqual(event, { wallTime: 0, step: 0, scalars: { loss: NaN } });
});
